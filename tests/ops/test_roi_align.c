/* RoIAlign: worked windows, the reference's outputs, and what must not happen. */
#include "core/limits.h"
#include "ops/roi_align.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct call {
    dp_features maps;
    int P, N;
    const dp_box *boxes;
    const int *level;
    dp_tensor out;
};

static void align(dp_run *r, void *arg)
{
    struct call *c = arg;
    const dp_rois rois = {.boxes = c->boxes, .level = c->level, .count = c->N};
    c->out = dp_roi_align_run(r, &c->maps, c->P, &rois);
}

static void align_sampled(dp_run *r, void *arg)
{
    struct call *c = arg;
    const dp_rois rois = {.boxes = c->boxes, .level = c->level, .count = c->N};
    c->out = dp_roi_align_sampled_run(r, &c->maps, c->P, 2, &rois);
}

static dp_features one_map(float *data, int H, int W, int C, int stride)
{
    return (dp_features){.count = 1,
                         .spec = {{.name = "p2", .channels = C, .stride = stride}},
                         .map = {{data, 1, H, W, C}}};
}

/* The map whose value is its column's centre plus ten times its row's: a bin's mean is
 * that of its centre, wherever no sample is moved. */
static void fill_ramp(float *map, int H, int W)
{
    for (int i = 0; i < H * W; i++)
        map[i] = (float)(i % W) + 10.0f * (float)(i / W);
}

START_TEST(a_window_of_a_ramp_is_the_ramp)
{
    enum { H = 12, W = 16, P = 4 };
    float map[H * W];
    fill_ramp(map, H, W);
    const dp_box box = {8, 16, 40, 32}; /* cells 2 to 10 and 4 to 8, before the half */
    const int level = 0;
    struct call c = {one_map(map, H, W, 1, 4), P, 1, &box, &level, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, align, &c);
    for (int y = 0; y < P; y++)
        for (int x = 0; x < P; x++) {
            const float want =
                (2 - 0.5f + 2 * ((float)x + 0.5f)) + 10 * (4 - 0.5f + (float)y + 0.5f);
            ck_assert(fabsf(c.out.data[y * P + x] - want) < 1e-4f);
        }
    forward_done(&f);
}
END_TEST

/* In the older form cell (0, 0) is at 0, so a box is not shifted; and one without area is
 * a cell wide. */
START_TEST(the_older_form_does_not_shift)
{
    enum { H = 12, W = 16, P = 4 };
    float map[H * W];
    fill_ramp(map, H, W);
    const dp_box boxes[] = {{8, 16, 40, 32}, {20, 12, 20, 12}};
    const int level[] = {0, 0};
    struct call c = {one_map(map, H, W, 1, 4), P, 2, boxes, level, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, align_sampled, &c);
    for (int y = 0; y < P; y++)
        for (int x = 0; x < P; x++) {
            const float bx = (float)x + 0.5f, by = (float)y + 0.5f;
            const float large = (2 + 2 * bx) + 10 * (4 + by);
            const float small = (5 + 0.25f * bx) + 10 * (3 + 0.25f * by);
            ck_assert(fabsf(c.out.data[y * P + x] - large) < 1e-4f);
            ck_assert(fabsf(c.out.data[P * P + y * P + x] - small) < 1e-4f);
        }
    forward_done(&f);
}
END_TEST

START_TEST(samples_near_the_edge_are_moved_to_it_and_far_ones_are_zero)
{
    /* One row of cells 4 8, stride 1, a box from -1 to 3 in four bins of one sample:
     * samples at -1, 0, 1, 2; the first is just within one cell, and 2 is not beyond
     * W. */
    float map[2] = {4, 8};
    const dp_box boxes[2] = {{-1, 0, 3, 1}, {-3, 0, 5, 4}};
    const int level[2] = {0, 0};
    struct call c = {one_map(map, 1, 2, 1, 1), 4, 2, boxes, level, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, align, &c);
    const float want[4] = {4, 4, 8, 8};
    for (int y = 0; y < 4; y++)
        ck_assert_mem_eq(c.out.data + y * 4, want, sizeof want);
    /* Twice as wide and two samples a bin, at -3.. 4.5: halves of bins are outside;
     * rows at 0, 1, 2, 3 of which 0 and 1 are near the one row of the map. */
    const float wide[4] = {0, 4, 8, 0};
    ck_assert_mem_eq(c.out.data + 16, wide, sizeof wide);
    ck_assert_mem_eq(c.out.data + 20, wide, sizeof wide);
    for (int i = 24; i < 32; i++)
        ck_assert(c.out.data[i] == 0);
    forward_done(&f);
}
END_TEST

static const dp_box useless[] = {
    {10, 10, 10, 30},         /* no width                     */
    {10, 10, 30, 10},         /* no height                    */
    {30, 30, 10, 10},         /* upside down                  */
    {NAN, 10, 30, 30},        /* not a number                 */
    {10, 10, INFINITY, 30},   /* no end                       */
    {-INFINITY, 10, 30, 30},  /* no beginning                 */
    {0, 0, 1e9f, 1e9f},       /* 1e18 cells                   */
    {-400, -400, -300, -300}, /* far from the map             */
    {0, 0, 1e5f, 10},         /* beyond DP_MAX_IMAGE_SIDE     */
};

START_TEST(useless_boxes_give_zeros)
{
    enum { H = 9, W = 11, C = 5, P = 7 };
    uint64_t seed = 4;
    float *map = random_floats(&seed, H * W * C, 1, 2);
    const int level = 0;
    struct call c = {one_map(map, H, W, C, 4), P, 1, &useless[_i], &level, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, align, &c);
    for (int i = 0; i < P * P * C; i++)
        ck_assert(c.out.data[i] == 0);
    free(map);
    forward_done(&f);
}
END_TEST

/* Boxes of all sizes over a pyramid of three maps. */
struct pyramid {
    dp_features maps;
    dp_box boxes[60];
    int level[60];
};

static void make_maps(struct pyramid *s, int C)
{
    uint64_t seed = 5;
    *s = (struct pyramid){.maps = {.count = 3}};
    for (int i = 0; i < 3; i++) {
        const int H = 64 >> i, W = 80 >> i;
        s->maps.spec[i] = (dp_feature_spec){"p", C, 4 << i};
        s->maps.map[i] = (dp_tensor){
            random_floats(&seed, (size_t)H * (size_t)W * (size_t)C, -1, 1), 1, H, W, C};
    }
    for (int i = 0; i < 60; i++) {
        const float x = random_float(&seed, 0, 300), y = random_float(&seed, 0, 240);
        s->boxes[i] =
            (dp_box){x, y, random_float(&seed, x, 320), random_float(&seed, y, 256)};
        s->level[i] = random_int(&seed, 3);
    }
}

static void free_maps(struct pyramid *s)
{
    for (int i = 0; i < 3; i++)
        free(s->maps.map[i].data);
}

START_TEST(a_window_depends_on_its_own_box_and_map_only)
{
    enum { C = 3, P = 7, WINDOW = P * P * C };
    struct pyramid s;
    make_maps(&s, C);
    forward f;
    forward_init(&f, 2, ~0u);
    struct call all = {s.maps, P, 60, s.boxes, s.level, {0}};
    forward_run(&f, align, &all);
    float *windows = malloc(60 * WINDOW * sizeof *windows);
    memcpy(windows, all.out.data, 60 * WINDOW * sizeof *windows);
    for (int i = 0; i < 60; i++) {
        struct call one = {{.count = 1}, P, 1, &s.boxes[i], (int[]){0}, {0}};
        one.maps.spec[0] = s.maps.spec[s.level[i]];
        one.maps.map[0] = s.maps.map[s.level[i]];
        forward_run(&f, align, &one);
        ck_assert_mem_eq(one.out.data, windows + i * WINDOW, WINDOW * sizeof(float));
    }
    free(windows);
    free_maps(&s);
    forward_done(&f);
}
END_TEST

START_TEST(threads_and_kernels_do_not_change_a_bit)
{
    enum { C = 37, P = 14, SIZE = 60 * P * P * C };
    struct pyramid s;
    make_maps(&s, C);
    float *want = malloc(SIZE * sizeof *want);
    for (int k = 0; k < 2 * FORWARD_THREADS; k++) {
        struct call c = {s.maps, P, 60, s.boxes, s.level, {0}};
        forward f;
        forward_init(&f, forward_threads[k / 2], k % 2 ? ~0u : 0);
        forward_run(&f, align, &c);
        if (k == 0)
            memcpy(want, c.out.data, SIZE * sizeof *want);
        ck_assert_mem_eq(c.out.data, want, SIZE * sizeof *want);
        forward_done(&f);
    }
    free(want);
    free_maps(&s);
}
END_TEST

START_TEST(no_boxes_give_no_windows)
{
    float map[4] = {0};
    struct call c = {one_map(map, 2, 2, 1, 4), 7, 0, NULL, NULL, {0}};
    forward f;
    forward_init(&f, 2, ~0u);
    forward_run(&f, align, &c);
    ck_assert(c.out.N == 0 && c.out.H == 7 && c.out.W == 7 && c.out.C == 1);
    forward_done(&f);
}
END_TEST

START_TEST(maps_of_unequal_channels_are_refused)
{
    struct call c = {one_map(NULL, 2, 2, 1, 4), 7, 0, NULL, NULL, {0}};
    c.maps.count = 2;
    c.maps.map[1] = (dp_tensor){NULL, 1, 1, 1, 2};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, align, &c);
    forward_done(&f);
}
END_TEST

/* (1, C, H, W) to (1, H, W, C). */
static float *channels_last(const npy *a)
{
    const int C = a->shape[1], cells = a->shape[2] * a->shape[3];
    float *out = malloc(a->count * sizeof *out);
    for (int c = 0; c < C; c++)
        for (int i = 0; i < cells; i++)
            out[i * C + c] = (float)a->values[c * cells + i];
    return out;
}

START_TEST(windows_are_those_of_torchvision_bit_for_bit)
{
    const int P = _i ? 14 : 7;
    npy feat = npy_load(shared_path("golden/ops/roialign_feat.npy"));
    npy rois = npy_load(shared_path("golden/ops/roialign_rois.npy"));
    npy want = npy_load(shared_path("golden/ops/roialign_out%d.npy", P));
    const int C = feat.shape[1], N = rois.shape[0], cells = P * P;
    float *map = channels_last(&feat);
    dp_box boxes[64];
    int level[64] = {0};
    ck_assert_int_le(N, 64);
    for (int i = 0; i < N; i++) {
        const double *v = rois.values + 5 * i;
        boxes[i] = (dp_box){(float)v[1], (float)v[2], (float)v[3], (float)v[4]};
    }
    struct call c = {
        one_map(map, feat.shape[2], feat.shape[3], C, 8), P, N, boxes, level, {0}};
    forward f;
    forward_init(&f, 2, ~0u);
    forward_run(&f, align, &c);
    for (int i = 0; i < N * C * cells; i++) {
        const int n = i / C / cells, channel = i / cells % C, cell = i % cells;
        ck_assert_msg(c.out.data[(n * cells + cell) * C + channel] ==
                          (float)want.values[i],
                      "box %d, channel %d, cell %d", n, channel, cell);
    }
    free(map);
    free(feat.values);
    free(rois.values);
    free(want.values);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/roi_align");
    TCase *t = tcase_create("core");
    tcase_add_test(t, a_window_of_a_ramp_is_the_ramp);
    tcase_add_test(t, the_older_form_does_not_shift);
    tcase_add_test(t, samples_near_the_edge_are_moved_to_it_and_far_ones_are_zero);
    tcase_add_loop_test(t, useless_boxes_give_zeros, 0,
                        sizeof useless / sizeof useless[0]);
    tcase_add_test(t, a_window_depends_on_its_own_box_and_map_only);
    tcase_add_test(t, threads_and_kernels_do_not_change_a_bit);
    tcase_add_test(t, no_boxes_give_no_windows);
    tcase_add_test(t, maps_of_unequal_channels_are_refused);
    if (shared_has("golden/ops"))
        tcase_add_loop_test(t, windows_are_those_of_torchvision_bit_for_bit, 0, 2);
    suite_add_tcase(s, t);
    return suite_run(s);
}
