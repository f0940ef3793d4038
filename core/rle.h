/* rle.h - masks as run lengths, COCO's form and its algebra
 *
 * A mask of h x w is read column by column, top to bottom; `counts` are the lengths of
 * alternating runs of zeros and ones, the first of zeros (it may be 0). The sum is h * w.
 * Semantics are those of the reference implementation of the COCO API (maskApi), bit for
 * bit, where its behaviour is defined. Where it reads or writes out of bounds, we refuse.
 *
 * Nothing here allocates: the caller brings room for the counts, so that workers of a
 * pool may call all of it. Masks as bytes are row-major.
 */
#ifndef DP_CORE_RLE_H
#define DP_CORE_RLE_H

#include "base/status.h"
#include "core/box.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dp_rle {
    int h, w;
    size_t count;     /* runs                              */
    uint32_t *counts; /* owned by whoever made the dp_rle  */
} dp_rle;

/* Pixels that are one. */
uint64_t dp_rle_area(const dp_rle *r);

/* The tight box of the ones, whole numbers; all zero for an empty mask. Runs of no
 * length count for nothing. */
dp_box dp_rle_box(const dp_rle *r);

/* Pixels that are one in both; the masks are of one size. */
uint64_t dp_rle_intersection(const dp_rle *a, const dp_rle *b);

/* Write the runs of the union of two masks of one size to counts and return their number;
 * with `intersect`, of the intersection. counts has room for a->count + b->count and is
 * neither of theirs. */
size_t dp_rle_merge(uint32_t *counts, const dp_rle *a, const dp_rle *b, bool intersect);

/* Set the h x w bytes of `mask` (row-major, 0 or 1) from the runs. */
void dp_rle_decode(const dp_rle *r, uint8_t *mask);

/* Write the runs of the h x w bytes of `mask` (row-major; not 0 is one) to counts, which
 * has room for h * w + 1. Returns their number. */
size_t dp_rle_encode(uint32_t *counts, const uint8_t *mask, int h, int w);

/* Bytes of the compressed string of these runs, without the terminator. */
size_t dp_rle_string_size(const uint32_t *counts, size_t count);

/* Write that string and a terminating zero to text, which has room for
 * dp_rle_string_size + 1 bytes. */
void dp_rle_format(char *text, const uint32_t *counts, size_t count);

/* Read the `size` bytes of a compressed string into counts, which has room for `size`
 * runs, and set *count. DP_EFORMAT: a character outside the alphabet, a value cut off at
 * the end, a negative run, or a sum that is not h * w. The sentence has no file name. */
dp_status dp_rle_parse(dp_error *err, uint32_t *counts, size_t *count, const char *text,
                       size_t size, int h, int w) DP_MUST_CHECK;

#endif
