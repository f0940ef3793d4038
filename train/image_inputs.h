/* image_inputs.h - how a loader makes the network's input of an image
 *
 * To train, an image is augmented; to evaluate, it is what the model is run on.
 */
#ifndef DP_TRAIN_IMAGE_INPUTS_H
#define DP_TRAIN_IMAGE_INPUTS_H

#include "model/input.h"
#include "train/image_transform.h"
#include "train/loader.h"

/* The draws of an image are named by this seed, its epoch, its index in the list, and
 * DP_PURPOSE_IMAGE. */
typedef struct dp_training_input {
    const dp_image_transform *transform;
    uint64_t seed;
} dp_training_input;

/* A dp_prepare_fn with a dp_training_input. */
dp_tensor dp_training_input_run(void *arg, dp_run *r, uint32_t epoch, int index,
                                const dp_pixels *image);

/* A dp_prepare_fn with a dp_input that crops or warps: neither epoch nor index matters. */
dp_tensor dp_evaluation_input_run(void *arg, dp_run *r, uint32_t epoch, int index,
                                  const dp_pixels *image);

#endif
