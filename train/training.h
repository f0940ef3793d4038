/* training.h - what a recipe says of a training run: numbers, no files
 *
 * train/recipe.h makes it of a config's section "train".
 */
#ifndef DP_TRAIN_TRAINING_H
#define DP_TRAIN_TRAINING_H

#include "train/adamw.h"
#include "train/image_transform.h"
#include "train/mixup.h"
#include "train/parameter_groups.h"
#include "train/schedule.h"

typedef enum dp_optimizer_kind {
    DP_OPTIMIZER_ADAMW,
    DP_OPTIMIZER_SGD
} dp_optimizer_kind;

typedef struct dp_training {
    uint64_t seed; /* of every draw */
    int epochs;
    int batch; /* images of a micro-batch of one process; even where images are mixed */
    int accumulate; /* micro-batches whose gradients are added up to one step              */

    dp_optimizer_kind optimizer;
    dp_adamw adamw;
    double momentum; /* of SGD */

    /* Its weight_decay is not looked at: `decay` says it. */
    dp_group_rules groups;
    double clip_norm; /* of the gradient of all parameters; 0: it is not clipped */

    /* Learning rate and weight decay. length, warmup and steps are in epochs here whatever the
     * kind; length is not looked at. */
    dp_schedule rate, decay;
    int warmup_steps; /* of the rate; 0: rate.warmup says it */

    dp_mixup mixup;   /* both alphas 0: nothing is mixed */
    double smoothing; /* of targets, mixed or not; mixup.smoothing is not looked at */
    double drop_path; /* rate of the last block */

    double average_decay; /* of the moving average of the weights; 0: none is kept */

    /* Of random weights. The last layer's are multiplied by head_scale. */
    double layer_scale, head_scale;

    dp_image_transform transform; /* of images to train on */

    int evaluate_every; /* epochs between evaluations; the last one is always evaluated */
} dp_training;

#endif
