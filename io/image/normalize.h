/* normalize.h - 8-bit images to the network's input
 *
 * The mean of each channel is subtracted, and the difference is divided by the standard
 * deviation, in the arithmetic of mmcv's imnormalize. The difference is in float32; times
 * the float64 reciprocal, it is rounded once to float32. A table of 256 values a channel
 * makes that exact and cheap.
 */
#ifndef DP_IO_IMAGE_NORMALIZE_H
#define DP_IO_IMAGE_NORMALIZE_H

#include "core/run.h"

#include <stdint.h>

typedef struct dp_normalize {
    float value[3][256]; /* of an output channel, by byte            */
    int byte[3];         /* of an output channel, within a BGR pixel */
} dp_normalize;

/* What to read: a rectangle of an image of blue-green-red pixels. */
typedef struct dp_pixel_window {
    const uint8_t *data; /* its first pixel; not looked at in a dry run */
    size_t stride;       /* bytes from row to row                       */
    int h, w;            /* 1 or more                                   */
    bool flip;           /* mirror left and right                       */
} dp_pixel_window;

/* mean and std in the order of the output's channels: red, green, blue with `rgb`, else
 * blue, green, red. std is not 0. */
void dp_normalize_build(dp_normalize *n, const float mean[3], const float std[3],
                        bool rgb);

/* The same in the arithmetic of torchvision's ToTensor and Normalize. Mean and std are
 * those of values from 0 to 1: byte / 255, minus the mean, divided by std. Each step is
 * rounded to float32. */
void dp_normalize_build_unit(dp_normalize *n, const float mean[3], const float std[3],
                             bool rgb);

/* The window as (1, H, W, 3). Zeros (the mean colour) are added below and to the right
 * until H and W are multiples of `multiple`; 1 adds nothing. A side that
 * overflows is recorded as DP_ESHAPE. The result lives in r's arena. */
dp_tensor dp_normalize_run(dp_run *r, const dp_normalize *n,
                           const dp_pixel_window *window, int multiple);

#endif
