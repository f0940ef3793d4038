#include "ops/panels.h"

#include "ops/kernels/kernels.h"

#include <string.h>

enum { PANEL = DP_GEMM_PANEL, BLOCK = 256 /* terms that stay in the L1 cache */ };

int dp_panels_count(int columns)
{
    return (columns + PANEL - 1) / PANEL;
}

void dp_panels_from_rows(float *y, size_t panel, const float *x, size_t rows, int C,
                         float factor)
{
    for (size_t r = 0; r < rows; r++, x += C, y += PANEL) {
        int c = 0;
        for (; c + PANEL <= C; c += PANEL)
            for (int i = 0; i < PANEL; i++)
                y[dp_panel_at(c, panel) + (size_t)i] = x[c + i] * factor;
        for (int i = 0; c < C && i < PANEL; i++)
            y[dp_panel_at(c, panel) + (size_t)i] = c + i < C ? x[c + i] * factor : 0;
    }
}

void dp_panels_add_to_rows(float *y, const float *x, const float *p, size_t panel,
                           size_t rows, int C, float factor)
{
    for (size_t r = 0; r < rows; r++, x += C, y += C, p += PANEL) {
        int c = 0;
        for (; c + PANEL <= C; c += PANEL)
            for (int i = 0; i < PANEL; i++)
                y[c + i] = x[c + i] + p[dp_panel_at(c, panel) + (size_t)i] * factor;
        for (; c < C; c++)
            y[c] = x[c] + p[dp_panel_at(c, panel)] * factor;
    }
}

void dp_panels_sum(float *sums, const float *x, size_t panel, size_t rows, int C)
{
    for (int c = 0; c < C; c += PANEL, x += panel, sums += PANEL) {
        float sum[PANEL] = {0};
        for (size_t r = 0; r < rows; r++)
            for (int i = 0; i < PANEL; i++)
                sum[i] += x[r * PANEL + (size_t)i];
        memcpy(sums, sum, sizeof sum);
    }
}

void dp_panel_pack(float *packed, const dp_panel_source *s)
{
    float column[PANEL];
    for (int n = 0; n < PANEL; n++)
        column[n] = s->column && n < s->columns ? s->column[n] : 1;
    for (int k = 0; k < s->K; k++, packed += PANEL) {
        const float *w = s->w + (size_t)k * s->stride;
        const float each = s->each ? s->each[k] : 1;
        if (s->columns == PANEL)
            for (int n = 0; n < PANEL; n++)
                packed[n] = w[n] * each * column[n];
        else
            for (int n = 0; n < PANEL; n++)
                packed[n] = n < s->columns ? w[n] * each * column[n] : 0;
    }
}

/* Column by column, so that w is read along its rows. */
void dp_panel_pack_across(float *packed, const dp_panel_source *s)
{
    for (int first = 0; first < s->K; first += BLOCK) {
        const int count = s->K - first < BLOCK ? s->K - first : BLOCK;
        float *to = packed + (ptrdiff_t)first * PANEL;
        for (int n = 0; n < PANEL; n++) {
            const float *w = s->w + (size_t)n * s->stride + (size_t)first;
            const float column = s->column && n < s->columns ? s->column[n] : 1;
            for (int k = 0; k < count; k++)
                to[k * PANEL + n] = n >= s->columns ? 0
                                    : s->each       ? w[k] * s->each[first + k] * column
                                                    : w[k] * column;
        }
    }
}
