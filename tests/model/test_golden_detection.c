/* Whole detectors against what the upstream Python code gave: ../shared/golden and
 * golden2. The bounds are the "accept" columns of their READMEs: five to ten times the
 * distance of upstream's own float32 from its float64. */
#include "io/checkpoint/checkpoint.h"
#include "io/image/image.h"
#include "model/detector.h"
#include "model/model.h"
#include "tests/support/samples.h"
#include "tests/support/sha256.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of this program. */
static char programs[400];

/* How far off a result may be. */
typedef struct bounds {
    double backbone, fpn; /* of a map's values, in parts of its largest            */
    double backbone_rms;  /* root mean square, in parts of the values'             */
    double logit, delta;  /* of the proposal head                                  */
    double proposal, proposal_score; /* px; what is farther off has no partner     */
    int lonely;                      /* proposals without partner                  */
    double box, score;               /* of detections, px                          */
    int unmatched;                   /* detections without partner                 */
    double probability;              /* of a mask's cells                          */
    double mask_iou, mask_part; /* overlap, and wrong pixels as a part of the area; */
    double mask_pixels;         /* or this many                                     */
    double small_mask;          /* pixels of one with less than 200                 */
    double tie; /* of a pixel and the threshold, that may go either way */
} bounds;

static const bounds convnext = {1e-5, 1e-5, HUGE_VAL, 1e-4,  2e-5, 0.01, 1e-5, 3, 0.02,
                                3e-4, 1,    1e-3,     0.999, 1e-4, 20,   3,    0};
static const bounds full_size = {1e-4, 1e-4, HUGE_VAL, 1e-4,  2e-5, 0.01, 1e-5, 3, 0.02,
                                 3e-4, 2,    1e-3,     0.999, 1e-4, 20,   3,    0};
/* In masks of less than a thousand pixels the overlap leaves none that may differ, and a
 * few have one that float32 cannot decide. The same networks in float64 put it this far
 * above the threshold (case, image, mask, its pixels; "not" is where upstream's own
 * float32 is on the other side of its float64):
 *
 *     cascade_a 0 55, 946: 9.4e-7          cascade_b 2 77, 802: -8.1e-7
 *     cascade_a 1 44, 522: 2.0e-5          resnet_mask_rcnn 1 98, 492: -1.9e-5
 *     cascade_a 1 29, 409: -9.8e-7, not    swin_mask_rcnn 1 54, 956: 1.2e-5, not
 *     cascade_b 1 63, 720: 1.3e-5          swin_cascade 1 44, 1635: -2.8e-6 and 6.8e-6
 *     cascade_b 1 84, 810: -1.3e-7
 *
 * A box that moves by 1e-4 px moves a pixel of its mask by 1e-5. PyTorch with AVX2 fails
 * the rule against PyTorch with AVX-512. So a pixel counts where our own value is not a
 * tie: the bound is the accepted error of a probability over fifty. */
static const bounds cascade = {1e-5, 1e-5, HUGE_VAL, 1e-4,  2e-5, 0.01, 1e-5, 3,   0.02,
                               3e-4, 1,    1e-3,     0.999, 1e-4, 20,   3,    2e-5};
static const bounds resnet = {1e-4, 1e-4, 4e-5, 1e-3,  2e-4, 0.04, 1e-4, 5,   0.05,
                              6e-4, 2,    5e-3, 0.998, 5e-4, 40,   4,    2e-5};
static const bounds swin = {3e-5, 2e-5, 3e-6, 2e-4,  3e-5, 0.01, 2e-5, 3,   0.02,
                            3e-4, 1,    1e-3, 0.999, 1e-4, 20,   3,    2e-5};

/* A run of one golden image, and the worst differences met. */
typedef struct golden_run {
    const cJSON *image;
    const char *folder;
    int number;
    const bounds *within;
    bool categories;
    double worst_map, worst_rms, worst_logit, worst_delta, worst_roi;
    int *partner; /* our proposal of each of upstream's, -1: none; owned */
    int partners;
    int cascade_stages; /* whose regions were compared */
    int far_rois;       /* of them all                 */
    float *masks;       /* probabilities, as the mask head gave them; owned */
    size_t cells;       /* of each */
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
    ck_assert_str_eq(digest, json_text(run->image, "input_sha256_f32_chw"));
}

static const cJSON *check_map(golden_run *run, const char *key, int i, double bound,
                              const char *name, dp_tensor map)
{
    const cJSON *sample = cJSON_GetArrayItem(json_get(run->image, key), i);
    const double absmax = samples_absmax(sample);
    const double off = samples_check(sample, map, bound * absmax, name) / absmax;
    run->worst_map = fmax(run->worst_map, off);
    return sample;
}

static void check_stage(golden_run *run, int i, const char *name, dp_tensor map)
{
    const cJSON *sample =
        check_map(run, "backbone", i, run->within->backbone, name, map);
    const double rms = samples_rms(sample, map);
    ck_assert_msg(rms <= run->within->backbone_rms, "%s: %g of the values", name, rms);
    run->worst_rms = fmax(run->worst_rms, rms);
}

static void trace(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    golden_run *run = arg;
    int level;
    char kind[8];
    if (strcmp(name, "input") == 0)
        check_input(run, map);
    else if (sscanf(name, "stage%d", &level) == 1)
        check_stage(run, level - 1, name, map);
    else if (sscanf(name, "p%d", &level) == 1)
        check_map(run, "fpn", level - 2, run->within->fpn, name, map);
    else if (sscanf(name, "rpn_%3s_p%d", kind, &level) == 2) {
        const bool cls = strcmp(kind, "cls") == 0;
        const cJSON *sample = cJSON_GetArrayItem(
            json_get(run->image, cls ? "rpn_cls" : "rpn_reg"), level - 2);
        const double off = samples_check(
            sample, map, cls ? run->within->logit : run->within->delta, name);
        double *worst = cls ? &run->worst_logit : &run->worst_delta;
        *worst = fmax(*worst, off);
    }
}

/* ---- proposals, detections -------------------------------------------------------- */

static double box_distance(const double *a, const float *b)
{
    double worst = 0;
    for (int k = 0; k < 4; k++)
        worst = fmax(worst, fabs(a[k] - (double)b[k]));
    return worst;
}

/* Our row nearest to one of upstream's, as far as it counts as the same proposal. */
static int find_proposal(const bounds *within, const double *want, dp_tensor got)
{
    int best = -1;
    double nearest = within->proposal;
    for (int j = 0; j < got.N; j++) {
        const float *g = got.data + (size_t)j * 5;
        const double off = box_distance(want, g);
        if (off > nearest || fabs(want[4] - (double)g[4]) > within->proposal_score)
            continue;
        nearest = off;
        best = j;
    }
    return best;
}

static void check_proposals(golden_run *run, dp_tensor got)
{
    const npy want =
        npy_load(shared_path("%s/image%d_proposals.npy", run->folder, run->number));
    ck_assert_int_eq(got.N, want.shape[0]);
    int lonely = 0;
    run->partners = want.shape[0];
    run->partner = malloc(((size_t)run->partners + 1) * sizeof *run->partner);
    for (int i = 0; i < want.shape[0]; i++) {
        run->partner[i] = find_proposal(run->within, want.values + (size_t)i * 5, got);
        lonely += run->partner[i] < 0;
    }
    free(want.values);
    ck_assert_msg(lonely <= run->within->lonely, "%d proposals without partner",
                  lonely);
}

/* A cascade's regions follow the order of the proposals. A few may be far off, where two
 * classes are as likely. */
static void check_rois(golden_run *run, int stage, dp_tensor got)
{
    const npy want = npy_load(
        shared_path("%s/image%d_rois_stage%d.npy", run->folder, run->number, stage));
    ck_assert_int_eq(want.shape[0], run->partners);
    int far = 0;
    for (int i = 0; i < run->partners; i++) {
        if (run->partner[i] < 0) {
            far++;
            continue;
        }
        const double off = box_distance(want.values + (size_t)i * 5 + 1,
                                        got.data + (size_t)run->partner[i] * 4);
        far += off > 0.02;
        if (off <= 0.02)
            run->worst_roi = fmax(run->worst_roi, off);
    }
    free(want.values);
    run->cascade_stages++;
    run->far_rois += far;
    ck_assert_msg(far * 100 <= run->partners, "stage %d: %d of %d regions are far off",
                  stage, far, run->partners);
}

static void keep_masks(golden_run *run, dp_tensor masks)
{
    const size_t size = dp_tensor_size(masks);
    run->cells = (size_t)masks.H * (size_t)masks.W;
    run->masks = malloc((size + 1) * sizeof *run->masks);
    memcpy(run->masks, masks.data, size * sizeof *run->masks);
}

static void trace_results(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    int stage;
    trace(arg, r, name, map);
    if (strcmp(name, "proposals") == 0)
        check_proposals(arg, map);
    else if (sscanf(name, "bbox_rois_stage%d", &stage) == 1)
        check_rois(arg, stage, map);
    else if (strcmp(name, "mask_probabilities") == 0)
        keep_masks(arg, map);
}

/* Cell (y, x) of M x M probabilities, 0 outside of them. */
static double cell_at(const float *mask, int M, int y, int x)
{
    return y < 0 || x < 0 || y >= M || x >= M ? 0 : (double)mask[y * M + x];
}

/* The probability of pixel (y, x) when the mask lies in its box, and in double. */
static double pasted(const float *mask, int M, const dp_box *box, int y, int x)
{
    const double w = (double)box->x2 - (double)box->x1;
    const double h = (double)box->y2 - (double)box->y1;
    const double u = (x + 0.5 - (double)box->x1) / w * M - 0.5;
    const double v = (y + 0.5 - (double)box->y1) / h * M - 0.5;
    const int left = (int)floor(u), top = (int)floor(v);
    const double east = u - left, south = v - top;
    const double upper = cell_at(mask, M, top, left) * (1 - east) +
                         cell_at(mask, M, top, left + 1) * east;
    const double lower = cell_at(mask, M, top + 1, left) * (1 - east) +
                         cell_at(mask, M, top + 1, left + 1) * east;
    return upper * (1 - south) + lower * south;
}

/* Pixels of our mask and upstream's. */
typedef struct mask_pixels {
    double differ, either;
    double clear; /* those that differ and are no ties */
} mask_pixels;

static mask_pixels compare_masks(const golden_run *run, const dp_detection *d,
                                 const float *mask, const dp_rle *a, const dp_rle *b)
{
    const int M = (int)lround(sqrt((double)run->cells));
    const size_t size = (size_t)a->h * (size_t)a->w;
    uint8_t *x = malloc(size), *y = malloc(size);
    dp_rle_decode(a, x);
    dp_rle_decode(b, y);
    mask_pixels p = {0};
    for (int row = 0; row < a->h; row++)
        for (int column = 0; column < a->w; column++) {
            const size_t i = (size_t)row * (size_t)a->w + (size_t)column;
            p.either += x[i] || y[i];
            if (x[i] == y[i])
                continue;
            p.differ++;
            p.clear += !(fabs(pasted(mask, M, &d->box, row, column) - 0.5) <=
                         run->within->tie);
        }
    free(x);
    free(y);
    return p;
}

/* The README's rule, but for ties. */
static void check_area(const bounds *within, size_t i, double area, mask_pixels p)
{
    const double allowed = area < 200
                               ? within->small_mask
                               : fmax(within->mask_pixels, within->mask_part * area);
    ck_assert_msg(p.differ <= allowed, "mask %zu: %.0f pixels differ of %.0f", i,
                  p.differ, area);
    ck_assert_msg(area < 200 || p.either - p.clear >= within->mask_iou * p.either,
                  "mask %zu: %.0f pixels differ of %.0f, %.0f of them not ties", i,
                  p.differ, area, p.clear);
}

/* How far a record of results.segm.json is from detection d. torchvision's have no box. */
static double record_distance(const cJSON *record, const dp_detection *d)
{
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(record, "bbox");
    const double score = fabs(json_number(record, "score") - (double)d->score);
    if (!box)
        return score;
    return fabs(cJSON_GetArrayItem(box, 0)->valuedouble - (double)d->box.x1) +
           fabs(cJSON_GetArrayItem(box, 1)->valuedouble - (double)d->box.y1) + score;
}

/* The mask of upstream's result nearest to detection d; records are by class. */
static void check_mask(const golden_run *run, const cJSON *records, int image_id,
                       int category, const dp_detections *got, size_t i, double *worst)
{
    dp_error err = {0};
    const dp_detection *d = &got->list[i];
    const cJSON *record, *best = NULL;
    double nearest = HUGE_VAL;
    cJSON_ArrayForEach(record, records)
    {
        if (json_get(record, "image_id")->valueint != image_id ||
            json_get(record, "category_id")->valueint != category)
            continue;
        const double off = record_distance(record, d);
        if (off < nearest) {
            nearest = off;
            best = record;
        }
    }
    ck_assert_ptr_nonnull(best);
    const cJSON *segmentation = json_get(best, "segmentation");
    const dp_rle mine = dp_detections_mask(got, i);
    const char *text = json_text(segmentation, "counts");
    dp_rle want = {mine.h, mine.w, 0, malloc((strlen(text) + 1) * sizeof *want.counts)};
    ck_assert_int_eq(dp_rle_parse(&err, want.counts, &want.count, text, strlen(text),
                                  want.h, want.w),
                     DP_OK);
    const double area = (double)dp_rle_area(&want);
    const mask_pixels p =
        compare_masks(run, d, run->masks + i * run->cells, &mine, &want);
    free(want.counts);
    check_area(run->within, i, area, p);
    *worst = fmax(*worst, p.differ);
}

/* Row of upstream's detections that is ours, -1 when there is none. */
static int find_partner(const bounds *within, const npy *want, const dp_detection *d,
                        int label)
{
    const float box[4] = {d->box.x1, d->box.y1, d->box.x2, d->box.y2};
    for (int j = 0; j < want->shape[0]; j++) {
        const double *w = want->values + (size_t)j * 6;
        if ((int)w[5] == label && box_distance(w, box) <= within->box &&
            fabs(w[4] - (double)d->score) <= within->score)
            return j;
    }
    return -1;
}

/* The first image of a case has the probabilities of its first detections on file. */
static double check_probabilities(const golden_run *run, const npy *want, size_t i,
                                  int row)
{
    if (row >= want->shape[0])
        return 0;
    double worst = 0;
    for (size_t k = 0; k < run->cells; k++)
        worst = fmax(worst, fabs((double)run->masks[i * run->cells + k] -
                                 want->values[(size_t)row * run->cells + k]));
    ck_assert_msg(worst <= run->within->probability,
                  "mask probability %zu differs by %g", i, worst);
    return worst;
}

static void check_detections(const golden_run *run, const dp_model *m,
                             const cJSON *records, const dp_detections *got)
{
    const npy want =
        npy_load(shared_path("%s/image%d_dets.npy", run->folder, run->number));
    npy masks = {0};
    if (run->number == 0)
        masks = npy_load(shared_path("%s/image0_mask_prob.npy", run->folder));
    const int image_id = json_get(run->image, "image_id")->valueint;
    ck_assert_int_eq((int)got->count, want.shape[0]);
    double box = 0, score = 0, probability = 0, pixels = 0;
    int lonely = 0;
    for (size_t i = 0; i < got->count; i++) {
        const dp_detection *d = &got->list[i];
        const int category = dp_model_class_id(m, d->label);
        const int row =
            find_partner(run->within, &want, d, run->categories ? category : d->label);
        lonely += row < 0;
        if (row < 0)
            continue;
        const double *w = want.values + (size_t)row * 6;
        const float mine[4] = {d->box.x1, d->box.y1, d->box.x2, d->box.y2};
        box = fmax(box, box_distance(w, mine));
        score = fmax(score, fabs(w[4] - (double)d->score));
        if (run->number == 0)
            probability = fmax(probability, check_probabilities(run, &masks, i, row));
        check_mask(run, records, image_id, category, got, i, &pixels);
    }
    free(want.values);
    free(masks.values);
    ck_assert_msg(lonely <= run->within->unmatched, "%d detections without partner",
                  lonely);
    printf("%s image %d: maps %.1e of the largest, stages %.1e rms, logits %.1e, "
           "deltas %.1e, boxes "
           "%.1e px, "
           "scores %.1e, probabilities %.1e, masks %.0f px, %d of %zu unmatched\n",
           run->folder, run->number, run->worst_map, run->worst_rms, run->worst_logit,
           run->worst_delta, box, score, probability, pixels, lonely, got->count);
    if (run->cascade_stages)
        printf("  regions of the later stages: %.1e px, %d far off\n", run->worst_roi,
               run->far_rois);
}

/* ---- cases ------------------------------------------------------------------------- */

typedef struct golden_case {
    const char *folder, *config;
    int images;
    const bounds *within;
    bool formula;    /* weights come from a formula, see the README   */
    int refined;     /* stages of a cascade whose regions are on file */
    bool categories; /* labels on file are category ids */
} golden_case;

static const golden_case cases[] = {
    {"golden/mask_rcnn_a", "configs/golden/mask_rcnn_a.json", 3, &convnext, false, 0,
     false},
    {"golden/mask_rcnn_b", "configs/golden/mask_rcnn_b.json", 3, &convnext, false, 0,
     false},
    {"golden/cascade_a", "configs/golden/cascade_a.json", 2, &cascade, false, 2, false},
    {"golden/cascade_b", "configs/golden/cascade_b.json", 3, &cascade, false, 2, false},
    {"golden/full_mask_rcnn_t", "configs/coco/mask_rcnn_convnext_tiny.json", 1,
     &full_size, true, 0, false},
    {"golden/full_cascade_t", "configs/coco/cascade_mask_rcnn_convnext_tiny.json", 1,
     &full_size, true, 2, false},
    {"golden2/resnet_mask_rcnn", "configs/golden/resnet_mask_rcnn.json", 3, &resnet,
     false, 0, false},
    {"golden2/resnext_mask_rcnn", "configs/golden/resnext_mask_rcnn.json", 3, &resnet,
     false, 0, false},
    {"golden2/resnet_caffe_mask_rcnn", "configs/golden/resnet_caffe_mask_rcnn.json", 3,
     &resnet, false, 0, false},
    {"golden2/swin_mask_rcnn", "configs/golden/swin_mask_rcnn.json", 3, &swin, false, 0,
     false},
    {"golden2/swin_cascade", "configs/golden/swin_cascade.json", 3, &swin, false, 2,
     false},
    {"golden2/torchvision_maskrcnn", "configs/golden/torchvision_maskrcnn.json", 3,
     &resnet, false, 0, true},
};

/* The checkpoint of a case. One that a formula gives is written by a program of
 * tests/tools, once, into the folder of the test programs. */
static const char *weights_of(const golden_case *c)
{
    static char path[512], command[2048];
    if (!c->formula) {
        snprintf(path, sizeof path, "%s", shared_path("%s/model.pth", c->folder));
        return path;
    }
    snprintf(path, sizeof path, "%s/%s.pth", programs, strrchr(c->folder, '/') + 1);
    if (access(path, R_OK) != 0) {
        snprintf(command, sizeof command,
                 "'%s/../tools/formula_weights' '%s' '%s.new' && mv '%s.new' '%s'",
                 programs, shared_path("%s", c->folder), path, path, path);
        ck_assert_msg(system(command) == 0, "%s failed", command);
    }
    return path;
}

static void log_line(void *arg, const char *line)
{
    (void)arg;
    printf("  %s\n", line);
}

static void run_image(dp_context *ctx, const dp_model *m, const golden_case *c,
                      int number, const cJSON *records)
{
    cJSON *image = json_load(shared_path("%s/image%d.json", c->folder, number));
    golden_run run = {.image = image,
                      .folder = c->folder,
                      .number = number,
                      .within = c->within,
                      .categories = c->categories};
    ctx->trace = trace_results;
    ctx->trace_arg = &run;

    dp_pixels pixels;
    dp_detections found = {0};
    const char *file = json_text(json_get(image, "image"), "file");
    ck_assert_msg(dp_pixels_load(&ctx->err, &pixels, shared_path("%s", file)) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(dp_detector_run(ctx, m, &pixels, &found) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_int_eq(run.cascade_stages, c->refined);
    check_detections(&run, m, records, &found);
    free(run.partner);
    free(run.masks);
    dp_detections_done(&found);
    dp_pixels_done(&pixels);
    cJSON_Delete(image);
}

static void check_case(const golden_case *c, const char *gemm)
{
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.gemm = gemm, .log = log_line}),
                     DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, c->config, weights_of(c), NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    cJSON *records = json_load(shared_path("%s/results.segm.json", c->folder));
    for (int i = 0; i < c->images; i++)
        run_image(ctx, m, c, i, records);
    cJSON_Delete(records);
    dp_model_free(m);
    dp_context_free(ctx);
}

START_TEST(detector_equals_upstream)
{
    check_case(&cases[_i], NULL);
}
END_TEST

/* Its sums run in another order, which differs from machine to machine: any case may have
 * ties, as the cascades have. */
START_TEST(with_openblas_too)
{
    golden_case c = cases[_i];
    bounds within = *c.within;
    within.tie = fmax(within.tie, cascade.tie);
    c.within = &within;
    check_case(&c, "openblas");
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    snprintf(programs, sizeof programs, "%.*s", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");

    Suite *s = suite_create("golden detection");
    TCase *tiny = tcase_create("tiny"), *full = tcase_create("full size");
    tcase_set_timeout(tiny, 300);
    tcase_set_timeout(full, 600);
    tcase_set_tags(full, "slow");
    if (shared_has("golden") && shared_has("golden2"))
        for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
            tcase_add_loop_test(cases[i].formula ? full : tiny,
                                detector_equals_upstream, i, i + 1);
            tcase_add_loop_test(cases[i].formula ? full : tiny, with_openblas_too, i,
                                i + 1);
        }
    suite_add_tcase(s, tiny);
    suite_add_tcase(s, full);
    return suite_run(s);
}
