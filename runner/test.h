/* test.h - a run over a data set: what is asked for, and all that is known of it
 *
 * The public type dp_test (include/densepred/runner.h). plan.c fills it, queue.c and
 * workers.c run it, run_results.c and scores.c say what came of it.
 */
#ifndef DP_RUNNER_TEST_H
#define DP_RUNNER_TEST_H

#include "base/sha256.h"
#include "core/config.h"
#include "core/dataset.h"
#include "model/context.h"
#include "runner/image_set.h"
#include "runner/run_directory.h"

enum { DP_TEST_SCORES = 8 };

struct dp_test {
    dp_context *ctx;         /* borrowed; its err has the sentences    */
    dp_test_options options; /* with shard and shards set; texts borrowed */
    dp_test_part part;       /* what is being looked at                */

    /* of dp_plan_model */
    dp_config *config;  /* owned; as it is run               */
    char changes[64];   /* laid over it; "": none            */
    dp_task task;       /* to detect or to segment           */
    char *classes_path; /* owned                             */
    dp_dataset dataset;

    /* of dp_plan_run */
    dp_image_set set;
    char weights[DP_SHA256_HEX];              /* digest of the checkpoint      */
    uint8_t key[DP_RECORD_KEY_BYTES];         /* of the run                    */
    char *directory_path, *results, *metrics; /* owned                         */

    /* during dp_test_run */
    dp_test_progress_fn *progress; /* NULL: none */
    void *progress_arg;

    int64_t *counted;           /* owned; of dp_test_list_images */
    dp_run_directory directory; /* after dp_test_run; without an own part */
    dp_test_score scores[DP_TEST_SCORES];
    int score_count;
};

#endif
