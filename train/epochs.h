/* epochs.h - the steps of a run: how many, of which images, at which rates
 *
 *   epoch         every image once, in a new order; images left over at its end are not used
 *   step          one change of the parameters, from `accumulate` micro-batches
 *   micro-batch   batch * ranks images: `batch` of them for each process
 *
 * The images of a micro-batch have places 0 .. G - 1. With an even batch, process r has places
 * r batch / 2 ... of the first half and their mirrored ones of the second, so that partners
 * of train/mixup.h are in one process; with an odd one places r batch ... in a row.
 */
#ifndef DP_TRAIN_EPOCHS_H
#define DP_TRAIN_EPOCHS_H

#include "train/training.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dp_epochs {
    size_t images;
    int rank, ranks;
    int steps;               /* of an epoch; 1 or more */
    dp_schedule rate, decay; /* in steps, but for DP_SCHEDULE_EPOCH_COSINE */
    const dp_training *training;
} dp_epochs;

/* DP_EARG: fewer images than a step needs. DP_ECONFIG: the warm-up is longer than the run, or
 * images are mixed and the batch is odd. */
dp_status dp_epochs_init(dp_error *err, dp_epochs *e, const dp_training *training,
                         size_t images, int rank, int ranks) DP_MUST_CHECK;

/* Images of a micro-batch, of all processes. */
int dp_epochs_micro_batch(const dp_epochs *e);

/* The place in a micro-batch of this process's image i of `batch`. */
int dp_epochs_place(const dp_epochs *e, int i);

/* Images of this process in an epoch: batch * accumulate * steps. */
size_t dp_epochs_own(const dp_epochs *e);

/* The order of an epoch, as indices into the list of images: `own` receives this process's,
 * micro-batch after micro-batch; `all` has room for all images. */
void dp_epochs_order(const dp_epochs *e, int epoch, int *all, int *own);

/* Learning rate and weight decay of a step of an epoch, both from 0. */
double dp_epochs_rate(const dp_epochs *e, int epoch, int step);
double dp_epochs_decay(const dp_epochs *e, int epoch, int step);

#endif
