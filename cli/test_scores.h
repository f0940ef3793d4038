/* test_scores.h - the numbers of a test, beside the published ones
 */
#ifndef DP_CLI_TEST_SCORES_H
#define DP_CLI_TEST_SCORES_H

#include "cli/test_plan.h"
#include "runner/run_directory.h"

#include <stdbool.h>

/* Whether the config has a published number that a test can be compared with. */
bool dp_test_scores_are_published(const dp_test_plan *plan);

/* Evaluate `results` (dp_test_results_write) as `densepred eval` does, print that and the
 * comparison with the published numbers, and keep everything in the work folder:
 * metrics.json is what eval says, summary.json the numbers with what they are of. Returns
 * an exit status: DP_EXIT_SOME when images failed, DP_EXIT_MODEL with --verify when a
 * number is beyond the config's tolerance. */
int dp_test_scores(const dp_test_plan *plan, const dp_work_folder *folder,
                   const char *results);

#endif
