/* tiles.h - images that are too large for one run, window by window
 *
 * An image is cut into square windows that overlap. Each is an image of its own to the
 * detector: small objects are seen larger, and memory does not grow with the image.
 *
 * What the windows found is put together, class by class, by falling score. A detection
 * whose IoU with an earlier one is above a half is the same object seen twice. It goes. One
 * that lies in an earlier one by more than half of the smaller box, where either touches a
 * cut, joins it. It is the rest of a cut object: boxes and masks are united.
 *
 * An object much larger than the overlap can stay in pieces; no window sees all of it.
 */
#ifndef DP_MODEL_TILES_H
#define DP_MODEL_TILES_H

#include "core/detections.h"
#include "model/model.h"

typedef struct dp_tiles {
    int side;      /* of a window, pixels of the image, 1 or more           */
    float overlap; /* part of a side that neighbours share, 0 to less than 1  */
    dp_model_options options; /* of each window */
} dp_tiles;

/* Detect in one image; an image that fits into one window is run whole. `out` is
 * emptied first. The detector's own limit of detections holds for each window. Errors as
 * dp_detector_run. */
dp_status dp_tiles_run(dp_context *ctx, const dp_model *m, const dp_tiles *tiles,
                       const dp_pixels *pixels, dp_detections *out) DP_MUST_CHECK;

#endif
