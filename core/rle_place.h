/* rle_place.h - a mask put into a larger one
 */
#ifndef DP_CORE_RLE_PLACE_H
#define DP_CORE_RLE_PLACE_H

#include "core/rle.h"

/* Write the runs of an h x w mask to counts and return their number. The mask is `part`,
 * with its top left pixel at row y and column x, and 0 elsewhere. The part lies inside;
 * counts has room for dp_rle_place_most. */
size_t dp_rle_place(uint32_t *counts, const dp_rle *part, int h, int w, int y, int x);

/* The most runs that can come of a part with so many runs and columns. */
size_t dp_rle_place_most(size_t count, int columns);

#endif
