/* purpose.h - what the random numbers of a training run are for
 *
 * The fourth part of a stream's name (base/random.h), beside seed, epoch and index. The
 * comment says what the index is. A number never changes: a run that is resumed by a later
 * version draws the same.
 */
#ifndef DP_TRAIN_PURPOSE_H
#define DP_TRAIN_PURPOSE_H

typedef enum dp_purpose {
    DP_PURPOSE_INIT = 0,      /* the parameter's place in the model; epoch 0 */
    DP_PURPOSE_ORDER = 1,     /* 0: the order of an epoch's images           */
    DP_PURPOSE_IMAGE = 2,     /* the image: crop, flip, colours, erasing     */
    DP_PURPOSE_MIXUP = 3,     /* the micro-batch of the epoch                */
    DP_PURPOSE_DROP_PATH = 4, /* the micro-batch of the epoch                */
    DP_PURPOSE_SET_ASIDE = 5, /* the class: images to evaluate on; epoch 0   */
} dp_purpose;

#endif
