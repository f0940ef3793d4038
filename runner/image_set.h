/* image_set.h - the images of a data set, and where their ground truth is
 *
 * COCO: an annotation file and a folder of images; items in the order of the file's
 * "images". ADE20K: a folder of label maps and a folder of images, paired by name; items
 * sorted by name.
 */
#ifndef DP_RUNNER_IMAGE_SET_H
#define DP_RUNNER_IMAGE_SET_H

#include "base/sha256.h"
#include "base/status.h"
#include "core/dataset.h"
#include "densepred/runner.h"

typedef struct dp_set_image {
    char *name; /* owned; COCO: the file_name, ADE20K: that of the label map    */
    char *path; /* owned; of the image; NULL: the name leads out of the folder  */
    int64_t id; /* COCO's                                                       */
} dp_set_image;

typedef struct dp_image_set {
    dp_task task;               /* DP_TASK_DETECT: COCO, DP_TASK_SEGMENT: ADE20K */
    char *images, *annotations; /* owned paths                                   */
    dp_set_image *items;        /* owned                                         */
    size_t count, capacity;
    char digest[DP_SHA256_HEX]; /* of all names and ids, in order                */
} dp_image_set;

/* `classes` are those of the model. Names are compared without case (ASCII); a category without a
 * name is known by its id alone.
 *
 * Find the parts of a data set, as dp_test_options says them, and list its images. DP_EARG
 * something is not found; DP_ECONFIG an annotation file has a category that `classes` do
 * not have with its id and name; DP_EIO, DP_EFORMAT, DP_ENOMEM of reading it. */
dp_status dp_image_set_load(dp_error *err, dp_image_set *s, dp_task task,
                            const dp_dataset *classes, const char *root,
                            const char *images, const char *annotations) DP_MUST_CHECK;

/* A zeroed set is allowed. */
void dp_image_set_done(dp_image_set *s);

#endif
