/* tensor.h - activations: float32, channels last, dense
 *
 *   N   items (images, or regions of interest)
 *   H W C   rows, columns, channels
 *
 * Element (n, h, w, c) is data[((n * H + h) * W + w) * C + c]. A matrix of rows is
 * (rows, 1, 1, C). A tensor is a view: it owns nothing. data is NULL in a dry run.
 */
#ifndef DP_CORE_TENSOR_H
#define DP_CORE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_tensor {
    float *data;
    int N, H, W, C;
} dp_tensor;

/* Number of rows of C elements: N * H * W. */
size_t dp_tensor_rows(dp_tensor t);

/* Number of elements: N * H * W * C. */
size_t dp_tensor_size(dp_tensor t);

/* The C elements of cell (n, h, w). t has data. */
float *dp_tensor_cell(dp_tensor t, int n, int h, int w);

/* Item n alone: (1, H, W, C), a view. */
dp_tensor dp_tensor_item(dp_tensor t, int n);

/* Whether all four extents are the same. */
bool dp_tensor_alike(dp_tensor a, dp_tensor b);

#endif
