#include "train/image_inputs.h"

#include "train/purpose.h"

dp_tensor dp_training_input_run(void *arg, dp_run *r, uint32_t epoch, int index,
                                const dp_pixels *image)
{
    const dp_training_input *in = arg;
    dp_random random;
    dp_random_init(&random, in->seed, epoch, (uint32_t)index, DP_PURPOSE_IMAGE);
    return dp_image_transform_run(r, in->transform, &random, image);
}

dp_tensor dp_evaluation_input_run(void *arg, dp_run *r, uint32_t epoch, int index,
                                  const dp_pixels *image)
{
    const dp_input *in = arg;
    (void)epoch;
    (void)index;
    const dp_frame frame = dp_input_frame(in, (dp_size){image->h, image->w});
    return dp_input_run(r, in, &frame, r->dry ? NULL : image->data);
}
