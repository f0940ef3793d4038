#include "ops/kernels/kernels.h"

#include <math.h>
#include <stdbool.h>

/* The output at (row, col) of channel c. */
static float output(const float *x, const float *k, float acc, const dp_map_window *w,
                    int row, int col, int c)
{
    for (int ky = 0; ky < 7; ky++)
        for (int kx = 0; kx < 7; kx++) {
            const int iy = row + ky - 3, ix = col + kx - 3;
            const bool inside = iy >= 0 && iy < w->H && ix >= 0 && ix < w->W;
            const ptrdiff_t at = ((ptrdiff_t)iy * w->W + ix) * w->C + c;

            acc = fmaf(inside ? x[at] : 0, k[(ky * 7 + kx) * w->C + c], acc);
        }
    return acc;
}

void dp_dwconv7_ref(float *y, const float *x, const float *k, const float *b,
                    const dp_map_window *w)
{
    for (int row = w->row; row < w->row + w->rows; row++)
        for (int col = w->col; col < w->col + w->cols; col++)
            for (int c = 0; c < w->C; c++)
                *y++ = output(x, k, b[c], w, row, col, c);
}
