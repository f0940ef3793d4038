/* image_csv.h - a classifier's images in a list: path, class, and what they are for
 *
 * Fields are separated by commas. A field may stand in double quotes, and a quote inside is
 * doubled then. Lines end in LF or CR LF; empty ones are passed over.
 */
#ifndef DP_TRAIN_IMAGE_CSV_H
#define DP_TRAIN_IMAGE_CSV_H

#include "train/image_list.h"

/* Read the layout that image_list.h describes; class_count as there. Without a column of
 * splits all images are in DP_SPLIT_TRAIN. Errors as dp_image_lists_load, with file and
 * line. */
dp_status dp_image_csv_read(dp_error *err, dp_image_lists *lists, const char *path,
                            int class_count) DP_MUST_CHECK;

#endif
