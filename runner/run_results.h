/* run_results.h - a run's records as the files that other tools read
 *
 * Detectors: results.json, COCO results, images in the data set's order, byte by byte what
 * `densepred detect --json` writes. Segmentors: predictions/NAME.png, a label map for each
 * image. Both depend only on the records, not on who made them in which order.
 */
#ifndef DP_RUNNER_RUN_RESULTS_H
#define DP_RUNNER_RUN_RESULTS_H

#include "runner/test.h"

/* Write them at t->results, from t->directory, which has no own part and no open items.
 * DP_EIO, DP_ENOMEM. */
dp_status dp_run_results_write(dp_error *err, const dp_test *t) DP_MUST_CHECK;

#endif
