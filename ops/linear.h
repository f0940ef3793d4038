/* linear.h - a fully connected layer
 */
#ifndef DP_OPS_LINEAR_H
#define DP_OPS_LINEAR_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"

typedef struct dp_linear_spec {
    const char *name; /* scope of `weight` [rows, in] and `bias` [rows]: "fc_cls." */
    int in, out;
    bool pointwise; /* as in ops/gemm.h: not for dp_linear_run */

    /* The layer reads flattened maps of so many cells; 0 counts as 1. The checkpoint counts
     * their values channel by channel, the packed weight cell by cell, as our maps do. */
    int cells;

    /* The tensor's rows are in another order, or too many: output n is row (first + n) %
     * rows. 0 rows count as `out`. */
    int rows, first;
} dp_linear_spec;

typedef struct dp_linear {
    dp_gemm gemm;

    /* for the plain form, where the builder keeps parameters */
    struct {
        const float *weight, *bias; /* [rows, in] and [rows] */
        int cells, rows, first;     /* as in the spec        */
    } raw;
} dp_linear;

/* Load and pack. */
void dp_linear_build(dp_builder *b, dp_linear *l, const dp_linear_spec *spec);

/* (N, 1, 1, out) from x of N items with H * W * C = in each; another shape is recorded
 * as DP_ESHAPE. Tiles of rows are spread over the threads. */
dp_tensor dp_linear_run(dp_run *r, const dp_linear *l, dp_tensor x,
                        dp_activation activation);

/* The plain form; its x is (N, H, W, C) with C = in where cells is 1, and each cell is
 * an item then. */
dp_tensor dp_linear_plain(dp_run *r, const dp_linear *l, dp_tensor x,
                          dp_activation activation);

/* The same into y of that shape, which does not overlap x. */
void dp_linear_run_into(dp_run *r, const dp_linear *l, dp_tensor y, dp_tensor x,
                        dp_activation activation);

#endif
