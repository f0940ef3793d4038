/* panels.h - matrices in panels of 16 columns, for the kernels of training
 *
 * dp_panel_gemm_fn (ops/kernels/kernels.h) says how rows lie in panels. `panel` is the number
 * of floats from one panel to the next. What lies past the last column is 0 here.
 */
#ifndef DP_OPS_PANELS_H
#define DP_OPS_PANELS_H

#include <stddef.h>

/* Panels that so many columns fill. */
int dp_panels_count(int columns);

/* `rows` dense rows of C, times `factor`, into panels from row 0 of y on. */
void dp_panels_from_rows(float *y, size_t panel, const float *x, size_t rows, int C,
                         float factor);

/* Dense rows y = x + factor * p, with p in panels. */
void dp_panels_add_to_rows(float *y, const float *x, const float *p, size_t panel,
                           size_t rows, int C, float factor);

/* sums[c] = the sum of column c over the rows, in their order; also of columns past C. */
void dp_panels_sum(float *sums, const float *x, size_t panel, size_t rows, int C);

/* One panel of packed weights (dp_gemm_pack) of K terms: packed (K, 16), of which column n
 * < columns is w[k * stride + n] or, `across`, w[n * stride + k]; times each[k] and times
 * column[n] (NULL: 1). */
typedef struct dp_panel_source {
    const float *w;
    size_t stride;
    int K, columns;
    const float *each, *column;
} dp_panel_source;
void dp_panel_pack(float *packed, const dp_panel_source *s);
void dp_panel_pack_across(float *packed, const dp_panel_source *s);

#endif
