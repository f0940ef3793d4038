/* input.h - from an image to the network's input
 *
 * The config's "input", bit for bit what upstream's test pipelines do.
 *
 *   fit    detectors, segmentors: fitted into `scale` with its ratio kept, normalised,
 *          padded with zeros below and to the right (OpenCV and mmcv)
 *   crop   classifiers: the short side becomes scale / crop_ratio, ratio kept, and of
 *          that the middle is taken (Pillow and torchvision)
 *   float  torchvision's detectors: as fit, but normalised before the resize, which is
 *          PyTorch's; the size has torchvision's rounding
 *   warp   classifiers at 384 pixels and more: to `scale`, whatever the ratio was
 */
#ifndef DP_MODEL_INPUT_H
#define DP_MODEL_INPUT_H

#include "core/frame.h"
#include "core/params.h"
#include "core/run.h"
#include "io/image/normalize.h"

#include <stdbool.h>
#include <stdint.h>

/* The order of the choices of `resize`. */
typedef enum dp_input_resize {
    DP_INPUT_FIT,
    DP_INPUT_CROP,
    DP_INPUT_WARP,
    DP_INPUT_FLOAT
} dp_input_resize;

/* "crop" */
const char *dp_input_resize_name(int resize);

typedef struct dp_input {
    int resize; /* dp_input_resize */

    /* Long and short side, pixels; the order does not matter. But for fit they are
     * equal. */
    int scale[2];

    float crop_ratio; /* of crop: side of the middle / short side of the whole */

    /* Of red, green, blue (to_rgb): for fit of values from 0 to 255, else from 0 to 1. */
    float mean[3], std[3];

    bool to_rgb;
    int size_divisor; /* padded sides are multiples of this; 1: no padding */

    dp_normalize normalize;
} dp_input;

extern const dp_param dp_input_params[];

/* After its table was parsed: check what the table cannot, and make the table of the
 * normalisation. DP_ECONFIG. */
dp_status dp_input_build(dp_error *err, dp_input *in,
                         const dp_config *config) DP_MUST_CHECK;

/* How an image of this size is fitted. With crop, `resized` is the whole of which the
 * middle is taken, and the scales say nothing. */
dp_frame dp_input_frame(const dp_input *in, dp_size original);

/* The input tensor (1, padded h, padded w, 3). pixels is blue, green, red; NULL when dry. */
dp_tensor dp_input_run(dp_run *r, const dp_input *in, const dp_frame *frame,
                       const uint8_t *pixels);

#endif
