/* truth.h - what the town's images show, in COCO's form and in ADE20K's
 */
#ifndef DP_TOOLS_TOWN_TRUTH_H
#define DP_TOOLS_TOWN_TRUTH_H

#include "base/text.h"
#include "core/label_map.h"
#include "core/outline.h"
#include "tools/town/layout.h"

#include <stdint.h>

/* Zero-initialise. Memory is kept from image to image. */
typedef struct toy_truth {
    dp_label_map labels;
    dp_outline outline;
    uint8_t *mask;    /* h x w */
    uint32_t *counts; /* h x w + 1 */
} toy_truth;

/* Room for images of h x w. DP_ENOMEM. */
dp_status toy_truth_init(dp_error *err, toy_truth *t, int h, int w) DP_MUST_CHECK;

/* Set t->labels: of things and stuff their class, 0 in a crowd. */
dp_status toy_truth_label(dp_error *err, toy_truth *t,
                          const toy_layout *s) DP_MUST_CHECK;

/* Append the image's annotations, each on a line of its own, with a comma in front of
 * all but the first of *count; the ids are 1 and up from image * TOY_MOST_THINGS.
 *
 * A thing's polygons run along the edges of its visible pixels, one for each connected
 * part, with cuts to its holes; COCO's rule turns them into exactly these pixels again.
 * A crowd is run lengths. DP_ENOMEM. */
dp_status toy_truth_annotate(dp_error *err, toy_truth *t, dp_text *json,
                             const toy_layout *s, long image,
                             long *count) DP_MUST_CHECK;

/* Release. A zeroed t is allowed. */
void toy_truth_done(toy_truth *t);

#endif
