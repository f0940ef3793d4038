/* densepred/results.h - results as files that other tools read
 *
 * Files are whole or not there: what is written goes to a temporary file beside the place.
 */
#ifndef DENSEPRED_RESULTS_H
#define DENSEPRED_RESULTS_H

#include "densepred/classify.h"
#include "densepred/detect.h"
#include "densepred/segment.h"

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_results dp_results; /* a file of many images, under way */

/* How an image is called in results. Zero-initialise, then set what you want. */
typedef struct dp_result_image {
    /* Bytes that are not UTF-8 become '?' in JSON. NULL: COCO leaves the key out, other
     * formats have an empty name. LabelMe looks for the image at this path from the JSON's
     * folder, Label Studio at this URL. */
    const char *file_name;
    int64_t id;
    float score_thr; /* of detections: lower scores are left out */

    /* How far polygons may leave the edges of masks, in pixels: points are left out
     * within it. 0: none is. */
    float polygon_tolerance;
    bool yolo_scores; /* "yolo": a line ends with the score */
} dp_result_image;

/* Start a file. Formats:
 *
 *   "coco"     COCO's results: a JSON list of records with image_id, category_id, bbox
 *              (x y w h), score and, with masks, segmentation (compressed run lengths)
 *   "csv"      a line of column names, then a line an object: file_name, image_id, class,
 *              category_id, score, x1, y1, x2, y2, mask_area
 *   "classes"  of a classifier: a JSON list of file_name and classes (id, name, score)
 *   "frames"   a JSON line an image, for programs that read along: "frame" (the image's id), and
 *              "detections" as in COCO or a segmentor's "classes" (id, name, share of the image)
 *   "coco-dataset"  a COCO data set with images, categories and annotations, as CVAT and
 *              pycocotools load it: masks as polygons, area and score with each
 *   "labels"   of a segmentor: a JSON list of file_name, height, width and classes (id, name,
 *              pixels, share)
 *   "labelstudio"  a JSON list of Label Studio's tasks, whose predictions are masks as
 *              polygons, or boxes
 *
 * DP_EARG for another format; DP_EIO, DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_results_open(dp_context *ctx, dp_results **out, const char *format,
                                 const char *path);

/* The same on a stream of the caller's, which outlives it; `name` stands for it in
 * sentences. */
DP_API dp_status dp_results_open_stream(dp_context *ctx, dp_results **out,
                                        const char *format, FILE *stream,
                                        const char *name);

/* Append what was found in an image, the best classes of one ("classes"), or how much of one
 * each class has ("labels"). DP_EARG when the file has the other kind; DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_results_add(dp_context *ctx, dp_results *results,
                                const dp_model *model, const dp_detections *found,
                                const dp_result_image *image);
DP_API dp_status dp_results_add_classes(dp_context *ctx, dp_results *results,
                                        const dp_model *model,
                                        const dp_class_score *best, int count,
                                        const dp_result_image *image);

/* How much of an image each class has, to "labels" or "frames". */
DP_API dp_status dp_results_add_labels(dp_context *ctx, dp_results *results,
                                       const dp_model *model, const dp_label_map *map,
                                       const dp_result_image *image);

/* Complete the file, put it in its place, and free `results`, also on failure: the file is
 * not there then. DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_results_close(dp_context *ctx, dp_results *results);

/* Give the file up, for when something failed before dp_results_close. Takes NULL. */
DP_API void dp_results_free(dp_results *results);

/* Write what was found in one image as a file of its own. Formats:
 *
 *   "yolo"     a line an object: class index, outline or box; coordinates are parts of the
 *              image's sides
 *   "labelme"  LabelMe's JSON: masks as polygons, boxes as rectangles; file_name is the
 *              image that it is for
 *
 * DP_EARG for another format; DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_detections_save(dp_context *ctx, const dp_detections *found,
                                    const dp_model *model, const char *format,
                                    const char *path, const dp_result_image *image);

/* Write the class names, a line each, as YOLO's data sets keep them in classes.txt.
 * DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_model_save_class_names(dp_context *ctx, const dp_model *model,
                                           const char *path);

/* Write Label Studio's labelling interface (XML) for the model's classes: what its tasks
 * need. DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_model_save_label_interface(dp_context *ctx, const dp_model *model,
                                               const char *path);

#ifdef __cplusplus
}
#endif

#endif
