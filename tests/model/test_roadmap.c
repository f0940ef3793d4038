/* The steps from ResNet to ConvNeXt: their costs, and small ones of them against this
 * project's own reference, tests/golden/roadmap; the first is the ResNet backbone and the
 * last the ConvNeXt backbone, bit for bit. */
#include "model/model.h"
#include "tests/support/golden.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Costs by the networks' structure as the paper has it, for 224 x 224: 1e9
 * multiply-accumulates of convolutions and the linear layer. The paper's are the same to
 * its two decimals. Only ResNet-50's steps 12 and 13 (4.46 and 4.49) do not follow from
 * the structure. */
static const struct step {
    const char *name;
    const char *golden; /* the golden file: steps 1, 2 and 5 only change sizes */
    struct {
        const char *gmacs;
        uint64_t params; /* 0: not known */
    } r50, r200;
} steps[] = {
    {"00", "00", {"4.089", 25557032}, {"15.007", 64673832}},
    {"01", "00", {"4.089", 25557032}, {"15.007", 64673832}},
    {"02", "00", {"4.526", 28628520}, {"14.518", 83066332}},
    {"03", "03", {"4.418", 28622184}, {"14.376", 83058016}},
    {"04", "04", {"2.350", 15722664}, {"7.234", 42585556}},
    {"05", "04", {"5.268", 33761032}, {"16.764", 96526696}},
    {"06", "06", {"4.644", 25851496}, {"15.679", 83700200}},
    {"07", "07", {"4.065", 25625512}, {"14.627", 83094760}},
    {"08_kernel5", "08_kernel5", {"4.097", 0}, {"14.699", 0}},
    {"08_kernel7", "08_kernel7", {"4.146", 25863592}, {"14.807", 83780840}},
    {"08_kernel9", "08_kernel9", {"4.210", 0}, {"14.950", 0}},
    {"08_kernel11", "08_kernel11", {"4.291", 0}, {"15.130", 0}},
    {"09", "09", {"4.146", 25863592}, {"14.807", 83780840}},
    {"10", "10", {"4.146", 25863592}, {"14.807", 83780840}},
    {"11", "11", {"4.146", 25797352}, {"14.807", 83600360}},
    {"12", "12", {"4.146", 25797352}, {"14.807", 83600360}},
    {"13", "13", {"4.456", 28589128}, {"15.355", 88591464}},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static dp_context *open_context(void)
{
    dp_context *ctx;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    return ctx;
}

/* ---- costs ------------------------------------------------------------------------- */

static void check_costs(const char *path, const char *gmacs, uint64_t params)
{
    dp_context *ctx = open_context();
    dp_config *config;
    dp_model *m;
    dp_model_work work;
    char text[16];
    ck_assert_msg(dp_config_load(&ctx->err, &config, path) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_msg(dp_model_build(ctx, &m, config, &(dp_model_weights){.counting = true},
                                 NULL) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(dp_model_measure(ctx, m, (dp_size){224, 224}, &work) == DP_OK, "%s",
                  ctx->err.text);
    snprintf(text, sizeof text, "%.3f", work.macs / 1e9);
    ck_assert_msg(strcmp(text, gmacs) == 0, "%s: found %s, expected %s", path, text,
                  gmacs);
    if (params)
        ck_assert_uint_eq(m->params, params);
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}

START_TEST(a_step_costs_what_its_structure_does)
{
    char path[64];
    const struct step *s = &steps[_i];
    snprintf(path, sizeof path, "configs/roadmap/r50_step%s.json", s->name);
    check_costs(path, s->r50.gmacs, s->r50.params);
    snprintf(path, sizeof path, "configs/roadmap/r200_step%s.json", s->name);
    check_costs(path, s->r200.gmacs, s->r200.params);
}
END_TEST

/* ---- small ones against the reference ---------------------------------------------- */

/* Channels of the stem of the reference's networks. */
static int width_of(const char *name)
{
    return strcmp(name, "06") < 0 ? 2 : 3;
}

/* An image as the reference has it. */
static dp_pixels golden_image(dp_error *err)
{
    dp_pixels p;
    size_t count;
    golden g = golden_open("roadmap/image");
    const dp_named_tensor *bgr = golden_get(&g, "bgr");
    int *values = golden_ints(&g, "bgr", &count);
    ck_assert_int_eq(dp_pixels_init(err, &p, (int)bgr->shape[0], (int)bgr->shape[1]),
                     DP_OK);
    for (size_t i = 0; i < count; i++)
        p.data[i] = (uint8_t)values[i];
    free(values);
    golden_close(&g);
    return p;
}

typedef struct comparison {
    golden g;
    int met;
    double worst;
} comparison;

/* Every map within the reference's own noise (golden.h); a logit besides within 1e-4. */
static void compare(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    comparison *c = arg;
    if (!golden_find(&c->g, name))
        return;
    c->worst = fmax(c->worst, golden_check(&c->g, name, map));
    c->met++;
    if (strcmp(name, "logits") != 0)
        return;
    size_t count;
    double *want = golden_doubles(&c->g, name, &count);
    ck_assert_int_eq((int)count, map.C);
    for (int i = 0; i < map.C; i++)
        ck_assert_msg(fabs((double)map.data[i] - want[i]) <= 1e-4,
                      "logit %d is %.9g, expected %.9g", i, (double)map.data[i],
                      want[i]);
    free(want);
}

START_TEST(a_small_step_is_the_reference)
{
    const struct step *s = &steps[_i];
    char path[64], weights[96], changes[320];
    snprintf(path, sizeof path, "configs/roadmap/r50_step%s.json", s->name);
    snprintf(weights, sizeof weights, "tests/golden/roadmap/step%s.safetensors",
             s->golden);
    snprintf(changes, sizeof changes,
             "{\"dataset\": \"tests/golden/roadmap/classes.json\", "
             "\"input\": {\"resize\": \"warp\", \"scale\": [45, 45]}, "
             "\"backbone\": {\"depths\": [2, 1, 2, 1], \"width\": %d}, "
             "\"cls_head\": {\"num_classes\": 7}}",
             width_of(s->name));
    dp_context *ctx = open_context();
    dp_model *m;
    ck_assert_msg(dp_model_load(ctx, &m, path, weights,
                                &(dp_load_options){.changes = changes}) == DP_OK,
                  "%s", dp_context_error(ctx));
    dp_pixels image = golden_image(&ctx->err);
    comparison c = {.g = golden_open("roadmap/step%s_maps", s->golden)};
    ctx->trace = compare;
    ctx->trace_arg = &c;
    ck_assert_msg(dp_model_trace(ctx, m, &image, true) == DP_OK, "%s", ctx->err.text);
    ck_assert_int_eq(c.met, 5);
    printf("step %s: %.2f of what the noise allows\n", s->name, c.worst);
    golden_close(&c.g);
    dp_pixels_done(&image);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

/* ---- the ends are the other backbones ---------------------------------------------- */

enum { MAPS = 12 };

typedef struct maps {
    int count;
    char name[MAPS][16];
    dp_tensor map[MAPS]; /* copies */
} maps;

static void keep(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    maps *kept = arg;
    ck_assert_int_lt(kept->count, MAPS);
    const size_t bytes = dp_tensor_size(map) * sizeof *map.data;
    snprintf(kept->name[kept->count], sizeof kept->name[0], "%s", name);
    dp_tensor *copy = &kept->map[kept->count++];
    *copy = map;
    copy->data = malloc(bytes);
    memcpy(copy->data, map.data, bytes);
}

/* Random weights, which follow from the tensors' names. */
static maps run_model(const char *path, const char *changes)
{
    maps kept = {0};
    dp_context *ctx = open_context();
    dp_model *m;
    ck_assert_msg(dp_model_load(ctx, &m, path, NULL,
                                &(dp_load_options){.random = 1, .changes = changes}) ==
                      DP_OK,
                  "%s", dp_context_error(ctx));
    dp_pixels image = golden_image(&ctx->err);
    ctx->trace = keep;
    ctx->trace_arg = &kept;
    ck_assert_msg(dp_model_trace(ctx, m, &image, true) == DP_OK, "%s", ctx->err.text);
    dp_pixels_done(&image);
    dp_model_free(m);
    dp_context_free(ctx);
    return kept;
}

static void check_same_bits(maps *a, maps *b)
{
    ck_assert_int_eq(a->count, b->count);
    ck_assert_int_ge(a->count, 7); /* input, four stages, mean, logits */
    for (int i = 0; i < a->count; i++) {
        const dp_tensor x = a->map[i], y = b->map[i];
        ck_assert_str_eq(a->name[i], b->name[i]);
        ck_assert(x.H == y.H && x.W == y.W && x.C == y.C);
        ck_assert_mem_eq(x.data, y.data, dp_tensor_size(x) * sizeof *x.data);
        ck_assert(dp_tensor_size(x) > 0 && isfinite(x.data[0]));
        free(x.data);
        free(y.data);
    }
}

static const struct {
    const char *step, *changes, *other, *other_changes;
} twins[] = {
    {"configs/roadmap/r50_step13.json", NULL,
     "configs/imagenet/convnext_tiny_1k_224.json", NULL},
    {"configs/roadmap/r50_step13.json",
     "{\"backbone\": {\"depths\": [1, 2, 1, 3], \"width\": 20, \"output_norms\": "
     "true}}",
     "configs/imagenet/convnext_tiny_1k_224.json",
     "{\"backbone\": {\"depths\": [1, 2, 1, 3], \"dims\": [20, 40, 80, 160], "
     "\"output_norms\": true}}"},
    {"configs/roadmap/r200_step13.json", "{\"backbone\": {\"layer_scale\": false}}",
     "configs/imagenet/convnext_base_1k_224.json",
     "{\"backbone\": {\"layer_scale\": false}}"},
    {"configs/roadmap/r50_step00.json", NULL, "configs/roadmap/r50_step00.json",
     "{\"backbone\": {\"type\": \"resnet\", \"width\": null, \"output_norms\": null}}"},
};

START_TEST(the_ends_of_the_road_are_resnet_and_convnext)
{
    maps a = run_model(twins[_i].step, twins[_i].changes);
    maps b = run_model(twins[_i].other, twins[_i].other_changes);
    check_same_bits(&a, &b);
}
END_TEST

/* ---- settings that do not go together ----------------------------------------------- */

static const struct {
    const char *step, *settings, *message;
} refusals[] = {
    {"13", "\"kernel_size\": 6",
     "backbone.kernel_size: found 6, expected an odd number"},
    {"13", "\"kernel_size\": 9", "backbone.separate_downsampling: found true"},
    {"13", "\"activation\": \"relu\"", "backbone.separate_downsampling: found true"},
    {"13", "\"inverted\": false", "backbone.separate_downsampling: found true"},
    {"13", "\"depthwise_first\": false", "backbone.separate_downsampling: found true"},
    {"13", "\"norm\": \"bn\"", "backbone.separate_downsampling: found true"},
    {"13", "\"fewer_norms\": false", "backbone.norm: found \"ln\""},
    {"12", "\"fewer_activations\": false", "backbone.norm: found \"ln\""},
    {"12", "\"stem\": \"pooled\"", "backbone.norm: found \"ln\""},
    {"12", "\"depthwise\": false", "backbone.depthwise_first: found true"},
    {"12", "\"layer_scale\": true", "backbone.layer_scale: found true"},
    {"00", "\"output_norms\": true", "backbone.output_norms: found true"},
};

START_TEST(settings_that_need_others_are_refused_without)
{
    char path[64], changes[128];
    snprintf(path, sizeof path, "configs/roadmap/r50_step%s.json", refusals[_i].step);
    snprintf(changes, sizeof changes, "{\"backbone\": {%s}}", refusals[_i].settings);
    dp_context *ctx = open_context();
    dp_model *m;
    ck_assert_int_eq(dp_model_load(ctx, &m, path, NULL,
                                   &(dp_load_options){.random = 1, .changes = changes}),
                     DP_ECONFIG);
    ck_assert_msg(strstr(dp_context_error(ctx), refusals[_i].message) != NULL, "%s",
                  dp_context_error(ctx));
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("roadmap");
    TCase *t = tcase_create("steps");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_step_costs_what_its_structure_does, 0, STEPS);
    tcase_add_loop_test(t, a_small_step_is_the_reference, 0, STEPS);
    tcase_add_loop_test(t, the_ends_of_the_road_are_resnet_and_convnext, 0,
                        sizeof twins / sizeof twins[0]);
    tcase_add_loop_test(t, settings_that_need_others_are_refused_without, 0,
                        sizeof refusals / sizeof refusals[0]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
