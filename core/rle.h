/* rle.h - masks as run lengths, COCO's form and its algebra
 *
 * A mask of h x w is read column by column, top to bottom; `counts` are the lengths of
 * alternating runs of zeros and ones, the first of zeros (it may be 0). The sum is h * w.
 * Semantics are those of the reference implementation of the COCO API (maskApi), bit for
 * bit, where its behaviour is defined; where it reads or writes out of bounds, we refuse.
 */
#ifndef DP_CORE_RLE_H
#define DP_CORE_RLE_H

#include "core/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dp_rle {
    int h, w;
    size_t count;     /* runs                              */
    uint32_t *counts; /* owned by whoever made the dp_rle  */
} dp_rle;

/* Pixels that are one. */
uint64_t dp_rle_area(const dp_rle *r);

/* Bytes of the compressed string of these runs, without the terminator. */
size_t dp_rle_string_size(const uint32_t *counts, size_t count);

/* Write that string and a terminating zero to text, which has room for
 * dp_rle_string_size + 1 bytes. */
void dp_rle_format(char *text, const uint32_t *counts, size_t count);

/* Set the h x w bytes of `mask` (row-major, 0 or 1) from the runs. */
void dp_rle_decode(const dp_rle *r, uint8_t *mask);

#endif
