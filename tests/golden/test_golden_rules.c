/* What is exact, or a rule on boxes and pixels, against this project's own reference:
 * tests/golden/ops. */
#include "core/rle.h"
#include "io/image/normalize.h"
#include "io/image/opencv_resize.h"
#include "postprocess/anchors.h"
#include "postprocess/box_coder.h"
#include "postprocess/mask_paste.h"
#include "postprocess/nms.h"
#include "postprocess/pyramid_level.h"
#include "tests/support/forward.h"
#include "tests/support/golden.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "3.boxes" */
static const char *name_of(int number, const char *what)
{
    static char name[64];
    snprintf(name, sizeof name, "%d.%s", number, what);
    return name;
}

/* The rows of four of an array, the caller's to free. */
static dp_box *boxes_of(const golden *g, const char *name, size_t *count)
{
    size_t values;
    float *floats = golden_floats(g, name, &values);
    dp_box *boxes = malloc((values + 4) * sizeof *floats);
    memcpy(boxes, floats, values * sizeof *floats);
    free(floats);
    *count = values / 4;
    return boxes;
}

/* ---- pixels ------------------------------------------------------------------------ */

typedef struct image {
    const uint8_t *in;
    uint8_t *out;
    int in_h, in_w, h, w;
} image;

static void run_image_resize(dp_run *r, void *arg)
{
    image *p = arg;
    dp_opencv_resize_run(r, p->out, p->h, p->w, p->in, p->in_h, p->in_w);
}

START_TEST(bytes_are_resized_to_the_bit)
{
    golden g = golden_open("ops/image_resize");
    forward f;
    forward_init(&f, 2, ~0u);
    int n = 0;
    for (; golden_find(&g, name_of(n, "x")); n++) {
        const dp_named_tensor *x = golden_get(&g, name_of(n, "x"));
        const dp_named_tensor *y = golden_get(&g, name_of(n, "y"));
        image p = {x->data,          NULL,
                   (int)x->shape[0], (int)x->shape[1],
                   (int)y->shape[0], (int)y->shape[1]};
        p.out = malloc(dp_named_tensor_count(y));
        forward_run(&f, run_image_resize, &p);
        ck_assert_msg(memcmp(p.out, y->data, dp_named_tensor_count(y)) == 0,
                      "%d x %d to %d x %d", p.in_h, p.in_w, p.h, p.w);
        free(p.out);
    }
    ck_assert_int_eq(n, 10);
    forward_done(&f);
    golden_close(&g);
}
END_TEST

START_TEST(images_are_fitted_into_a_scale)
{
    golden g = golden_open("ops/fitted_size");
    size_t count;
    int *rows = golden_ints(&g, "0.rows", &count);
    for (const int *row = rows; row < rows + count; row += 6) {
        const dp_size size = dp_opencv_resize_target(row[0], row[1], row[2], row[3]);
        ck_assert_msg(size.h == row[4] && size.w == row[5],
                      "%d x %d into %d, %d: found %d x %d, expected %d x %d", row[0],
                      row[1], row[2], row[3], size.h, size.w, row[4], row[5]);
    }
    free(rows);
    golden_close(&g);
}
END_TEST

START_TEST(every_byte_is_normalised_to_the_bit)
{
    golden g = golden_open("ops/normalise");
    size_t count;
    float *want = golden_floats(&g, "0.y", &count);
    dp_normalize n;
    dp_normalize_build(&n, (const float[]){123.675f, 116.28f, 103.53f},
                       (const float[]){58.395f, 57.12f, 57.375f}, true);
    ck_assert_uint_eq(count * sizeof *want, sizeof n.value);
    ck_assert_mem_eq(n.value, want, sizeof n.value);
    free(want);
    golden_close(&g);
}
END_TEST

/* ---- boxes ------------------------------------------------------------------------- */

START_TEST(anchors_lie_on_their_grid)
{
    golden g = golden_open("ops/anchors");
    int n = 0;
    for (; golden_find(&g, name_of(n, "y")); n++) {
        size_t count;
        int *grid = golden_ints(&g, name_of(n, "grid"), NULL);
        dp_box *want = boxes_of(&g, name_of(n, "y"), &count);
        dp_anchors a;
        dp_anchors_init(&dp_rules_mmdetection, &a, grid[2], (const float[]){0.5f, 1, 2},
                        3, (const float[]){8}, 1);
        ck_assert_uint_eq(count, (size_t)(grid[0] * grid[1] * 3));
        for (int i = 0; i < (int)count; i++) {
            const dp_box got = dp_anchors_get(&a, (dp_size){grid[2], grid[2]},
                                              i / 3 / grid[1], i / 3 % grid[1], i % 3);
            ck_assert_mem_eq(&got, &want[i], sizeof got);
        }
        free(grid);
        free(want);
    }
    ck_assert_int_eq(n, 5);
    golden_close(&g);
}
END_TEST

START_TEST(deltas_move_boxes)
{
    golden g = golden_open("ops/decode");
    int n = 0;
    for (; golden_find(&g, name_of(n, "y")); n++) {
        size_t count;
        dp_box *boxes = boxes_of(&g, name_of(n, "boxes"), &count);
        float *deltas = golden_floats(&g, name_of(n, "deltas"), NULL);
        float *stds = golden_floats(&g, name_of(n, "stds"), NULL);
        dp_box *got = malloc(count * 3 * sizeof *got);
        for (size_t i = 0; i < count * 3; i++)
            got[i] = dp_box_coder_decode(&dp_rules_mmdetection, boxes[i / 3],
                                         deltas + i * 4, stds, (dp_size){90, 120});
        golden_check(&g, name_of(n, "y"), (dp_tensor){&got->x1, (int)count, 1, 1, 12});
        free(boxes);
        free(deltas);
        free(stds);
        free(got);
    }
    ck_assert_int_eq(n, 3);
    golden_close(&g);
}
END_TEST

START_TEST(sides_choose_levels)
{
    golden g = golden_open("ops/level_of_box");
    size_t count;
    dp_box *boxes = boxes_of(&g, "0.boxes", &count);
    int *want = golden_ints(&g, "0.levels", NULL);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(
            dp_pyramid_level_get(&dp_rules_mmdetection, boxes[i], 4) == want[i],
            "box %zu of width %g: found level %d, expected %d", i,
            (double)(boxes[i].x2 - boxes[i].x1),
            dp_pyramid_level_get(&dp_rules_mmdetection, boxes[i], 4), want[i]);
    free(boxes);
    free(want);
    golden_close(&g);
}
END_TEST

typedef struct suppression {
    int *keep;
    const dp_nms *nms;
    dp_candidates candidates;
    int kept;
} suppression;

static void run_nms(dp_run *r, void *arg)
{
    suppression *s = arg;
    s->kept = dp_nms_run(r, s->keep, s->nms, s->candidates);
}

START_TEST(overlapping_boxes_are_suppressed)
{
    golden g = golden_open("ops/batched_nms");
    forward f;
    forward_init(&f, 1, ~0u);
    int n = 0;
    for (; golden_find(&g, name_of(n, "keep")); n++) {
        size_t count, expected;
        dp_box *boxes = boxes_of(&g, name_of(n, "boxes"), &count);
        float *scores = golden_floats(&g, name_of(n, "scores"), NULL);
        float *threshold = golden_floats(&g, name_of(n, "threshold"), NULL);
        int *ids = golden_ints(&g, name_of(n, "ids"), NULL);
        int *want = golden_ints(&g, name_of(n, "keep"), &expected);
        int *keep = malloc((count + 1) * sizeof *keep);
        const dp_nms nms = {*threshold, (int)count, dp_rules_mmdetection.nms_split};
        suppression s = {keep, &nms, {boxes, scores, ids, (int)count}, 0};
        forward_run(&f, run_nms, &s);
        ck_assert_msg(s.kept == (int)expected, "case %d: found %d, expected %zu", n,
                      s.kept, expected);
        ck_assert_msg(memcmp(keep, want, expected * sizeof *keep) == 0, "case %d", n);
        free(boxes);
        free(scores);
        free(threshold);
        free(ids);
        free(want);
        free(keep);
    }
    ck_assert_int_eq(n, 5);
    forward_done(&f);
    golden_close(&g);
}
END_TEST

/* ---- masks ------------------------------------------------------------------------- */

START_TEST(masks_are_pasted_to_the_pixel)
{
    enum { H = 45, W = 61 };
    golden g = golden_open("ops/mask_paste");
    size_t count;
    float *mask = golden_floats(&g, "0.mask", NULL);
    dp_box *boxes = boxes_of(&g, "0.boxes", &count);
    const dp_mask_paste paste = {.side = 28, .threshold = 0.5f, .image = {H, W}};
    void *scratch = malloc(dp_mask_paste_scratch(&paste));
    uint32_t counts[H * W + 1];
    char text[H * W * 8], name[32];
    for (size_t i = 0; i < count; i++) {
        const size_t runs = dp_mask_paste_run(counts, sizeof counts / sizeof *counts,
                                              &paste, mask, boxes[i], scratch);
        ck_assert_uint_lt(dp_rle_string_size(counts, runs), sizeof text);
        dp_rle_format(text, counts, runs);
        snprintf(name, sizeof name, "0.rle%zu", i);
        const dp_named_tensor *want = golden_get(&g, name);
        ck_assert_msg(strlen(text) == (size_t)want->shape[0] &&
                          memcmp(text, want->data, strlen(text)) == 0,
                      "box %zu: found %s, expected %.*s", i, text, (int)want->shape[0],
                      (const char *)want->data);
    }
    free(mask);
    free(boxes);
    free(scratch);
    golden_close(&g);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("golden rules");
    TCase *t = tcase_create("own reference");
    tcase_add_test(t, bytes_are_resized_to_the_bit);
    tcase_add_test(t, images_are_fitted_into_a_scale);
    tcase_add_test(t, every_byte_is_normalised_to_the_bit);
    tcase_add_test(t, anchors_lie_on_their_grid);
    tcase_add_test(t, deltas_move_boxes);
    tcase_add_test(t, sides_choose_levels);
    tcase_add_test(t, overlapping_boxes_are_suppressed);
    tcase_add_test(t, masks_are_pasted_to_the_pixel);
    suite_add_tcase(s, t);
    return suite_run(s);
}
