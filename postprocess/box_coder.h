/* box_coder.h - boxes as moves and stretches of other boxes
 *
 * Box deltas (dx, dy, dw, dh) move the centre of a box by parts of its sides. They
 * multiply the sides by exp(dw), exp(dh) (R-CNN, Girshick et al. 2014, appendix C). Each of the four
 * is scaled by its deviation first; means are 0. Operations and their order are upstream's,
 * in float32: mmdetection's delta2bbox, torchvision's BoxCoder.
 */
#ifndef DP_POSTPROCESS_BOX_CODER_H
#define DP_POSTPROCESS_BOX_CODER_H

#include "core/box.h"
#include "postprocess/rules.h"

/* `box` moved by delta[4] times std[4], clipped to an image of this size: x to [0, w], y
 * to [0, h]. Scaled dw and dh are at most ln(1000 / 16), and by mmdetection's rules at
 * least its opposite. A NaN stays NaN in what it reaches. */
dp_box dp_box_coder_decode(const dp_detector_rules *rules, dp_box box,
                           const float delta[4], const float std[4], dp_size image);

/* Whether both sides are at least `side`. With a side of 0 every box is, also one with a
 * NaN, which no other side lets pass. */
bool dp_box_is_large(dp_box box, float side);

#endif
