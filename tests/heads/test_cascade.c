/* The cascade's rules, on heads whose weights are zero: then the biases of the predictors
 * are what every region gets, and the arithmetic between the stages can be followed. */
#include "heads/head.h"
#include "postprocess/box_coder.h"
#include "postprocess/softmax.h"
#include "tests/support/forward.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 3, K = 3, C = 2, SIDE = 16, REGIONS = 3, TENSORS_MAX = 128 };

/* ---- a checkpoint ---------------------------------------------------------------- */

typedef struct checkpoint {
    dp_named_tensor list[TENSORS_MAX];
    char names[TENSORS_MAX][48];
    size_t count;
} checkpoint;

/* A tensor of `rank` extents, all elements `value`. */
DP_PRINTF(5, 6)
static float *add(checkpoint *c, int rank, const int *shape, float value,
                  const char *format, ...)
{
    ck_assert_uint_lt(c->count, TENSORS_MAX);
    dp_named_tensor *t = &c->list[c->count];
    char *name = c->names[c->count++];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof c->names[0], format, args);
    va_end(args);
    size_t size = 1;
    *t = (dp_named_tensor){.name = name, .dtype = DP_DTYPE_F32, .rank = rank};
    for (int i = rank - 1; i >= 0; i--) {
        t->shape[i] = shape[i];
        t->stride[i] = (int64_t)size;
        size *= (size_t)shape[i];
    }
    float *values = malloc(size * sizeof *values);
    for (size_t i = 0; i < size; i++)
        values[i] = value;
    t->data = values;
    return values;
}

static void checkpoint_done(checkpoint *c)
{
    for (size_t i = 0; i < c->count; i++)
        free((void *)(uintptr_t)c->list[i].data);
}

#define SHAPE(...)                                             \
    (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]) \
    {                                                          \
        __VA_ARGS__                                            \
    }

static void add_box_stage(checkpoint *c, int s, const float logits[K + 1],
                          const float deltas[K * 4])
{
    for (int i = 0; i < 4; i++) {
        add(c, SHAPE(C, C, 3, 3), 0, "%d.shared_convs.%d.conv.weight", s, i);
        add(c, SHAPE(C), 1, "%d.shared_convs.%d.bn.weight", s, i);
        add(c, SHAPE(C), 0, "%d.shared_convs.%d.bn.bias", s, i);
        add(c, SHAPE(C), 0, "%d.shared_convs.%d.bn.running_mean", s, i);
        add(c, SHAPE(C), 1, "%d.shared_convs.%d.bn.running_var", s, i);
    }
    add(c, SHAPE(4, C * 2 * 2), 0, "%d.shared_fcs.0.weight", s);
    add(c, SHAPE(4), 0, "%d.shared_fcs.0.bias", s);
    add(c, SHAPE(K + 1, 4), 0, "%d.fc_cls.weight", s);
    add(c, SHAPE(4 * K, 4), 0, "%d.fc_reg.weight", s);
    memcpy(add(c, SHAPE(K + 1), 0, "%d.fc_cls.bias", s), logits,
           (K + 1) * sizeof *logits);
    memcpy(add(c, SHAPE(4 * K), 0, "%d.fc_reg.bias", s), deltas,
           4 * K * sizeof *deltas);
}

static void add_mask_stage(checkpoint *c, int s, const float logits[K])
{
    add(c, SHAPE(C, C, 3, 3), 0, "%d.convs.0.conv.weight", s);
    add(c, SHAPE(C), 0, "%d.convs.0.conv.bias", s);
    add(c, SHAPE(C, C, 2, 2), 0, "%d.upsample.weight", s);
    add(c, SHAPE(C), 0, "%d.upsample.bias", s);
    add(c, SHAPE(K, C, 1, 1), 0, "%d.conv_logits.weight", s);
    memcpy(add(c, SHAPE(K), 0, "%d.conv_logits.bias", s), logits, K * sizeof *logits);
}

/* ---- a head ---------------------------------------------------------------------- */

typedef struct bench {
    forward f;
    dp_store store;
    void *self;
    dp_features maps;
    dp_frame frame;
    float map[SIDE * SIDE * C];
    dp_box rois[REGIONS];
    int labels[REGIONS];

    dp_box_predictions boxes;
    dp_tensor masks;
    float stage_rois[STAGES][REGIONS * 4]; /* as traced */
} bench;

static void build(bench *t, const dp_module *def, const char *config, checkpoint *c)
{
    forward_init(&t->f, 2, ~0u);
    cJSON *json = cJSON_Parse(config);
    t->self = calloc(1, def->size);
    ck_assert_msg(dp_params_parse(&t->f.err, def->params, t->self, json, NULL,
                                  def->name) == DP_OK,
                  "%s", t->f.err.text);
    cJSON_Delete(json);
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&t->f.err, &b, &t->store, &t->f.kernels, c->list, c->count),
        DP_OK);
    const dp_feature_specs specs = {.count = 1, .spec = {{"p2", C, 4}}};
    ck_assert_int_eq(def->build(t->self, def, &b, &specs), DP_OK);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", t->f.err.text);
    dp_builder_done(&b);

    t->maps = (dp_features){.count = 1, .spec = {specs.spec[0]}};
    t->maps.map[0] = (dp_tensor){t->map, 1, SIDE, SIDE, C};
    t->frame = (dp_frame){.resized = {60, 50}, .padded = {64, 64}};
    t->rois[0] = (dp_box){3, 4, 40, 30};
    t->rois[1] = (dp_box){20.5f, 10.25f, 58, 49}; /* its later boxes are clipped */
    t->rois[2] = (dp_box){7, 7, 7, 7};            /* without area                */
}

static void done(bench *t, checkpoint *c)
{
    free(t->self);
    dp_store_done(&t->store);
    forward_done(&t->f);
    checkpoint_done(c);
}

static void keep_rois(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    int s;
    bench *t = arg;
    if (sscanf(name, "bbox_rois_stage%d", &s) == 1)
        memcpy(t->stage_rois[s], map.data, sizeof t->stage_rois[s]);
}

static void run_boxes(dp_run *r, void *arg)
{
    bench *t = arg;
    r->trace = r->dry ? NULL : keep_rois;
    r->trace_arg = t;
    t->boxes =
        dp_box_head_cascade.forward(t->self, r, &t->frame, &t->maps, t->rois, REGIONS);
}

static void run_masks(dp_run *r, void *arg)
{
    bench *t = arg;
    t->masks = dp_mask_head_cascade_fcn.forward(t->self, r, &t->maps, t->rois,
                                                t->labels, REGIONS);
}

static const char box_config[] =
    "{\"conv_out_channels\": 2, \"fc_out_channels\": 4, \"roi_feat_size\": 2, "
    "\"num_classes\": 3}";

static const float stds[STAGES][4] = {{0.1f, 0.1f, 0.2f, 0.2f},
                                      {0.05f, 0.05f, 0.1f, 0.1f},
                                      {0.033f, 0.033f, 0.067f, 0.067f}};

/* Of each stage: the background is the highest logit and never chosen; in the second two
 * classes are equal, and the lower one is chosen. */
static const float logits[STAGES][K + 1] = {
    {-0.3f, 0.1f, 0.7f, 9}, {0.9f, 0.9f, -2, 1.5f}, {0.1f, 7.3f, 1e-3f, 0.3f}};
static const int chosen[STAGES - 1] = {2, 0};

static const float deltas[STAGES][4 * K] = {
    {1, 2, 3, 4, 5, 6, 7, 8, 0.5f, -0.25f, 1.5f, -2},
    {2, 3, 4, 1, 9, 9, 9, 9, 9, 9, 9, 9},
    {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1, 1.1f, 1.2f}};

static void check_box(const float *row, dp_box b)
{
    const float want[4] = {b.x1, b.y1, b.x2, b.y2};
    ck_assert_mem_eq(row, want, sizeof want);
}

START_TEST(each_stage_refines_by_its_own_likeliest_class)
{
    checkpoint c = {0};
    bench t = {0};
    for (int s = 0; s < STAGES; s++)
        add_box_stage(&c, s, logits[s], deltas[s]);
    build(&t, &dp_box_head_cascade.module, box_config, &c);
    dp_box want[REGIONS];
    memcpy(want, t.rois, sizeof want);
    forward_run(&t.f, run_boxes, &t);

    for (int s = 0; s < STAGES - 1; s++)
        for (int i = 0; i < REGIONS; i++) {
            want[i] = dp_box_coder_decode(&dp_rules_mmdetection, want[i],
                                          deltas[s] + chosen[s] * 4, stds[s],
                                          t.frame.resized);
            check_box(t.stage_rois[s + 1] + 4 * i, want[i]);
        }
    ck_assert(t.rois[1].x2 <= 60 && t.rois[1].y2 <= 50);
    ck_assert_ptr_eq(t.boxes.rois, t.rois);
    ck_assert_mem_eq(t.boxes.rois, want, sizeof want);
    done(&t, &c);
}
END_TEST

START_TEST(the_answer_is_the_mean_of_logits_and_the_last_deltas)
{
    checkpoint c = {0};
    bench t = {0};
    for (int s = 0; s < STAGES; s++)
        add_box_stage(&c, s, logits[s], deltas[s]);
    build(&t, &dp_box_head_cascade.module, box_config, &c);
    forward_run(&t.f, run_boxes, &t);

    ck_assert_int_eq(t.boxes.count, REGIONS);
    ck_assert_int_eq(dp_box_head_cascade.classes(t.self), K);
    ck_assert(!t.boxes.skip_padding);
    ck_assert_mem_eq(t.boxes.stds, stds[STAGES - 1], sizeof t.boxes.stds);
    for (int i = 0; i < REGIONS; i++) {
        for (int k = 0; k <= K; k++) {
            const float sum = (0.0f + logits[0][k] + logits[1][k]) + logits[2][k];
            ck_assert(t.boxes.logits.data[i * (K + 1) + k] == sum / 3.0f);
        }
        ck_assert_mem_eq(t.boxes.deltas.data + (size_t)i * 4 * K, deltas[STAGES - 1],
                         sizeof deltas[0]);
    }
    done(&t, &c);
}
END_TEST

static const char agnostic_config[] =
    "{\"num_shared_convs\": 0, \"num_shared_fcs\": 2, \"fc_out_channels\": 4, "
    "\"roi_feat_size\": 2, \"num_classes\": 3, \"reg_class_agnostic\": true}";

static void add_agnostic_stage(checkpoint *c, int s)
{
    add(c, SHAPE(4, C * 2 * 2), 0, "%d.shared_fcs.0.weight", s);
    add(c, SHAPE(4), 0, "%d.shared_fcs.0.bias", s);
    add(c, SHAPE(4, 4), 0, "%d.shared_fcs.1.weight", s);
    add(c, SHAPE(4), 0, "%d.shared_fcs.1.bias", s);
    add(c, SHAPE(K + 1, 4), 0, "%d.fc_cls.weight", s);
    add(c, SHAPE(4, 4), 0, "%d.fc_reg.weight", s);
    memcpy(add(c, SHAPE(K + 1), 0, "%d.fc_cls.bias", s), logits[s], sizeof logits[s]);
    memcpy(add(c, SHAPE(4), 0, "%d.fc_reg.bias", s), deltas[s], 4 * sizeof(float));
}

START_TEST(a_class_agnostic_stage_has_one_box_a_region)
{
    checkpoint c = {0};
    bench t = {0};
    for (int s = 0; s < STAGES; s++)
        add_agnostic_stage(&c, s);
    build(&t, &dp_box_head_cascade.module, agnostic_config, &c);
    dp_box want[REGIONS];
    memcpy(want, t.rois, sizeof want);
    forward_run(&t.f, run_boxes, &t);

    for (int s = 0; s < STAGES - 1; s++)
        for (int i = 0; i < REGIONS; i++) {
            want[i] = dp_box_coder_decode(&dp_rules_mmdetection, want[i], deltas[s],
                                          stds[s], t.frame.resized);
            check_box(t.stage_rois[s + 1] + 4 * i, want[i]);
        }
    ck_assert_int_eq(t.boxes.deltas.C, 4);
    for (size_t i = 0; i < REGIONS; i++)
        ck_assert_mem_eq(t.boxes.deltas.data + 4 * i, deltas[STAGES - 1],
                         4 * sizeof(float));
    done(&t, &c);
}
END_TEST

START_TEST(masks_are_the_mean_of_probabilities)
{
    static const float mask_logits[STAGES][K] = {
        {-6, 2, 0.5f}, {1, -3, 0.25f}, {4, 8, -0.75f}};
    checkpoint c = {0};
    bench t = {0};
    for (int s = 0; s < STAGES; s++)
        add_mask_stage(&c, s, mask_logits[s]);
    build(&t, &dp_mask_head_cascade_fcn.module,
          "{\"num_convs\": 1, \"conv_out_channels\": 2, \"roi_feat_size\": 2, "
          "\"num_classes\": 3}",
          &c);
    for (int i = 0; i < REGIONS; i++)
        t.labels[i] = REGIONS - 1 - i;
    forward_run(&t.f, run_masks, &t);

    const int S = dp_mask_head_cascade_fcn.side(t.self);
    ck_assert_int_eq(S, 4);
    ck_assert_int_eq(t.masks.H, S);
    for (int i = 0; i < REGIONS; i++) {
        float p[STAGES];
        for (int s = 0; s < STAGES; s++)
            dp_sigmoid(&p[s], &mask_logits[s][t.labels[i]], 1);
        const float want = ((p[0] + p[1]) + p[2]) / 3.0f;
        for (int j = 0; j < S * S; j++)
            ck_assert(t.masks.data[i * S * S + j] == want);
    }
    done(&t, &c);
}
END_TEST

START_TEST(a_stage_without_weights_is_named)
{
    checkpoint c = {0};
    bench t = {0};
    for (int s = 0; s < STAGES - 1; s++)
        add_box_stage(&c, s, logits[s], deltas[s]);
    forward_init(&t.f, 1, ~0u);
    t.self = calloc(1, dp_box_head_cascade.module.size);
    cJSON *json = cJSON_Parse(box_config);
    ck_assert_int_eq(dp_params_parse(&t.f.err, dp_box_head_cascade.module.params,
                                     t.self, json, NULL, "bbox_head"),
                     DP_OK);
    cJSON_Delete(json);
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&t.f.err, &b, &t.store, &t.f.kernels, c.list, c.count), DP_OK);
    const dp_feature_specs specs = {.count = 1, .spec = {{"p2", C, 4}}};
    ck_assert_int_eq(dp_box_head_cascade.module.build(
                         t.self, &dp_box_head_cascade.module, &b, &specs),
                     DP_OK);
    ck_assert_int_eq(dp_builder_finish(&b), DP_ESHAPE);
    bool named = false;
    for (size_t i = 0; i < b.mismatches.count; i++)
        named |= strcmp(b.mismatches.list[i].name, "2.fc_cls.weight") == 0 &&
                 b.mismatches.list[i].kind == DP_MISMATCH_MISSING;
    ck_assert(named);
    dp_builder_done(&b);
    done(&t, &c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cascade");
    TCase *tc = tcase_create("stages");
    tcase_add_test(tc, each_stage_refines_by_its_own_likeliest_class);
    tcase_add_test(tc, the_answer_is_the_mean_of_logits_and_the_last_deltas);
    tcase_add_test(tc, a_class_agnostic_stage_has_one_box_a_region);
    tcase_add_test(tc, masks_are_the_mean_of_probabilities);
    tcase_add_test(tc, a_stage_without_weights_is_named);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
