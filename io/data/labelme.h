/* labelme.h - what a detector found in one image, as a LabelMe JSON file
 *
 * Every part of a mask is a polygon along the edges of its pixels, within
 * found->polygon_tolerance; parts of one object share a group_id. LabelMe's polygons have no holes, so a hole is
 * joined to its part by a cut that encloses nothing (core/outline.h). Without a mask, or
 * with an empty one, a detection is a rectangle. Each shape has its score.
 */
#ifndef DP_IO_DATA_LABELME_H
#define DP_IO_DATA_LABELME_H

#include "io/data/results.h"

/* Write the file at `path`, whole or not at all. found->file_name is how the JSON calls
 * the image: LabelMe looks for it from the JSON's folder. DP_EIO, DP_ENOMEM. */
dp_status dp_labelme_save(dp_error *err, const char *path,
                          const dp_found *found) DP_MUST_CHECK;

#endif
