/* Whole classifiers against what the upstream Python code gave: ../shared/golden and
 * golden2. The bounds are the "accept" columns of their READMEs. */
#include "io/image/image.h"
#include "model/classifier.h"
#include "tests/support/golden_weights.h"
#include "tests/support/samples.h"
#include "tests/support/sha256.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program;

static const struct golden_case {
    const char *folder, *config;
    int size;            /* of the input            */
    const char *feature; /* its name in the records */
    double bound;        /* of features and logits  */
} cases[] = {
    {"golden/convnext_cls", "convnext_cls_224", 224, "pooled_normed_feature", 1e-4},
    {"golden/convnext_cls", "convnext_cls_384", 384, "pooled_normed_feature", 1e-4},
    {"golden/convnextv2_cls", "convnextv2_cls_224", 224, "pooled_normed_feature", 3e-4},
    {"golden/convnextv2_cls", "convnextv2_cls_384", 384, "pooled_normed_feature", 3e-4},
    {"golden2/swin_cls", "swin_cls_224", 224, "normed_pooled_feature", 3e-4},
};
enum { CASES = sizeof cases / sizeof cases[0], TOP = 5 };

typedef struct golden_run {
    const cJSON *record;
    const struct golden_case *which;
    double logit, feature; /* worst differences             */
    int met;               /* traced maps that were compared */
} golden_run;

static void check_input(const golden_run *run, dp_tensor input)
{
    const size_t cells = (size_t)input.H * (size_t)input.W;
    float *planes = malloc(cells * 3 * sizeof *planes);
    for (size_t i = 0; i < cells; i++)
        for (size_t c = 0; c < 3; c++)
            planes[c * cells + i] = input.data[i * 3 + c];
    char digest[65];
    sha256_hex(digest, planes, cells * 3 * sizeof *planes);
    free(planes);
    ck_assert_str_eq(digest, json_text(run->record, "input_sha256_f32_chw"));
}

/* The worst difference between a row of values and a list. */
static double compare(const cJSON *list, dp_tensor row, double bound, const char *name)
{
    double worst = 0;
    ck_assert_int_eq(cJSON_GetArraySize(list), row.C);
    const cJSON *v = list->child;
    for (int i = 0; i < row.C; i++, v = v->next) {
        const double off = fabs(v->valuedouble - (double)row.data[i]);
        ck_assert_msg(off <= bound, "%s %d is %.9g, expected %.9g", name, i,
                      (double)row.data[i], v->valuedouble);
        worst = fmax(worst, off);
    }
    return worst;
}

static void trace(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    golden_run *run = arg;
    if (strcmp(name, "input") == 0)
        check_input(run, map);
    else if (strcmp(name, "pooled") == 0)
        run->feature = compare(json_get(run->record, run->which->feature), map,
                               run->which->bound, name);
    else if (strcmp(name, "logits") == 0)
        run->logit =
            compare(json_get(run->record, "logits"), map, run->which->bound, name);
    else
        return;
    run->met++;
}

static void check_best(const cJSON *record, const dp_class_score *best, int count)
{
    const cJSON *label = json_get(record, "top5")->child;
    const cJSON *score = json_get(record, "top5_prob")->child;
    ck_assert_int_eq(count, TOP);
    for (int i = 0; i < TOP; i++, label = label->next, score = score->next) {
        ck_assert_int_eq(best[i].label, label->valueint);
        ck_assert(fabs((double)best[i].score - score->valuedouble) < 1e-5);
    }
}

static void run_record(dp_context *ctx, const dp_model *m, const cJSON *record,
                       const struct golden_case *c)
{
    golden_run run = {.record = record, .which = c};
    ctx->trace = trace;
    ctx->trace_arg = &run;
    dp_pixels pixels;
    dp_class_score best[TOP + 1];
    int count;
    const char *file = json_text(json_get(record, "image"), "file");
    ck_assert_msg(dp_pixels_load(&ctx->err, &pixels, shared_path("%s", file)) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(dp_classifier_run(ctx, m, &pixels, best, TOP + 1, &count) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_int_eq(run.met, 3);
    check_best(record, best, count);
    printf("%s %s at %.0f: features %.1e, logits %.1e\n", c->folder, file,
           json_number(record, "input_size"), run.feature, run.logit);
    dp_pixels_done(&pixels);
}

static void check_case(const struct golden_case *c, const char *gemm)
{
    char config[128];
    snprintf(config, sizeof config, "configs/golden/%s.json", c->config);
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.gemm = gemm}), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, config,
                                golden_weights(c->folder, false, program),
                                NULL) == DP_OK,
                  "%s", dp_context_error(ctx));
    cJSON *records = json_load(shared_path("%s/results.json", c->folder));
    int ran = 0;
    for (const cJSON *v = records->child; v; v = v->next)
        if ((int)json_number(v, "input_size") == c->size) {
            run_record(ctx, m, v, c);
            ran++;
        }
    ck_assert_int_ge(ran, 4);
    cJSON_Delete(records);
    dp_model_free(m);
    dp_context_free(ctx);
}

START_TEST(classifier_equals_upstream)
{
    check_case(&cases[_i], NULL);
}
END_TEST

START_TEST(with_openblas_too)
{
    check_case(&cases[_i], "openblas");
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    program = argv[0];
    Suite *suite = suite_create("golden classification");
    TCase *tc = tcase_create("original");
    tcase_set_timeout(tc, 120);
    if (shared_has("golden") && shared_has("golden2")) {
        tcase_add_loop_test(tc, classifier_equals_upstream, 0, CASES);
        tcase_add_loop_test(tc, with_openblas_too, 0, CASES);
    }
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
