/* test_ledger.h - the desk of a work folder: hands out what is not done, keeps what is
 */
#ifndef DP_CLI_TEST_LEDGER_H
#define DP_CLI_TEST_LEDGER_H

#include "cli/progress.h"
#include "cli/test_desk.h"
#include "cli/test_plan.h"

#include <pthread.h>

typedef struct dp_test_ledger {
    const dp_test_plan *plan; /* borrowed */
    dp_work_folder folder;    /* with the own part of the plan's shard */
    size_t *todo;             /* owned: items of the shard that have no result */
    size_t todo_count, next;
    bool stopped;
    dp_progress bar;
    pthread_mutex_t lock;
} dp_test_ledger;

/* Open the plan's work folder and list what is to be done. Says what is wrong; returns an
 * exit status of cli.h, and l is only open with DP_EXIT_OK. */
int dp_test_ledger_open(dp_test_ledger *l, const dp_test_plan *plan);
void dp_test_ledger_close(dp_test_ledger *l);

/* Valid until the ledger is closed. Failures of images are said as they come. */
dp_test_desk dp_test_ledger_desk(dp_test_ledger *l);

#endif
