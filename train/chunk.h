/* chunk.h - how the elements of a tensor are cut into items for a pool
 *
 * The cut follows from the number of elements alone, so results do not depend on the
 * number of threads.
 */
#ifndef DP_TRAIN_CHUNK_H
#define DP_TRAIN_CHUNK_H

#include <stddef.h>

enum { DP_CHUNK = 1 << 15 }; /* elements of an item */

/* Items for n elements. */
static inline int dp_chunk_count(size_t n)
{
    return (int)((n + DP_CHUNK - 1) / DP_CHUNK);
}

/* Elements of an item, which begins at item * DP_CHUNK. */
static inline size_t dp_chunk_size(size_t n, int item)
{
    const size_t left = n - (size_t)item * DP_CHUNK;
    return left < DP_CHUNK ? left : DP_CHUNK;
}

#endif
