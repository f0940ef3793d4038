/* results.h - what was found in many images, as one file that other tools read
 *
 * COCO: one list of records, in the form of COCO's results files and with the bytes that
 * upstream writes (json.dump of its records): box x y w h and score as the shortest
 * decimals of the float32 values widened to float64, the subtraction in float64; masks as
 * compressed run lengths. Within an image records go by class, then by list order.
 *
 *   [{"image_id": 139, "bbox": [10.5, 20.0, 30.25, 40.0], "score": 0.5,
 *     "category_id": 1, "segmentation": {"size": [480, 640], "counts": "..."}}, ...]
 *
 * CSV (RFC 4180): a line of column names, then a line a detection, in list order, numbers
 * as the shortest decimals that read back to the same float32. mask_area is empty without
 * a mask.
 *
 *   file_name,image_id,class,category_id,score,x1,y1,x2,y2,mask_area
 *
 * Classes: of a classifier, a JSON list of records, the likeliest class of each first.
 *
 *   [{"file_name": "a.jpg", "classes": [{"id": 3, "name": "cat", "score": 0.5}, ...]}, ...]
 *
 * Frames: a line an image of a stream, for programs that read along. Detections are records
 * as COCO's; a segmentor's line names the classes that occur, the largest share first.
 *
 *   {"frame": 0, "detections": [{"image_id": 0, "bbox": [...], ...}, ...]}
 *   {"frame": 0, "classes": [{"id": 1, "name": "wall", "pixels": 9, "share": 0.25}, ...]}
 *
 * Labels: of a segmentor, a JSON list of records, the largest class of each first.
 *
 *   [{"file_name": "a.jpg", "height": 480, "width": 640, "classes": [
 *     {"id": 3, "name": "sky", "pixels": 76800, "share": 0.25}, ...]}, ...]
 *
 * Other files of many images: io/data/coco_dataset.h, io/data/label_studio.h. Formats with
 * a file for every image: io/data/yolo.h, io/data/labelme.h.
 */
#ifndef DP_IO_DATA_RESULTS_H
#define DP_IO_DATA_RESULTS_H

#include "base/text.h"
#include "core/dataset.h"
#include "core/detections.h"
#include "core/label_map.h"
#include "core/outline.h"
#include "densepred/classify.h"

#include <stdbool.h>
#include <stdio.h>

/* What is written of one image. All borrowed. Boxes and scores are finite, labels are
 * classes of the data set. */
typedef struct dp_found {
    const dp_detections *detections;
    const dp_dataset *dataset;

    /* Of the image. COCO: NULL leaves the key out. In JSON, bytes that are not UTF-8
     * become '?'. */
    const char *file_name;
    int64_t image_id;
    float score_thr; /* detections with lower scores are left out */

    /* How far polygons may leave the edges of masks, in pixels (core/outline.h); 0: not
     * at all. */
    float polygon_tolerance;
    bool yolo_scores; /* YOLO: a line ends with the score */
} dp_found;

typedef enum dp_results_format {
    DP_RESULTS_COCO,
    DP_RESULTS_CSV,
    DP_RESULTS_CLASSES,
    DP_RESULTS_FRAMES,
    DP_RESULTS_COCO_DATASET, /* io/data/coco_dataset.h */
    DP_RESULTS_LABEL_STUDIO, /* io/data/label_studio.h */
    DP_RESULTS_LABELS
} dp_results_format;

/* Private but for `records`. */
typedef struct dp_results_writer {
    size_t records; /* written so far */
    dp_results_format format;
    FILE *stream;     /* borrowed                              */
    const char *name; /* borrowed: for sentences               */
    bool begun;
    dp_text text;   /* of one image                              */
    dp_text images; /* COCO's data set: the list of images so far */
    dp_outline outline;
    char *string; /* a mask's, escaped                          */
    size_t string_capacity;
} dp_results_writer;

/* Start a file on an open stream, which stays the caller's; `name` stands for it in
 * sentences. Nothing is written yet. */
void dp_results_writer_init(dp_results_writer *w, dp_results_format format,
                            FILE *stream, const char *name);

/* Append an image. DP_EIO: the stream refuses; DP_ENOMEM. */
dp_status dp_results_writer_add(dp_error *err, dp_results_writer *w,
                                const dp_found *found) DP_MUST_CHECK;

/* The same to a file of classes: the `count` best of an image. */
dp_status dp_results_writer_add_classes(dp_error *err, dp_results_writer *w,
                                        const dp_dataset *dataset,
                                        const dp_class_score *best, int count,
                                        const char *file_name) DP_MUST_CHECK;

/* How much of an image each class has, to a file of labels, or of frames, whose number is
 * `id`. Labels beyond the data
 * set's classes are left out. */
dp_status dp_results_writer_add_labels(dp_error *err, dp_results_writer *w,
                                       const dp_dataset *dataset,
                                       const dp_label_map *labels,
                                       const char *file_name, int64_t id) DP_MUST_CHECK;

/* Write what is missing to a whole file (also to one without images) and flush. DP_EIO. */
dp_status dp_results_writer_end(dp_error *err, dp_results_writer *w) DP_MUST_CHECK;

/* Release. A zeroed w is allowed. */
void dp_results_writer_done(dp_results_writer *w);

/* Write a text to the file at `path`, whole or not at all, unless the text is one that
 * could not grow. DP_EIO, DP_ENOMEM. */
dp_status dp_results_save(dp_error *err, const char *path,
                          const dp_text *t) DP_MUST_CHECK;

/* Append a JSON string whose value may have bytes that are not UTF-8: as '?'. */
void dp_results_add_name(dp_text *t, const char *name);

#endif
