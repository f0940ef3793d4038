/* yolo.h - what a detector found in one image, as a YOLO text file
 *
 * A line a detection, in list order, all coordinates as parts of the image's sides:
 *
 *   label cx cy w h            without masks
 *   label x1 y1 x2 y2 ...      with masks: a closed outline
 *
 * label is the class index from 0. With found->yolo_scores each line ends with the score,
 * as a prediction's file has it; a data set to train on must not have it. An outline
 * follows the edges of the mask's pixels within found->polygon_tolerance; parts and holes
 * are joined to one ring by cuts that enclose nothing (core/outline.h), as
 * the format has one ring a line. A detection whose mask is empty is left out.
 */
#ifndef DP_IO_DATA_YOLO_H
#define DP_IO_DATA_YOLO_H

#include "io/data/results.h"

/* Write the file at `path`, whole or not at all. DP_EIO, DP_ENOMEM. */
dp_status dp_yolo_save(dp_error *err, const char *path,
                       const dp_found *found) DP_MUST_CHECK;

/* Write the class names that go with it, a line each, as such data sets keep them in
 * classes.txt. */
dp_status dp_yolo_save_classes(dp_error *err, const char *path,
                               const dp_dataset *dataset) DP_MUST_CHECK;

#endif
