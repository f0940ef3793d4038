/* Whole segmentors against what the upstream Python code gave: ../shared/golden and
 * golden2, window by window. The bounds are the "accept" columns of their READMEs: five
 * to ten times the distance of upstream's own float32 from its float64. */
#include "io/image/image.h"
#include "model/segmentor.h"
#include "tests/support/golden_weights.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program;

/* How far off a result may be. */
typedef struct bounds {
    double map;          /* of its values, in parts of the largest    */
    double backbone_rms; /* root mean square, in parts of the values' */
    double head, logits; /* at stride 4, and resized                  */
    int labels;          /* pixels, where 1e-4 of them are fewer      */
} bounds;

static const bounds convnext = {1e-5, HUGE_VAL, 3e-4, 5e-4, 0};
static const bounds full_size = {1e-4, HUGE_VAL, 3e-4, 5e-4, 0};
/* The tiny image of swin_upernet has 1850 pixels. At (41, 3) the two best logits are
 * 7.7e-6 apart in float64, and the probabilities 1.8e-6. Upstream's own float32 error is
 * 5.4e-5. One pixel is more than 1e-4 of the image. */
static const bounds swin = {3e-5, 3e-6, 1e-3, 1e-3, 1};

static const struct golden_case {
    const char *folder, *config;
    int images;
    const bounds *within;
    bool formula; /* weights come from a formula, see the README */
} cases[] = {
    {"golden/upernet_a", "configs/golden/upernet_a.json", 2, &convnext, false},
    {"golden/upernet_a2", "configs/golden/upernet_a2.json", 3, &convnext, false},
    {"golden/upernet_b", "configs/golden/upernet_b.json", 3, &convnext, false},
    {"golden/upernet_b2", "configs/golden/upernet_b2.json", 2, &convnext, false},
    {"golden/upernet_c", "configs/golden/upernet_c.json", 1, &convnext, false},
    {"golden/upernet_c2", "configs/golden/upernet_c2.json", 3, &convnext, false},
    {"golden/full_upernet_t", "configs/ade20k/upernet_convnext_tiny_512.json", 1,
     &full_size, true},
    {"golden2/swin_upernet", "configs/golden/swin_upernet.json", 3, &swin, false},
    {"golden2/swin_upernet_ms", "configs/golden/swin_upernet_ms.json", 2, &swin, false},
    {"golden2/swin_upernet_w12", "configs/golden/swin_upernet_w12.json", 3, &swin,
     false},
};

/* A run of one golden image, and the worst differences met. */
typedef struct golden_run {
    const struct golden_case *which;
    const cJSON *image;
    int windows; /* met so far */
    double map, rms, head, window, logit, probability;
    int labels;
} golden_run;

/* ---- samples of maps that are never whole
 * ----------------------------------------- */

/* Makes row y of a map (W, K). */
typedef void row_fn(const void *arg, int y, float *row);

/* The worst difference between a (1, K, H, W) map's samples and rows made for them. */
static double check_rows(const cJSON *sample, int H, int W, int K, row_fn *make,
                         const void *arg, double bound, const char *what)
{
    const int want[4] = {1, K, H, W};
    for (int d = 0; d < 4; d++)
        ck_assert_int_eq(cJSON_GetArrayItem(json_get(sample, "shape"), d)->valueint,
                         want[d]);
    const cJSON *index = json_get(sample, "index")->child;
    const cJSON *value = json_get(sample, "value")->child;
    float *row = malloc((size_t)W * (size_t)K * sizeof *row);
    double worst = 0;
    for (; index && value; index = index->next, value = value->next) {
        const size_t at = (size_t)index->valuedouble, plane = (size_t)H * (size_t)W;
        const size_t x = at % (size_t)W;
        make(arg, (int)(at % plane / (size_t)W), row);
        const double got = (double)row[x * (size_t)K + at / plane];
        const double off = fabs(got - value->valuedouble);
        ck_assert_msg(off <= bound, "%s: element %zu is %.9g, expected %.9g", what, at,
                      got, value->valuedouble);
        worst = fmax(worst, off);
    }
    free(row);
    return worst;
}

/* ---- what a window gives
 * ----------------------------------------------------------- */

typedef struct window_logits {
    dp_tensor logits;
    dp_size size;
    const dp_kernels *kernels;
} window_logits;

static void window_row(const void *arg, int y, float *row)
{
    const window_logits *w = arg;
    const dp_tensor t = w->logits;
    const size_t line = (size_t)t.W * (size_t)t.C;
    const dp_blend mix = dp_blend_get(y, t.H, w->size.h);
    dp_blend *columns = malloc((size_t)w->size.w * sizeof *columns);
    dp_blend_axis(columns, t.W, w->size.w);
    dp_logits_resize(row,
                     (dp_logits_row){.first = t.data + (size_t)mix.first * line,
                                     .second = t.data + (size_t)mix.second * line,
                                     .y = mix,
                                     .x = columns,
                                     .W = w->size.w,
                                     .K = t.C},
                     w->kernels);
    free(columns);
}

static const cJSON *of_window(const golden_run *run, const char *key, int window)
{
    const cJSON *sample = cJSON_GetArrayItem(json_get(run->image, key), window);
    ck_assert_msg(sample != NULL, "there is no window %d", window);
    return sample;
}

static void check_map(golden_run *run, const cJSON *sample, const char *name,
                      dp_tensor map)
{
    const double absmax = samples_absmax(sample);
    const double off =
        samples_check(sample, map, run->which->within->map * absmax, name) / absmax;
    run->map = fmax(run->map, off);
}

static void check_stage(golden_run *run, const cJSON *sample, const char *name,
                        dp_tensor map)
{
    check_map(run, sample, name, map);
    const double rms = samples_rms(sample, map);
    ck_assert_msg(rms <= run->which->within->backbone_rms, "%s: %g of the values", name,
                  rms);
    run->rms = fmax(run->rms, rms);
}

static void check_logits(golden_run *run, int window, dp_tensor map,
                         const dp_kernels *kernels)
{
    run->head =
        fmax(run->head, samples_check(of_window(run, "head_logits", window), map,
                                      run->which->within->head, "head logits"));
    const cJSON *want = of_window(run, "windows", window);
    const cJSON *size = json_get(want, "size");
    const window_logits w = {
        map,
        {cJSON_GetArrayItem(size, 0)->valueint, cJSON_GetArrayItem(size, 1)->valueint},
        kernels};
    run->window =
        fmax(run->window,
             check_rows(json_get(want, "logits"), w.size.h, w.size.w, map.C, window_row,
                        &w, run->which->within->logits, "window logits"));
    run->windows++;
}

static void trace(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    golden_run *run = arg;
    int window = 0, level;
    if (sscanf(name, "window%d.", &window) == 1)
        name = strchr(name, '.') + 1;
    if (sscanf(name, "stage%d", &level) == 1)
        check_stage(run,
                    cJSON_GetArrayItem(of_window(run, "backbone", window), level - 1),
                    name, map);
    else if (strcmp(name, "psp_bottleneck") == 0 || strcmp(name, "fpn_bottleneck") == 0)
        check_map(run, of_window(run, name, window), name, map);
    else if (strcmp(name, "logits") == 0)
        check_logits(run, window, map, r->kernels);
}

/* ---- the image
 * ------------------------------------------------------------------- */

typedef struct image {
    dp_context *ctx;
    const dp_segmentor_result *result;
    int pass; /* whose logits are asked for */
} answer;

static void logits_row(const void *arg, int y, float *row)
{
    const answer *l = arg;
    const dp_segmentor_pass *p = &l->result->passes[l->pass];
    const size_t line = (size_t)p->mosaic.size.w * (size_t)l->result->K;
    float *lines = malloc(2 * line * sizeof *lines);
    dp_mosaic_row(&p->mosaic, p->rows[y].first, lines);
    dp_mosaic_row(&p->mosaic, p->rows[y].second, lines + line);
    dp_logits_resize(row,
                     (dp_logits_row){.first = lines,
                                     .second = lines + line,
                                     .y = p->rows[y],
                                     .x = p->columns,
                                     .W = l->result->image.w,
                                     .K = l->result->K},
                     &l->ctx->kernels);
    free(lines);
}

static void probability_row(const void *arg, int y, float *row)
{
    const answer *p = arg;
    dp_segmentor_probabilities(p->ctx, p->result, y, 1, row);
}

/* Distance between the two highest of K values. */
static float find_margin(const float *values, int K)
{
    float first = -1, second = -1;
    for (int k = 0; k < K; k++) {
        if (values[k] > first) {
            second = first;
            first = values[k];
        } else if (values[k] > second) {
            second = values[k];
        }
    }
    return first - second;
}

/* Where a label differs, upstream's choice was close: within 1e-4 of ours. */
static int check_labels(const golden_run *run, int number, const answer *p)
{
    dp_error err = {0};
    dp_pixels want;
    const dp_segmentor_result *result = p->result;
    const dp_size size = result->image;
    const char *path = shared_path("%s/image%d_label.png", run->which->folder, number);
    ck_assert_msg(dp_pixels_load(&err, &want, path) == DP_OK, "%s", err.text);
    ck_assert(want.h == size.h && want.w == size.w);
    float *row = malloc((size_t)size.w * (size_t)result->K * sizeof *row);
    int differ = 0;
    for (int y = 0; y < size.h; y++)
        for (int x = 0; x < size.w; x++) {
            const size_t at = (size_t)y * (size_t)size.w + (size_t)x;
            if (result->labels[at] == want.data[at * 3])
                continue;
            differ++;
            dp_segmentor_probabilities(p->ctx, result, y, 1, row);
            const float margin =
                find_margin(row + (size_t)x * (size_t)result->K, result->K);
            ck_assert_msg(margin < 1e-4f, "pixel (%d, %d): found %d, expected %d", y, x,
                          result->labels[at], want.data[at * 3]);
        }
    free(row);
    dp_pixels_done(&want);
    const int share = (int)(1e-4 * (double)size.h * (double)size.w);
    const int few = run->which->within->labels;
    ck_assert_int_le(differ, share > few ? share : few);
    return differ;
}

static void check_image(golden_run *run, int number, answer p)
{
    const dp_segmentor_result *s = p.result;
    ck_assert_int_eq(run->windows, cJSON_GetArraySize(json_get(run->image, "windows")));
    const cJSON *logits = json_get(run->image, "logits_original_size");
    ck_assert_int_eq(s->count, cJSON_GetArraySize(logits));
    for (; p.pass < s->count; p.pass++)
        run->logit =
            fmax(run->logit, check_rows(cJSON_GetArrayItem(logits, p.pass), s->image.h,
                                        s->image.w, s->K, logits_row, &p,
                                        run->which->within->logits, "logits"));
    run->probability =
        check_rows(json_get(run->image, "probability"), s->image.h, s->image.w, s->K,
                   probability_row, &p, 1e-4, "probability");
    run->labels = check_labels(run, number, &p);
}

static void run_image(dp_context *ctx, const dp_model *m, const struct golden_case *c,
                      int number)
{
    cJSON *image = json_load(shared_path("%s/image%d.json", c->folder, number));
    golden_run run = {.which = c, .image = image};
    ctx->trace = trace;
    ctx->trace_arg = &run;

    dp_pixels pixels;
    dp_segmentor_result result;
    const char *file = json_text(json_get(image, "image"), "file");
    ck_assert_msg(dp_pixels_load(&ctx->err, &pixels, shared_path("%s", file)) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(dp_model_run(ctx, m, &pixels, &result) == DP_OK, "%s", ctx->err.text);
    check_image(&run, number, (answer){ctx, &result, 0});
    printf("%s image %d: %d windows, maps %.1e of the largest (stages %.1e rms), "
           "logits %.1e at stride 4, "
           "%.1e, %.1e in the image, probabilities %.1e, %d labels of %d\n",
           c->folder, number, run.windows, run.map, run.rms, run.head, run.window,
           run.logit, run.probability, run.labels, pixels.h * pixels.w);
    dp_pixels_done(&pixels);
    cJSON_Delete(image);
}

static void log_line(void *arg, const char *line)
{
    (void)arg;
    printf("  %s\n", line);
}

static void check_case(const struct golden_case *c, const char *gemm)
{
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.gemm = gemm, .log = log_line}),
                     DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, c->config,
                                golden_weights(c->folder, c->formula, program),
                                NULL) == DP_OK,
                  "%s", dp_context_error(ctx));
    for (int i = 0; i < c->images; i++)
        run_image(ctx, m, c, i);
    dp_model_free(m);
    dp_context_free(ctx);
}

START_TEST(segmentor_equals_upstream)
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
    Suite *s = suite_create("golden segmentation");
    TCase *tiny = tcase_create("tiny"), *full = tcase_create("full size");
    tcase_set_timeout(tiny, 300);
    tcase_set_timeout(full, 600);
    tcase_set_tags(full, "slow");
    if (shared_has("golden") && shared_has("golden2"))
        for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
            tcase_add_loop_test(cases[i].formula ? full : tiny,
                                segmentor_equals_upstream, i, i + 1);
            tcase_add_loop_test(cases[i].formula ? full : tiny, with_openblas_too, i,
                                i + 1);
        }
    suite_add_tcase(s, tiny);
    suite_add_tcase(s, full);
    return suite_run(s);
}
