/* densepred.h - dense prediction: objects and segments in images
 *
 * Runs published detectors and segmentors (ConvNeXt with Mask R-CNN, UperNet, ...) from
 * their checkpoints. Includes every header of densepred/; C11 and C++11.
 *
 *     dp_context *ctx;
 *     dp_model *model;
 *     dp_image *image;
 *     dp_detections *found;
 *
 *     if (dp_context_new(&ctx, NULL) != DP_OK) ...
 *     if (dp_model_load(ctx, &model, "coco/mask_rcnn_convnext_tiny",
 *                       "mask_rcnn_convnext_tiny_1k_3x.pth", NULL) != DP_OK)
 *         puts(dp_context_error(ctx));
 *     ...
 *     dp_image_load(ctx, &image, "photo.jpg");
 *     dp_detections_new(ctx, &found);
 *     dp_detect(ctx, model, image, found);
 *     for (size_t i = 0; i < dp_detections_count(found); i++) {
 *         const dp_object o = dp_detections_get(found, i);
 *         printf("%s %.2f\n", dp_model_class_name(model, o.label), o.score);
 *     }
 *
 * Errors. A function that can fail returns a dp_status; the sentence that belongs to it
 * (what was found, what was expected, where) is dp_context_error of the context it was
 * given. Nothing is printed, nothing exits, the environment is not read.
 *
 * Threads. A context is used by one thread at a time; it has its own workers. A model is
 * read-only once loaded: any number of contexts, each in its own thread, may share one.
 * It must outlive their calls. Images, detections and label maps belong to one thread at
 * a time. Results do not depend on the number of threads, bit for bit.
 *
 * Ownership. What a _new, _load or _decode function gives is the caller's, and released
 * by the _free of its type, which takes NULL too. Pointers that other functions return
 * are views, valid until the object they came from is changed or freed.
 *
 * Units. Boxes are continuous pixels of the upright original image: pixel i covers
 * [i, i + 1), x to the right, y down. Class indices (`label`) start at 0.
 */
#ifndef DENSEPRED_H
#define DENSEPRED_H

#include "densepred/classify.h"
#include "densepred/context.h"
#include "densepred/detect.h"
#include "densepred/draw.h"
#include "densepred/eval.h"
#include "densepred/features.h"
#include "densepred/image.h"
#include "densepred/model.h"
#include "densepred/results.h"
#include "densepred/runner.h"
#include "densepred/segment.h"
#include "densepred/status.h"
#include "densepred/stream.h"
#include "densepred/train.h"

#endif
