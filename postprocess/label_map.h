/* label_map.h - from coarse logits to a class for every pixel, row by row
 *
 * A segmentor's logits come at a quarter of its input. They are resized, once or twice,
 * turned into probabilities and compared; done row by row, no map of K x height x width
 * is needed more than once. These functions make one row each and are combined by whoever
 * knows the order of steps (whole image, sliding window, several scales).
 *
 *   H, W   of a map        K   classes; maps are (H, W, K), channels last
 *
 * The resize is PyTorch's interpolate (bilinear, align_corners false, size given), with
 * the bits of its CPU path without FMA. The scale is in / out in float32; the position is
 * scale * (i + 0.5) - 0.5 in float64, not below 0. A value is the mix, along the column, of
 * two mixes along the rows.
 *
 * Rows may be made by several threads, each with scratch of its own.
 */
#ifndef DP_POSTPROCESS_LABEL_MAP_H
#define DP_POSTPROCESS_LABEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dp_kernels; /* ops/kernels/kernels.h */

/* What one output row or column takes from the input: low * from `first` and high * from
 * `second`. */
typedef struct dp_blend {
    int first, second;
    float low, high;
} dp_blend;

/* The two and their weights for position i of `out`, over an input of `in` positions, both 1 or more. */
dp_blend dp_blend_get(int i, int in, int out);

/* All `out` of them. */
void dp_blend_axis(dp_blend *list, int in, int out);

/* One output row of W pixels, as two input rows and where to look in them. */
typedef struct dp_logits_row {
    const float *first, *second; /* input rows (?, K) that `y` names            */
    dp_blend y;
    const dp_blend *x; /* W: of dp_blend_axis                                      */
    int W, K;
} dp_logits_row;

/* out (W, K) = the resized row. */
void dp_logits_resize(float *out, dp_logits_row r, const struct dp_kernels *k);

/* sum (W, K) += the resized row: a window of a sliding one. */
void dp_logits_add(float *sum, dp_logits_row r, const struct dp_kernels *k);

/* labels[x] = the class of the highest probability after resizing and softmax, the
 * lowest of equals. Probabilities are compared, so classes whose logits differ by less
 * than softmax can tell are equal. With a NaN or an infinity among the logits of a
 * pixel its label is any, below K. K is at most 256. scratch is K floats. */
void dp_labels_from_logits(uint8_t *labels, dp_logits_row r, const struct dp_kernels *k,
                           float *scratch);

/* sum (W, K) += the softmax of the resized row; with `flip` that of its mirror image, as
 * for an input that was mirrored. scratch is K floats. */
void dp_probabilities_add(float *sum, dp_logits_row r, bool flip, float *scratch,
                          const struct dp_kernels *k);

/* labels[x] = the class of the highest sum[x] / passes, the lowest of equals, for W
 * pixels. sum is divided in place. K is at most 256. */
void dp_labels_from_probabilities(uint8_t *labels, float *sum, int W, int K, int passes,
                                  const struct dp_kernels *k);

#endif
