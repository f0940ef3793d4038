#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const int sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 96, 500};
static const float thresholds[] = {-1, 0, 0.3f, 0.5f, 0.7f, 1};

/* n boxes with corners on a coarse grid, so that ratios equal to a threshold, equal boxes
 * and empty ones are common; `special` also has NaN and infinity in places. */
static dp_box_arrays boxes_random(int n, int special)
{
    float *side[5];

    for (int s = 0; s < 5; s++)
        side[s] = floats_poison((size_t)n);
    for (int j = 0; j < n; j++) {
        side[0][j] = (float)int_random(6);
        side[1][j] = (float)int_random(6);
        side[2][j] = side[0][j] + (float)int_random(6);
        side[3][j] = side[1][j] + (float)int_random(6);
        if (special && int_random(4) == 0)
            side[int_random(4)][j] = int_random(2) ? NAN : INFINITY;
        side[4][j] = (side[2][j] - side[0][j]) * (side[3][j] - side[1][j]);
    }
    return (dp_box_arrays){side[0], side[1], side[2], side[3], side[4]};
}

static void suppress(dp_nms_suppress_fn *kernel, uint8_t *dead, const dp_box_arrays *b,
                     int i, float threshold, int n)
{
    kernel(dead, b, b->x1[i], b->y1[i], b->x2[i], b->y2[i], b->area[i], threshold, n);
}

static void check_case(dp_nms_suppress_fn *variant, int n, float threshold, int special)
{
    const dp_box_arrays boxes = boxes_random(n, special);
    uint8_t *want = buffer_of((size_t)n, 1), *got = buffer_of((size_t)n, 1);

    harness_case("nms_suppress of %d at %.1f", n, (double)threshold);
    for (int j = 0; j < n; j++)
        want[j] = got[j] = (uint8_t)int_random(2);
    for (int i = 0; i < n && i < 4; i++) {
        suppress(dp_nms_suppress_ref, want, &boxes, i, threshold, n);
        suppress(variant, got, &boxes, i, threshold, n);
        expect_bytes(got, want, (size_t)n);
    }
    harness_case_end();
}

void check_nms_suppress(dp_nms_suppress_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++)
        for (int j = 0; j < COUNT(thresholds); j++) {
            check_case(variant, sizes[i], thresholds[j], 0);
            check_case(variant, sizes[i], thresholds[j], 1);
        }
}

/* The overlap of two boxes in float64; NaN when a side is. */
static double exact(const dp_box_arrays *b, int i, int j)
{
    const double w = fmin((double)b->x2[i], (double)b->x2[j]) -
                     fmax((double)b->x1[i], (double)b->x1[j]);
    const double h = fmin((double)b->y2[i], (double)b->y2[j]) -
                     fmax((double)b->y1[i], (double)b->y1[j]);
    const double inter = fmax(w, 0) * fmax(h, 0);

    return inter / ((double)b->area[i] + (double)b->area[j] - inter);
}

/* The grid is exact in float32; only the threshold's product is rounded, so a ratio that
 * is not within a rounding of the threshold decides. */
void spec_nms_suppress(void)
{
    enum { N = 200 };
    const dp_box_arrays boxes = boxes_random(N, 0);
    uint8_t *dead = buffer_of(N, 1);

    for (int t = 0; t < COUNT(thresholds); t++)
        for (int i = 0; i < N; i++) {
            harness_case("nms_suppress by box %d at %.1f", i, (double)thresholds[t]);
            memset(dead, 0, N);
            suppress(dp_nms_suppress_ref, dead, &boxes, i, thresholds[t], N);
            for (int j = 0; j < N; j++) {
                const double over = exact(&boxes, i, j) - (double)thresholds[t];

                if (fabs(over) > (double)FLT_EPSILON)
                    expect_int(dead[j], over > 0);
            }
        }
    harness_case_end();

    /* Two of area 2 that share 1: a third, which is not more than a third. A box with a
     * NaN is left alone, and so is what a box with a NaN meets. */
    static const float x1[] = {0, 1, 0, NAN}, y1[] = {0, 0, 0, 0};
    static const float x2[] = {2, 3, 2, 2}, y2[] = {1, 1, 1, 1};
    static const float area[] = {2, 2, 2, NAN};
    static const dp_box_arrays worked = {x1, y1, x2, y2, area};
    static const uint8_t third[] = {1, 0, 1, 0}, less[] = {1, 1, 1, 0}, none[4] = {0};
    uint8_t hit[4] = {0};

    harness_case("nms_suppress of worked boxes");
    suppress(dp_nms_suppress_ref, hit, &worked, 3, 0.3f, 4);
    expect_bytes(hit, none, 4);
    suppress(dp_nms_suppress_ref, hit, &worked, 0, 1.0f / 3, 4);
    expect_bytes(hit, third, 4);
    suppress(dp_nms_suppress_ref, hit, &worked, 0, 0.33f, 4);
    expect_bytes(hit, less, 4);
}
