/* detect_formats.h - the files that `densepred detect` writes beside images
 *
 * COCO, CSV and Label Studio are one file for all images, YOLO and LabelMe one for each.
 * What fails is said on standard error; functions return an exit status.
 */
#ifndef DP_CLI_DETECT_FORMATS_H
#define DP_CLI_DETECT_FORMATS_H

#include "cli/image_ids.h"
#include "cli/work.h"

#include <stdbool.h>

/* --json, --coco-dataset and the names that --format knows. */
enum { DP_FORMATS = 7 };

/* All zero at first; the first group is the command line's. */
typedef struct dp_formats {
    const char *json, *coco_dataset; /* paths, "-" for standard output; NULL: none */
    const char *list;                /* of --format; NULL: none                    */
    const char *image_url;           /* what Label Studio puts before file names   */
    double tolerance;                /* of polygons, in pixels                     */
    bool file_names, yolo_scores;

    bool wanted[DP_FORMATS];
    dp_results *file[DP_FORMATS];         /* owned, of all images */
    const char *reserved[DP_FORMATS + 1]; /* stems of these, up to a NULL */
    dp_image_ids ids;
} dp_formats;

#define DP_FORMATS_DEFAULT                                   \
    {                                                        \
        .tolerance = 1, .image_url = "/data/local-files/?d=" \
    }

/* The options of these files. */
#define DP_OPTIONS_FORMATS(f)                                                          \
    DP_TEXT("json", 0, "FILE", &(f)->json,                                             \
            "COCO results into a file; - prints them. image_id: the number that is "   \
            "the file's name, or the input's position if not all have one"),           \
        DP_TEXT(                                                                       \
            "coco-dataset", 0, "FILE", &(f)->coco_dataset,                             \
            "a COCO data set (images, categories, annotations with polygons) into a "  \
            "file, as CVAT loads it; - prints it"),                                    \
        DP_TEXT(                                                                       \
            "format", 0, "LIST", &(f)->list,                                           \
            "coco,csv,labelstudio (one file), yolo,labelme (one for each image) into " \
            "--out"),                                                                  \
        DP_FLAG("file-names", 0, &(f)->file_names, "file_name in every COCO record"),  \
        DP_FLAG("save-conf", 0, &(f)->yolo_scores,                                     \
                "the score at the end of yolo's lines"),                               \
        DP_FLOAT(                                                                      \
            "polygon-tolerance", 0, "PX", &(f)->tolerance, 0, 1000,                    \
            "how far polygons may leave the edges of masks, in pixels, to have fewer " \
            "points (default 1; 0: not at all)"),                                      \
        DP_TEXT(                                                                       \
            "image-url", 0, "URL", &(f)->image_url,                                    \
            "what labelstudio puts before file names (default /data/local-files/?d=)")

/* See which files are wanted. */
int dp_formats_parse(dp_formats *f);

/* Whether a file into --out is. */
bool dp_formats_need_folder(const dp_formats *f);

/* Whether standard output belongs to a file. */
bool dp_formats_use_stdout(const dp_formats *f);

/* Start the files of all images. */
int dp_formats_start(dp_formats *f, dp_work *w);

/* Add input i. COCO's results and CSV take all of `found`, the others what has at least
 * score_thr. */
int dp_formats_add(dp_formats *f, dp_work *w, const dp_detections *found,
                   float score_thr, size_t i);

/* Complete the files and put them in their places. */
int dp_formats_end(dp_formats *f, dp_work *w);

/* Release; files that were not ended go away. A zeroed f is allowed. */
void dp_formats_done(dp_formats *f);

#endif
