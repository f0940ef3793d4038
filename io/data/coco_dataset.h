/* coco_dataset.h - what a detector found, as a COCO data set: annotations for tools to load
 *
 * Unlike COCO's results (io/data/results.h) the file stands alone: CVAT, pycocotools and
 * other readers of annotations find images, categories and annotations in it.
 *
 *   {"info": {...}, "licenses": [], "categories": [{"id", "name", "supercategory"}, ...],
 *    "annotations": [{"id", "image_id", "category_id", "bbox": [x, y, w, h], "area",
 *                     "segmentation": [[x, y, x, y, ...], ...], "iscrowd": 0, "score"}, ...],
 *    "images": [{"id", "width", "height", "file_name"}, ...]}
 *
 * Annotations are numbered from 1. Every part of a mask is a polygon within
 * found->polygon_tolerance; a hole is joined to its part by a cut that encloses nothing
 * (core/outline.h). The area is the mask's own count of pixels, or without a mask the
 * box's area; segmentation is an empty list then. The list of images comes last, so that
 * annotations are written as they are found.
 */
#ifndef DP_IO_DATA_COCO_DATASET_H
#define DP_IO_DATA_COCO_DATASET_H

#include "io/data/results.h"

/* Append what comes before the first annotation. NULL: no categories. */
void dp_coco_dataset_begin(dp_text *t, const dp_dataset *dataset);

/* Append an image's annotations to t, counting them in *records, and its entry to
 * `images`. A failure is kept in t. */
void dp_coco_dataset_add(dp_text *t, dp_text *images, dp_outline *outline,
                         size_t *records, const dp_found *found);

/* Append the images and the end. */
void dp_coco_dataset_end(dp_text *t, const dp_text *images);

#endif
