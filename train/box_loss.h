/* box_loss.h - losses of boxes, and their gradients
 *
 * Means of box deltas are 0. Every function takes one box, and returns the loss before it is
 * averaged; gradients are with respect to the predicted deltas.
 */
#ifndef DP_TRAIN_BOX_LOSS_H
#define DP_TRAIN_BOX_LOSS_H

#include "core/box.h"

/* The deltas by which `box` becomes `object`, over the deviations std: centres in parts of the
 * box's sides, and logarithms of the sides' ratios. In float32 as mmdetection's
 * bbox2delta. */
void dp_box_encode(float delta[4], dp_box box, dp_box object, const float std[4]);

/* The sum over the four of |delta - target|; with beta above 0 smooth L1, which is d * d / (2
 * beta) below beta and |d| - beta / 2 from there on. */
double dp_loss_l1(float gradient[4], const float delta[4], const float target[4],
                  double beta);

/* 1 - GIoU of the object and the box that the deltas, times std, make of `box`, without
 * clipping (Rezatofighi et al. 2019). Scaled dw and dh are at most |ln(16 / 1000)|; beyond,
 * their gradient is 0. Equal edges give half of the gradient to each side, as in PyTorch. */
double dp_loss_giou(float gradient[4], const float delta[4], dp_box box, dp_box object,
                    const float std[4]);

/* The same for two boxes, with respect to the corners of `box`: x1 y1 x2 y2. */
double dp_giou(double gradient[4], const double box[4], dp_box object);

#endif
