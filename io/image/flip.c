#include "io/image/flip.h"

#include <stddef.h>
#include <string.h>

enum { CHANNELS = 3 };

void dp_flip_run(uint8_t *image, dp_size size)
{
    for (int y = 0; y < size.h; y++) {
        uint8_t *left = image + (size_t)y * (size_t)size.w * CHANNELS;
        uint8_t *right = left + ((size_t)size.w - 1) * CHANNELS;
        for (; left < right; left += CHANNELS, right -= CHANNELS) {
            uint8_t moved[CHANNELS];
            memcpy(moved, left, CHANNELS);
            memcpy(left, right, CHANNELS);
            memcpy(right, moved, CHANNELS);
        }
    }
}
