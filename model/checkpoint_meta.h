/* checkpoint_meta.h - what a checkpoint says of its model beside the tensors
 *
 * OpenMMLab's checkpoints have a "meta": CLASSES and PALETTE, in later releases in its
 * "dataset_meta", and the text of the config. It is read as plain values; nothing in a
 * checkpoint is executed.
 */
#ifndef DP_MODEL_CHECKPOINT_META_H
#define DP_MODEL_CHECKPOINT_META_H

#include "io/checkpoint/checkpoint.h"

typedef struct dp_checkpoint_meta {
    const dp_pickle_values *values; /* of the checkpoint */
    dp_pickle_value classes; /* a list or tuple of texts; DP_PICKLE_ABSENT: none  */
    dp_pickle_value palette; /* of as many lists of three numbers; DP_PICKLE_ABSENT */
    dp_name config;          /* the config's text; size 0: none                   */
} dp_checkpoint_meta;

/* Views of the checkpoint, as long as it is open. */
dp_checkpoint_meta dp_checkpoint_meta_find(const dp_checkpoint *c);

/* Number of classes named; 0: none. */
size_t dp_checkpoint_meta_count(const dp_checkpoint_meta *m);

/* Name of class i, and its colour: false when there is none. */
dp_name dp_checkpoint_meta_class(const dp_checkpoint_meta *m, size_t i);
bool dp_checkpoint_meta_colour(const dp_checkpoint_meta *m, size_t i, int rgb[3]);

#endif
