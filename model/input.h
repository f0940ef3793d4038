/* input.h - from a picture to the network's input
 *
 * The config's "input". Fitted into `scale` with its ratio kept, normalised, padded with
 * zeros below and to the right: bit for bit what the original's test pipelines do.
 */
#ifndef DP_MODEL_INPUT_H
#define DP_MODEL_INPUT_H

#include "core/frame.h"
#include "core/params.h"
#include "core/run.h"
#include "ops/normalize.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dp_input {
    int scale[2];  /* long and short side to fit into, pixels; order does not matter */
    float mean[3]; /* of red, green, blue (to_rgb) */
    float std[3];
    bool to_rgb;
    int size_divisor; /* padded sides are multiples of this; 1: no padding */

    dp_normalize normalize;
} dp_input;

extern const dp_param dp_input_params[];

/* After its table was parsed: make the table of the normalisation. */
void dp_input_build(dp_input *in);

/* How a picture of this size is fitted. */
dp_frame dp_input_frame(const dp_input *in, dp_size original);

/* The input tensor (1, padded h, padded w, 3). pixels is blue, green, red; NULL when dry. */
dp_tensor dp_input_run(dp_run *r, const dp_input *in, const dp_frame *frame,
                       const uint8_t *pixels);

#endif
