/* history.h - the records of a training run, in memory and as lines of JSON in a file
 *
 * A line for each step of the optimizer and for each epoch, written when it is known:
 *
 *   {"kind":"step","step":12,"epoch":0,"loss":2.1,"lr":0.001,"weight_decay":0.05,
 *    "grad_norm":3.4,"images":32,"seconds":0.2,"waited":0.01}
 *   {"kind":"epoch","epoch":0,"step":40,"loss":1.9,"val_images":200,"val_loss":1.2,
 *    "top1":61.5,"top5":95,"best":true,"ema_loss":2.3,"ema_top1":10,"ema_top5":50,
 *    "ema_best":false}
 *
 * Steps count from 1, epochs from 0. An epoch that was not evaluated ends after its loss, and
 * what begins with "ema" is there where an average is kept. Only "seconds" and "waited"
 * differ from run to run.
 */
#ifndef DP_TRAIN_HISTORY_H
#define DP_TRAIN_HISTORY_H

#include "train/trainer.h"

#include <stdio.h>

/* Zero-initialise. */
typedef struct dp_history {
    dp_step_record *steps; /* owned */
    size_t step_count, step_capacity;
    dp_epoch_record *epochs; /* owned */
    size_t epoch_count, epoch_capacity;
    char *path; /* owned */
    FILE *file;
} dp_history;

/* Go on with the file at `path`: what it says of later steps and epochs than `step` and
 * `epoch`, which are done, is dropped. So is what follows a line that is no record. A file that
 * is not there is made. DP_EIO, DP_ENOMEM; h is empty then. */
dp_status dp_history_open(dp_error *err, dp_history *h, const char *path, int64_t step,
                          int epoch) DP_MUST_CHECK;

/* Append, and hand the line to the system. DP_EIO, DP_ENOMEM. */
dp_status dp_history_add_step(dp_error *err, dp_history *h,
                              const dp_step_record *r) DP_MUST_CHECK;
dp_status dp_history_add_epoch(dp_error *err, dp_history *h,
                               const dp_epoch_record *r) DP_MUST_CHECK;

/* A zeroed one is allowed. */
void dp_history_done(dp_history *h);

#endif
