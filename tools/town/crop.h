/* crop.h - a thing cut out of the image of its town: a data set for classifiers
 */
#ifndef DP_TOOLS_TOWN_CROP_H
#define DP_TOOLS_TOWN_CROP_H

#include "core/pixels.h"
#include "tools/town/layout.h"

#include <stdbool.h>

/* Cut thing i out of the image: a square about what is seen of it, with a margin, moved to lie
 * in the image. False, and nothing done, for a crowd, and where the square is larger than the
 * image. `out` is initialised here and the caller's. DP_ENOMEM in *st. */
bool toy_crop_cut(dp_error *err, dp_status *st, dp_pixels *out, const dp_pixels *image,
                  const toy_layout *s, int i);

#endif
