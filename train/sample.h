/* sample.h - which of the assigned boxes a head is trained on: mmdetection's RandomSampler
 *
 * Of all boxes that are to find an object, at most int(number * fraction) are taken; then of
 * the background as many as are left of `number`. Where there are more, they are drawn.
 */
#ifndef DP_TRAIN_SAMPLE_H
#define DP_TRAIN_SAMPLE_H

#include "base/random.h"

#include <stdbool.h>

typedef struct dp_sampler {
    int number;
    float fraction; /* of positives, at most */
} dp_sampler;

/* Both lists ascend and lie one after the other in `list`: positives, then negatives. */
typedef struct dp_samples {
    int *list;
    int positives, negatives;
} dp_samples;

/* Sample `count` boxes by what they were assigned (train/assign.h). list has room for
 * `count`. One dp_random_between for each box taken of a list that is too long. */
dp_samples dp_sample_run(const dp_sampler *s, dp_random *r, const int *assigned,
                         int count, int *list);

/* How many positives of `found`, and then how many negatives of `found`, are taken. */
int dp_sample_positives(const dp_sampler *s, int found);
int dp_sample_negatives(const dp_sampler *s, int positives, int found);

#endif
