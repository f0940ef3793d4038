/* image_list.h - images with classes: what a classifier is trained and evaluated on
 *
 * Three layouts:
 *
 *   ROOT/train/CLASS/NAME, ROOT/val/CLASS/NAME       ImageNet's; both have the same classes
 *   ROOT/CLASS/NAME                                  a part of each class is set aside
 *   FILE.csv                                         lines "path,label" or "path,label,split"
 *
 * Classes are folders, in the order of their names. In a CSV a label is a class's name, or
 * all are numbers from 0; paths are relative to the file's folder; a split is "train" or
 * "val". A first line that begins with "path," is a heading. In folders, files are images whose
 * names end as those of images do (dp_pixels_is_named); others are left out. Images come in the
 * order of their classes and names, or of the CSV's lines.
 */
#ifndef DP_TRAIN_IMAGE_LIST_H
#define DP_TRAIN_IMAGE_LIST_H

#include "base/sha256.h"
#include "base/status.h"
#include "core/dataset.h"

#include <stddef.h>
#include <stdint.h>

typedef enum dp_split { DP_SPLIT_TRAIN, DP_SPLIT_VAL, DP_SPLITS } dp_split;

typedef struct dp_labelled_image {
    char *path;   /* owned */
    size_t name;  /* where in the path the part below the root begins */
    int64_t size; /* bytes of the file */
    int label;    /* class index */
} dp_labelled_image;

typedef struct dp_image_list {
    dp_labelled_image *list; /* owned */
    size_t count, capacity;
} dp_image_list;

typedef struct dp_image_lists {
    dp_dataset classes; /* named after ROOT or FILE; class i has the id i */
    dp_image_list split[DP_SPLITS];

    /* Of all names below the root, labels, splits and sizes of files. */
    char digest[DP_SHA256_HEX];
} dp_image_lists;

typedef struct dp_image_lists_options {
    const char *path; /* folder or .csv file */

    /* The part of each class, 0 to 1, that is set aside to evaluate on where the data do not
     * say; at least one image of each class is left on both sides. 0: nothing is, and that
     * is an error where the data do not say. Which images: by the seed. */
    double set_aside;
    uint64_t seed;

    /* Where classes are numbers in a CSV, how many there are; 0: the largest plus one. */
    int class_count;
} dp_image_lists_options;

/* Read names, no images. DP_EFORMAT with file or folder, and line: fewer than two classes; a
 * class without images to train on; a class of val that is not in train, or the other way
 * round; a label out of range; a path twice; a file that is not there; no images to evaluate
 * on. DP_EIO, DP_ENOMEM. lists is empty then. */
dp_status dp_image_lists_load(dp_error *err, dp_image_lists *lists,
                              const dp_image_lists_options *options) DP_MUST_CHECK;

/* For the readers of layouts. Append the file FOLDER/NAME, or NAME where FOLDER is NULL; the
 * root is the first `root` bytes of that path. DP_EFORMAT: there is no such file; DP_ENOMEM. */
dp_status dp_image_list_add(dp_error *err, dp_image_list *list, const char *folder,
                            const char *name, size_t root, int label) DP_MUST_CHECK;

/* For them too: name the classes, in this order. DP_EFORMAT: fewer than two or too many, or a
 * name that is too long or no UTF-8. */
dp_status dp_image_lists_name(dp_error *err, dp_image_lists *lists,
                              const char *const *names, size_t count) DP_MUST_CHECK;

/* A zeroed one is allowed. */
void dp_image_lists_done(dp_image_lists *lists);

#endif
