#include "ops/kernels/kernels.h"
#include "ops/kernels/winograd.h"

#include <math.h>

enum { IN = DP_WINOGRAD_IN, OUT = DP_WINOGRAD_OUT };

/* Six numbers, as kernels.h has it. */
static void transform_input(float out[IN], const float d[IN])
{
    const float even_a = fmaf(-WINOGRAD_B2, d[2], d[4]);
    const float odd_a = fmaf(-WINOGRAD_B2, d[1], d[3]);
    const float even_b = fmaf(-WINOGRAD_A2, d[2], d[4]);
    const float odd_b = fmaf(-WINOGRAD_A2, d[1], d[3]);

    out[0] = fmaf(-WINOGRAD_SUM, d[2], fmaf(WINOGRAD_A2B2, d[0], d[4]));
    out[1] = fmaf(WINOGRAD_A, odd_a, even_a);
    out[2] = fmaf(-WINOGRAD_A, odd_a, even_a);
    out[3] = fmaf(WINOGRAD_B, odd_b, even_b);
    out[4] = fmaf(-WINOGRAD_B, odd_b, even_b);
    out[5] = fmaf(-WINOGRAD_SUM, d[3], fmaf(WINOGRAD_A2B2, d[1], d[5]));
}

static void transform_output(float out[OUT], const float m[IN])
{
    const float sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    const float sum_b = m[3] + m[4], difference_b = m[3] - m[4];

    out[0] = (m[0] + sum_a) + sum_b;
    out[1] = fmaf(WINOGRAD_B, difference_b, WINOGRAD_A * difference_a);
    out[2] = fmaf(WINOGRAD_B2, sum_b, WINOGRAD_A2 * sum_a);
    out[3] = fmaf(WINOGRAD_B3, difference_b, fmaf(WINOGRAD_A3, difference_a, m[5]));
}

/* The cell (row, col) of the map, or 0 outside. */
static float cell(const float *x, const dp_map_window *w, int row, int col, int c)
{
    if (row < 0 || row >= w->H || col < 0 || col >= w->W)
        return 0;
    return x[((ptrdiff_t)row * w->W + col) * w->C + c];
}

void dp_winograd_input_ref(float *v, size_t plane, const float *x,
                           const dp_map_window *w)
{
    for (int c = 0; c < w->C; c++) {
        float down[IN][IN], column[IN], result[IN]; /* down[x][i] */

        for (int j = 0; j < IN; j++) {
            for (int i = 0; i < IN; i++)
                column[i] = cell(x, w, w->row + i, w->col + j, c);
            transform_input(down[j], column);
        }
        for (int i = 0; i < IN; i++) {
            for (int j = 0; j < IN; j++)
                column[j] = down[j][i];
            transform_input(result, column);
            for (int j = 0; j < IN; j++)
                v[(size_t)(i * IN + j) * plane + (size_t)c] = result[j];
        }
    }
}

void dp_winograd_output_ref(float *y, const float *m, size_t plane, const float *bias,
                            const dp_map_window *w, int n, unsigned flags)
{
    for (int c = 0; c < n; c++) {
        float down[IN][OUT], line[IN], result[OUT];

        for (int j = 0; j < IN; j++) {
            for (int i = 0; i < IN; i++)
                line[i] = m[(size_t)(i * IN + j) * plane + (size_t)c];
            transform_output(down[j], line);
        }
        for (int i = 0; i < w->rows; i++) {
            for (int j = 0; j < IN; j++)
                line[j] = down[j][i];
            transform_output(result, line);
            for (int j = 0; j < w->cols; j++) {
                float *to =
                    y + ((ptrdiff_t)(w->row + i) * w->W + w->col + j) * w->C + c;

                *to = result[j] + bias[c];
                if (flags & DP_GEMM_RELU)
                    dp_relu_ref(to, 1);
            }
        }
    }
}
