/* detections.h - what a detector found in one image
 *
 * Ordered by score descending, among equals by candidate order. Boxes are in pixels of
 * the original image (box.h). Masks, when the model makes them, are run lengths over the
 * whole original image (rle.h). They lie in one growing array; no h x w mask exists.
 */
#ifndef DP_CORE_DETECTIONS_H
#define DP_CORE_DETECTIONS_H

#include "base/status.h"
#include "core/box.h"
#include "core/rle.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_detection {
    dp_box box;
    float score;
    int label;         /* class index, from 0                      */
    size_t mask_first; /* its runs are runs[mask_first ...]        */
    size_t mask_count; /* 0: no mask                               */
} dp_detection;

/* Zero-initialise. Storage grows as needed and is kept by dp_detections_reset, so that a
 * second image of the same kind allocates nothing. */
typedef struct dp_detections {
    dp_size image; /* original size: of every mask */
    size_t count, capacity;
    dp_detection *list;
    size_t run_count, run_capacity;
    uint32_t *runs;
} dp_detections;

/* Empty d and set the image's size; memory is kept. */
void dp_detections_reset(dp_detections *d, dp_size image);

/* Make room for `count` detections and `runs` runs in all. On failure d is unchanged. */
dp_status dp_detections_reserve(dp_error *err, dp_detections *d, size_t count,
                                size_t runs) DP_MUST_CHECK;

/* The mask of detection i: a view into d until d changes; count 0 without a mask. */
dp_rle dp_detections_mask(const dp_detections *d, size_t i);

/* Which detections to keep. */
typedef struct dp_detection_filter {
    float score_thr;     /* those of at least this score                      */
    const bool *classes; /* those whose label is marked; NULL: all            */
    size_t most;         /* the first of these in order; 0: all               */
} dp_detection_filter;

/* Keep what the filter lets pass, in order. Runs of masks stay where they are. */
void dp_detections_filter(dp_detections *d, const dp_detection_filter *filter);

/* Release. A zeroed d is allowed. */
void dp_detections_done(dp_detections *d);

#endif
