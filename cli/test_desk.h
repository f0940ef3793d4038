/* test_desk.h - where the workers of a test take images and leave results
 *
 * A desk is asked by several threads at once. The ledger (test_ledger.h) is the one that
 * keeps the work folder; a process that only helps has a desk that asks another's.
 */
#ifndef DP_CLI_TEST_DESK_H
#define DP_CLI_TEST_DESK_H

#include "runner/run_directory.h"

#include <stdbool.h>

enum { DP_TEST_PATH = 4096 };

typedef struct dp_test_job {
    size_t item;
    int64_t id;              /* COCO's, of the image */
    char path[DP_TEST_PATH]; /* "": the name leads out of the folder of images */
} dp_test_job;

typedef struct dp_test_answer {
    size_t item;
    dp_work_state state; /* DP_WORK_DONE or DP_WORK_FAILED      */
    const void *payload; /* the result, or a sentence (no zero) */
    size_t size;
} dp_test_answer;

typedef struct dp_test_desk {
    void *arg;
    /* The next image; false: there are no more. */
    bool (*next)(void *arg, dp_test_job *job);
    /* Keep an answer. DP_EIO, DP_ENOMEM: no use to go on. */
    dp_status (*answer)(dp_error *err, void *arg, const dp_test_answer *answer);
    /* Let nobody have a further image. */
    void (*stop)(void *arg);
} dp_test_desk;

#endif
