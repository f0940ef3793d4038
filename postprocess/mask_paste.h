/* mask_paste.h - from a small square of probabilities to a mask of the whole image
 *
 * Mask R-CNN, He et al. 2017, section 3.1; the arithmetic is that of mmdet 2.11's
 * _do_paste_mask over PyTorch's grid_sample (bilinear, zeros outside, align_corners
 * false). With M cells a side, the centre of pixel X looks at cell coordinate
 *
 *   u = fma(((X + 0.5 - x1) / (x2 - x1) * 2 - 1) + 1, M / 2, -0.5)
 *
 * and likewise v; the value there is the chain of fused multiply-adds over the four
 * cells around, north west first, each weight rounded. That is what PyTorch computes on
 * processors with AVX2 and, but for the sign of a rounding, on GPUs, bit for bit; its
 * build without FMA differs in the last bit. A pixel is set when the value is at least
 * the threshold.
 *
 * The mask is never held as pixels: run lengths come out (core/rle.h), and only pixels
 * near the outline are computed in full.
 */
#ifndef DP_POSTPROCESS_MASK_PASTE_H
#define DP_POSTPROCESS_MASK_PASTE_H

#include "core/box.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dp_mask_paste {
    int side;        /* M, cells of a side, 1 to 512                        */
    float threshold; /* above 0: pixels that see nothing of the mask are 0 */
    dp_size image;   /* the whole image; 1 or more of each                  */
} dp_mask_paste;

/* Write the runs of the mask of the whole image to `counts`, which has room for
 * `capacity`, and return how many there are: when that is more than the capacity, what
 * was written is cut, and the call can be repeated with more room. There are at least one
 * and at most dp_mask_paste_max_runs.
 *
 *   mask   (M, M) probabilities, row by row. NaN is below every threshold.
 *   box    where its edges lie, in pixels of the image. It may reach outside.
 *
 * A box without area, with a coordinate that is not finite, or whose y2 is 0 gives an
 * empty mask: one run. (Upstream paints a band for the first and fails on the last;
 * such boxes come only from clipping.) scratch is dp_mask_paste_scratch bytes. */
size_t dp_mask_paste_run(uint32_t *counts, size_t capacity, const dp_mask_paste *p,
                         const float *mask, dp_box box, void *scratch);
size_t dp_mask_paste_scratch(const dp_mask_paste *p);

/* One of the ways to paste: this one, or mask_resize.h. */
typedef struct dp_paste_rule {
    size_t (*run)(uint32_t *counts, size_t capacity, const dp_mask_paste *p,
                  const float *mask, dp_box box, void *scratch);
    size_t (*scratch)(const dp_mask_paste *p);
} dp_paste_rule;

extern const dp_paste_rule dp_paste_sampled; /* dp_mask_paste_run */

/* Copy a mask (M, M) to cells (M + 2, M + 2), column by column, with zeros all around.
 * Returns its largest absolute value; NaN when there is one. */
float dp_mask_frame(float *cells, const float *mask, int M);

/* The most runs that any mask can give in this box: every other pixel it can reach. Real
 * masks have a few for each column of the box. */
size_t dp_mask_paste_max_runs(const dp_mask_paste *p, dp_box box);

#endif
