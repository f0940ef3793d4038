/* workers.h - contexts that share one model, each with images of its own
 */
#ifndef DP_RUNNER_WORKERS_H
#define DP_RUNNER_WORKERS_H

#include "runner/queue.h"

typedef struct dp_workers {
    dp_model *model;       /* owned */
    dp_context **contexts; /* owned */
    bool shares;           /* but for the one context there is, which is the test's */
    int count;
    uint8_t ids[256]; /* segmentors: the data set's number of each class */
} dp_workers;

/* Load the test's model in its context, whose error `err` is, and make the workers. Errors
 * as dp_model_load; w is only open with DP_OK. */
dp_status dp_workers_open(dp_error *err, dp_workers *w, const dp_test *t) DP_MUST_CHECK;
void dp_workers_close(dp_workers *w);

/* Work until the queue has no more images; `serve` (NULL: nothing) runs on a thread beside.
 * A detector's answer is the image's COCO records, a segmentor's a PNG label map. That an
 * image failed is an answer. On failure (DP_EIO, DP_ENOMEM) the queue is stopped. */
dp_status dp_workers_run(dp_error *err, dp_workers *w, const dp_queue *queue,
                         dp_status (*serve)(dp_error *err,
                                            const dp_queue *queue)) DP_MUST_CHECK;

#endif
