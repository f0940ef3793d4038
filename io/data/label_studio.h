/* label_studio.h - what a detector found in many images, as tasks for Label Studio
 *
 * A JSON list of tasks, one an image, with the detections as predictions to correct:
 *
 *   [{"data": {"image": URL}, "predictions": [{"model_version": "densepred", "result": [
 *     {"id": "1", "from_name": "mask", "to_name": "image", "type": "polygonlabels",
 *      "original_width": W, "original_height": H, "image_rotation": 0, "score": 0.9,
 *      "value": {"points": [[x, y], ...], "closed": true, "polygonlabels": ["car"]}}, ...
 *
 * x, y, width and height are percents of the image's sides. Every part of a mask is a
 * polygon within found->polygon_tolerance, holes joined to it by a cut (core/outline.h).
 * Without a mask a detection is a rectangle ("box", "rectanglelabels"). The names "image",
 * "mask" and "box" are those of the labelling interface that goes with it.
 */
#ifndef DP_IO_DATA_LABEL_STUDIO_H
#define DP_IO_DATA_LABEL_STUDIO_H

#include "io/data/results.h"

/* Append an image's task, counted in *records. found->file_name is the URL. A failure is
 * kept in t. */
void dp_label_studio_add(dp_text *t, dp_outline *outline, size_t *records,
                         const dp_found *found);

/* Write the labelling interface for these classes, in their colours, as Label Studio's XML.
 * DP_EIO, DP_ENOMEM. */
dp_status dp_label_studio_save_interface(dp_error *err, const char *path,
                                         const dp_dataset *dataset) DP_MUST_CHECK;

#endif
