/* paste_masks.h - the masks of all detections of an image, spread over the threads
 */
#ifndef DP_POSTPROCESS_PASTE_MASKS_H
#define DP_POSTPROCESS_PASTE_MASKS_H

#include "core/detections.h"
#include "core/run.h"
#include "postprocess/mask_paste.h"

/* Run lengths of masks, in the arena. */
typedef struct dp_pasted_masks {
    size_t capacity; /* of each mask at runs                            */
    uint32_t *runs;  /* mask i's start at i * capacity                  */
    size_t *count;   /* of each; more than the capacity: they were cut */
} dp_pasted_masks;

/* Paste masks (count, M, M) into the image, each into its detection's box. Masks of plain
 * shapes fit; those that are cut can be pasted again with more room. */
dp_pasted_masks dp_paste_masks_run(dp_run *r, const dp_paste_rule *rule,
                                   const dp_mask_paste *p, const float *masks,
                                   const dp_detection *list, int count);

#endif
