/* box_coder.h - boxes as shifts and stretches of other boxes
 *
 * A delta (dx, dy, dw, dh) moves the centre of a box by parts of its sides and multiplies
 * the sides by exp(dw), exp(dh) (R-CNN, Girshick et al. 2014, appendix C), scaled by one
 * deviation for each of the four; means are 0. Operations and their order are those of
 * mmdet 2.11's delta2bbox and bbox2delta, in float32.
 */
#ifndef DP_POSTPROCESS_BOX_CODER_H
#define DP_POSTPROCESS_BOX_CODER_H

#include "core/box.h"

/* `box` moved by delta[4] * std[4], clipped to an image of this size: x to [0, w], y to
 * [0, h]. Scaled dw and dh are clamped to +-ln(1000 / 16) first. A NaN stays NaN in what
 * it reaches. */
dp_box dp_box_coder_decode(dp_box box, const float delta[4], const float std[4],
                           dp_size image);

/* The delta that leads from `box` to `target`. Not finite when a side of `box` is 0, or
 * one of `target` is not positive. */
void dp_box_coder_encode(float delta[4], dp_box box, dp_box target, const float std[4]);

#endif
