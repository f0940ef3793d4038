/* opencv_resize.h - 8-bit images to another size, bit for bit as OpenCV's INTER_LINEAR
 *
 *   images   rows of w pixels of 3 bytes, no padding (core/pixels.h)
 *
 * The same size is a copy. Exactly half in both directions is the mean of 2 x 2 pixels,
 * rounded half up. All else is bilinear in 11-bit fixed point: positions are computed
 * in float64 and rounded to float32; columns clamp the weight at the border, rows clamp
 * the two source rows; the horizontal sums are exact, the vertical step is the kernel
 * resize_rows_u8 with its two truncating shifts.
 */
#ifndef DP_IO_IMAGE_OPENCV_RESIZE_H
#define DP_IO_IMAGE_OPENCV_RESIZE_H

#include "core/box.h"
#include "core/run.h"

#include <stdint.h>

/* The size of an h x w image fitted, ratio kept, into long_side x short_side, which may
 * be exchanged; small images grow. Sides are multiplied by the smaller of
 * long / max(h, w) and short / min(h, w), plus a half, truncated. A side is at least 1;
 * upstream fails on images so thin that theirs would be 0. h, w >= 1. */
dp_size dp_opencv_resize_target(int h, int w, int long_side, int short_side);

/* Resize in (in_h, in_w) into out (out_h, out_w); they do not overlap, and are not
 * looked at in a dry run. A side below 1 is recorded as DP_ESHAPE. Blocks of rows
 * are spread over r's threads; the bytes do not depend on how many there are. */
void dp_opencv_resize_run(dp_run *r, uint8_t *out, int out_h, int out_w,
                          const uint8_t *in, int in_h, int in_w);

#endif
