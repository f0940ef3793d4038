#include "ops/kernels/kernels.h"

#include <math.h>

enum { LANES = 16 };

/* The tree of kernels.h. */
static float lanes_sum(float l[LANES])
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            l[i] += l[i + half];
    return l[0];
}

static float mean_of(const float *x, int C)
{
    float sums[LANES] = {0};

    for (int c = 0; c < C; c++)
        sums[c % LANES] += x[c];
    return lanes_sum(sums) / (float)C;
}

static float variance_of(const float *x, int C, float mean)
{
    float sums[LANES] = {0};

    for (int c = 0; c < C; c++)
        sums[c % LANES] = fmaf(x[c] - mean, x[c] - mean, sums[c % LANES]);
    return lanes_sum(sums) / (float)C;
}

void dp_layer_norm_ref(float *y, const float *x, const float *weight, const float *bias,
                       size_t rows, int C, float eps)
{
    for (size_t r = 0; r < rows; r++, x += C, y += C) {
        const float mean = mean_of(x, C);
        const float scale = 1 / sqrtf(variance_of(x, C, mean) + eps);

        for (int c = 0; c < C; c++)
            y[c] =
                fmaf((x[c] - mean) * scale, weight ? weight[c] : 1, bias ? bias[c] : 0);
    }
}

void dp_layer_norm_panels_ref(float *y, size_t panel, float *scale, const float *x,
                              size_t rows, int C, float eps)
{
    for (size_t r = 0; r < rows; r++, x += C, y += LANES) {
        const float mean = mean_of(x, C);

        scale[r] = 1 / sqrtf(variance_of(x, C, mean) + eps);
        for (int c = 0; c < (C + LANES - 1) / LANES * LANES; c++)
            y[dp_panel_at(c, panel)] = c < C ? (x[c] - mean) * scale[r] : 0;
    }
}

void dp_layer_norm_backward_ref(float *dx, const float *dy, const float *y,
                                size_t panel, const float *scale, size_t rows, int C)
{
    for (size_t r = 0; r < rows; r++, dx += C, dy += LANES, y += LANES) {
        float sums[LANES] = {0}, cross[LANES] = {0};

        for (int c = 0; c < C; c++) {
            const size_t at = dp_panel_at(c, panel);

            sums[c % LANES] += dy[at];
            cross[c % LANES] = fmaf(dy[at], y[at], cross[c % LANES]);
        }
        const float mean = lanes_sum(sums) / (float)C;
        const float slope = -(lanes_sum(cross) / (float)C);

        for (int c = 0; c < C; c++) {
            const size_t at = dp_panel_at(c, panel);

            dx[c] = fmaf(y[at], slope, dy[at] - mean) * scale[r];
        }
    }
}
