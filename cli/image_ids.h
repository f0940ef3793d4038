/* image_ids.h - the image_id of each input in COCO and CSV results
 *
 * COCO's images are named by their numbers: 000000000139.jpg is 139. When all inputs are
 * named so, these are the ids. Otherwise the ids are the positions of the inputs, from 1.
 */
#ifndef DP_CLI_IMAGE_IDS_H
#define DP_CLI_IMAGE_IDS_H

#include "cli/inputs.h"

#include <stdint.h>

typedef struct dp_image_ids {
    int64_t *list; /* owned; one an input, all different */

    /* Of the inputs, where some have a number and are counted nevertheless: the first that
     * has none. NULL: all or none have one. */
    const char *unnumbered;
} dp_image_ids;

/* DP_EARG, with both files named, when two inputs have the same number, or when an input's
 * number is the position of another. DP_ENOMEM. */
dp_status dp_image_ids_init(dp_error *err, dp_image_ids *ids,
                            const dp_inputs *in) DP_MUST_CHECK;

/* A zeroed one is allowed. */
void dp_image_ids_done(dp_image_ids *ids);

#endif
