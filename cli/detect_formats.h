/* detect_formats.h - the files that `densepred detect` writes beside images
 *
 * COCO and CSV are one file for all images, YOLO and LabelMe one for each. What fails is
 * said on standard error; functions return an exit status.
 */
#ifndef DP_CLI_DETECT_FORMATS_H
#define DP_CLI_DETECT_FORMATS_H

#include "cli/image_ids.h"
#include "cli/work.h"

#include <stdbool.h>

typedef struct dp_formats {
    const char *json; /* path of --json, "-" for standard output; NULL: none */
    bool coco, csv, yolo, labelme, file_names;
    dp_image_ids ids; /* of the inputs; without a list where no file holds ids */
    dp_results *json_file, *coco_file, *csv_file;
} dp_formats;

/* From --json FILE and --format LIST (NULL: not given). */
int dp_formats_parse(dp_formats *f, const char *json, const char *list,
                     bool file_names);

/* Whether standard output belongs to the COCO results. */
bool dp_formats_use_stdout(const dp_formats *f);

/* Start the files of all images. DP_EXIT_USAGE when two would have the same image_id. */
int dp_formats_start(dp_formats *f, dp_work *w);

/* Add input i. COCO and CSV take all of `found`, the others what has at least
 * score_thr. */
int dp_formats_add(dp_formats *f, dp_work *w, const dp_detections *found,
                   float score_thr, size_t i);

/* Complete the files and put them in their places. */
int dp_formats_end(dp_formats *f, dp_work *w);

/* Release; files that were not ended go away. A zeroed f is allowed. */
void dp_formats_done(dp_formats *f);

#endif
