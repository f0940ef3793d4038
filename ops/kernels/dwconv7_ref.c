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

/* What a block adds to tap (ky, kx) of channel c, or with ky < 0 to the bias. */
static float block_sum(const float *x, const float *dy, const dp_map_window *block,
                       int ky, int kx, int c)
{
    float sum = 0;

    for (int row = block->row; row < block->row + block->rows; row++)
        for (int col = block->col; col < block->col + block->cols; col++) {
            const int iy = row + ky - 3, ix = col + kx - 3;
            const bool inside = iy >= 0 && iy < block->H && ix >= 0 && ix < block->W;
            const float d = dy[((ptrdiff_t)row * block->W + col) * block->C + c];

            if (ky < 0)
                sum += d;
            else
                sum = fmaf(
                    d, inside ? x[((ptrdiff_t)iy * block->W + ix) * block->C + c] : 0,
                    sum);
        }
    return sum;
}

void dp_dwconv7_gradient_ref(float *dk, float *db, const float *x, const float *dy,
                             const dp_map_window *w)
{
    const int last_row = w->row + w->rows, last_col = w->col + w->cols;
    dp_map_window b = *w;

    for (b.row = w->row; b.row < last_row; b.row += DP_DWCONV7_ROWS)
        for (b.col = w->col; b.col < last_col; b.col += DP_DWCONV7_COLS) {
            b.rows =
                last_row - b.row < DP_DWCONV7_ROWS ? last_row - b.row : DP_DWCONV7_ROWS;
            b.cols =
                last_col - b.col < DP_DWCONV7_COLS ? last_col - b.col : DP_DWCONV7_COLS;
            for (int c = 0; c < w->C; c++) {
                db[c] += block_sum(x, dy, &b, -1, 0, c);
                for (int t = 0; t < 49; t++)
                    dk[t * w->C + c] += block_sum(x, dy, &b, t / 7, t % 7, c);
            }
        }
}
