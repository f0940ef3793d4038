/* pytorch_resize.h - a normalised image to another size, as torchvision's detectors do it
 *
 * GeneralizedRCNNTransform of torchvision 0.14: the image is normalised before it is
 * resized, in float32, by PyTorch's bilinear interpolate with align_corners false. Output
 * cell i lies at max((i + 0.5) * s - 0.5, 0), where s = in / out is rounded to float32
 * and (i + 0.5) * s is not. Columns, then rows, are mixed by fused multiply-adds. Bit for
 * bit what PyTorch computes of planes, on processors that have them.
 */
#ifndef DP_IO_IMAGE_PYTORCH_RESIZE_H
#define DP_IO_IMAGE_PYTORCH_RESIZE_H

#include "core/box.h"
#include "core/run.h"

/* The size of an image whose short side becomes `shorter`, or whose long side becomes
 * `longer` where that is less. The factor is rounded to float32 on the way, so that the
 * side is often one less: 427 x 640 (h x w) for 800 and 1333 becomes 799 x 1199. At
 * least 1 x 1. */
dp_size dp_pytorch_resize_target(dp_size original, int shorter, int longer);

/* x (1, H0, W0, C) at `size` into y (1, H, W, C), with zeros below and to the right of it.
 * A y that is too small is recorded as DP_ESHAPE. Rows are spread over r's threads. */
void dp_pytorch_resize_run(dp_run *r, dp_tensor y, dp_tensor x, dp_size size);

#endif
