/* finish.h - the light, the grain and the camera: what makes a drawing hard to read
 */
#ifndef DP_TOOLS_TOWN_FINISH_H
#define DP_TOOLS_TOWN_FINISH_H

#include "core/pixels.h"
#include "tools/town/layout.h"
#include "tools/town/random.h"

/* Turn the drawn town (RGB24 of cairo, rows of `stride` bytes) into the image, of the
 * same size: the grain of each stuff, light from one side on each thing, a cast, a slight
 * blur, and a sensor's noise. */
void toy_finish(dp_pixels *out, const unsigned char *rows, int stride,
                const toy_layout *s, toy_random *r);

#endif
