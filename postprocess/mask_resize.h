/* mask_resize.h - a mask pasted as torchvision does it
 *
 * paste_masks_in_image of torchvision 0.14. The M x M probabilities get a border of zeros.
 * The box grows about its centre by (M + 2) / M and is cut to whole pixels toward zero.
 * PyTorch's bilinear interpolate (align_corners false) resizes the square to that box, both
 * ends included. A pixel is set when its value is above the threshold. Bit for bit, where
 * PyTorch uses fused multiply-adds.
 */
#ifndef DP_POSTPROCESS_MASK_RESIZE_H
#define DP_POSTPROCESS_MASK_RESIZE_H

#include "postprocess/mask_paste.h"

/* Arguments and result as dp_mask_paste_run, but that a pixel at the threshold is not
 * set. A box with a coordinate that is not finite, or beyond 2^24, gives an empty mask. */
size_t dp_mask_resize_run(uint32_t *counts, size_t capacity, const dp_mask_paste *p,
                          const float *mask, dp_box box, void *scratch);
size_t dp_mask_resize_scratch(const dp_mask_paste *p);

extern const dp_paste_rule dp_paste_resized;

#endif
