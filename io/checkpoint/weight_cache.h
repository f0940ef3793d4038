/* weight_cache.h - a model's packed weights in a file, to be read instead of packed anew
 *
 * The file is what one build of the program wrote for itself: numbers in this machine's
 * byte order, one after the other, with a key that says what they were made from. Every
 * byte is under a sum. A file that is damaged, cut short, of another key or another format
 * is refused before anything uses it. Its parts, in order:
 *
 *    "dpcache1", a mark of the byte order, bytes of a chunk, the key, number of floats
 *    a checksum (base/checksum.h) of each chunk of the floats
 *    SHA-256 of all that
 *    the floats, from the next multiple of 4096
 */
#ifndef DP_IO_CHECKPOINT_WEIGHT_CACHE_H
#define DP_IO_CHECKPOINT_WEIGHT_CACHE_H

#include "base/pool.h"
#include "base/sha256.h"
#include "base/store.h"

#include <stdbool.h>

/* Floats at `data`, and the zeros that follow them in the file. */
typedef struct dp_weight_piece {
    const float *data;
    size_t count, padding;
} dp_weight_piece;

/* Write the pieces, one after the other; the file is there whole or not at all. DP_EIO,
 * DP_ENOMEM. */
dp_status dp_weight_cache_save(dp_error *err, const char *path,
                               const uint8_t key[DP_SHA256_BYTES],
                               const dp_weight_piece *pieces,
                               size_t count) DP_MUST_CHECK;

/* Read the floats of a file of this key into memory of `store`, spread over the pool.
 * DP_EIO (*missing says whether there is no such file), DP_EFORMAT, DP_ENOMEM: what was
 * taken from the store is of no use then. */
dp_status dp_weight_cache_load(dp_error *err, float **floats, size_t *count,
                               dp_store *store, const char *path,
                               const uint8_t key[DP_SHA256_BYTES], dp_pool *pool,
                               bool *missing) DP_MUST_CHECK;

/* Add what a checkpoint is known by to a digest: its size, its time of change, and its
 * first and last bytes. These hold names and places, and for a .pth the sums of all
 * tensors. Its values are not read. DP_EIO. */
dp_status dp_weight_cache_identify(dp_error *err, dp_sha256 *sum,
                                   const char *path) DP_MUST_CHECK;

#endif
