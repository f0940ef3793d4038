/* test_results.h - a work folder's records as the files that other tools read
 *
 * Detectors: results.json, COCO results, images in the data set's order, byte by byte what
 * `densepred detect --json` writes. Segmentors: predictions/NAME.png, a label map for each
 * image. Both depend only on the records, not on who made them in which order.
 */
#ifndef DP_CLI_TEST_RESULTS_H
#define DP_CLI_TEST_RESULTS_H

#include "cli/test_plan.h"
#include "runner/run_directory.h"

/* WORK/NAME, the caller's to dp_free. */
dp_status dp_test_results_path(dp_error *err, char **path, const dp_test_plan *plan,
                               const char *name) DP_MUST_CHECK;

/* Write them, at *path (the caller's to dp_free): the file or folder to evaluate. The
 * folder has no own part, and no open items. DP_EIO, DP_ENOMEM. */
dp_status dp_test_results_write(dp_error *err, char **path, const dp_test_plan *plan,
                                const dp_work_folder *folder) DP_MUST_CHECK;

#endif
