/* queue.h - where workers take images and leave results
 *
 * A queue is used by several threads at once. That of a run directory hands out what has no
 * result yet, and keeps the answers; that of processes.h asks process 0 for both.
 */
#ifndef DP_RUNNER_QUEUE_H
#define DP_RUNNER_QUEUE_H

#include "runner/test.h"

#include <pthread.h>
#include <stdbool.h>

enum { DP_JOB_PATH = 4096 };

typedef struct dp_job {
    size_t item;
    int64_t id;             /* COCO's, of the image */
    char path[DP_JOB_PATH]; /* "": the name leads out of the folder of images */
} dp_job;

typedef struct dp_answer {
    size_t item;
    dp_item_state state; /* DP_ITEM_DONE or DP_ITEM_FAILED      */
    const void *payload; /* the result, or a sentence (no zero) */
    size_t size;
} dp_answer;

typedef struct dp_queue {
    void *arg;
    /* The next image; false: there are no more. */
    bool (*next)(void *arg, dp_job *job);
    /* Keep an answer. DP_EIO, DP_ENOMEM: no use to go on. */
    dp_status (*answer)(dp_error *err, void *arg, const dp_answer *answer);
    /* Let nobody have a further image. */
    void (*stop)(void *arg);
    /* Whether an image that was handed out should not be begun any more. */
    bool (*stopped)(void *arg);
} dp_queue;

/* The queue of a run directory. */
typedef struct dp_directory_queue {
    const dp_test *test;        /* borrowed */
    dp_run_directory directory; /* with the test's own part */
    size_t next;                /* item of the shard, or a later one with no result */
    dp_test_progress now;
    bool stopped;
    pthread_mutex_t lock;
} dp_directory_queue;

/* Open the test's run directory and list what is to be done; tells the test's progress. q
 * is only open with DP_OK. Errors as dp_run_directory_open. */
dp_status dp_directory_queue_open(dp_error *err, dp_directory_queue *q,
                                  const dp_test *test) DP_MUST_CHECK;
void dp_directory_queue_close(dp_directory_queue *q);

/* Valid until q is closed. */
dp_queue dp_directory_queue_get(dp_directory_queue *q);

#endif
