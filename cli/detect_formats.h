/* detect_formats.h - the files that `densepred detect` writes beside images
 *
 * COCO and CSV are one file for all images, YOLO and LabelMe one for each.
 */
#ifndef DP_CLI_DETECT_FORMATS_H
#define DP_CLI_DETECT_FORMATS_H

#include "base/atomic_file.h"
#include "cli/outputs.h"
#include "io/data/results.h"

#include <stdbool.h>

/* A file of all images, under way. */
typedef struct dp_format_file {
    dp_atomic_file file;
    dp_results_writer writer;
    bool open;
} dp_format_file;

typedef struct dp_formats {
    const char *json; /* path of --json, "-" for standard output; NULL: none */
    bool coco, csv, yolo, labelme, file_names;
    const dp_outputs *outputs; /* borrowed */
    dp_format_file json_file, coco_file, csv_file;
} dp_formats;

/* From --json FILE and --format LIST (NULL: not given). DP_EXIT_OK, or DP_EXIT_USAGE after
 * saying which format is not known. */
int dp_formats_parse(dp_formats *f, const char *json, const char *list,
                     bool file_names);

/* Whether standard output belongs to the COCO results. */
bool dp_formats_use_stdout(const dp_formats *f);

/* Start the files of all images; `outputs` is needed for --format. DP_EIO, DP_ENOMEM. */
dp_status dp_formats_start(dp_error *err, dp_formats *f, const dp_outputs *outputs,
                           const dp_dataset *dataset) DP_MUST_CHECK;

/* Add input i. COCO and CSV take all of `found`, the others what has at least score_thr.
 * DP_EFORMAT: the input's name is refused (cli/outputs.h); DP_EIO, DP_ENOMEM. */
dp_status dp_formats_add(dp_error *err, dp_formats *f, const dp_found *found,
                         float score_thr, size_t i) DP_MUST_CHECK;

/* Complete the files and put them in their places. */
dp_status dp_formats_end(dp_error *err, dp_formats *f) DP_MUST_CHECK;

/* Release; files that were not ended go away. A zeroed f is allowed. */
void dp_formats_done(dp_formats *f);

#endif
