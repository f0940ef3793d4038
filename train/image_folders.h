/* image_folders.h - a classifier's images in folders, one a class
 */
#ifndef DP_TRAIN_IMAGE_FOLDERS_H
#define DP_TRAIN_IMAGE_FOLDERS_H

#include "train/image_list.h"

/* Read the two layouts of folders that image_list.h describes. Images of the second are all
 * in DP_SPLIT_TRAIN. Errors as dp_image_lists_load. */
dp_status dp_image_folders_read(dp_error *err, dp_image_lists *lists,
                                const char *root) DP_MUST_CHECK;

#endif
