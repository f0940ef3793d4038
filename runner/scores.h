/* scores.h - the numbers of a run, beside the published ones
 *
 * include/densepred/runner.h says what is published of it. The config's "published" has the
 * numbers in percent, "tolerance" and "source".
 */
#ifndef DP_RUNNER_SCORES_H
#define DP_RUNNER_SCORES_H

#include "runner/test.h"

/* Fill t->scores from the metrics file. DP_EIO, DP_EFORMAT, DP_ENOMEM. */
dp_status dp_scores_load(dp_error *err, dp_test *t) DP_MUST_CHECK;

/* Write summary.json: images, failures, scores, and the members of run.json. DP_EIO,
 * DP_ENOMEM. */
dp_status dp_scores_save(dp_error *err, const dp_test *t) DP_MUST_CHECK;

#endif
