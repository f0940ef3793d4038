/* flip.h - 8-bit images, left and right exchanged
 */
#ifndef DP_IO_IMAGE_FLIP_H
#define DP_IO_IMAGE_FLIP_H

#include "core/box.h"

#include <stdint.h>

/* Mirror rows of w pixels of 3 bytes (core/pixels.h) in place. */
void dp_flip_run(uint8_t *image, dp_size size);

#endif
