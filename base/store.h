/* store.h - memory that lives as long as a model
 *
 * Only grows, and is released as a whole. Pieces start on a 64-byte line and are
 * followed by at least 64 readable bytes; large ones (packed weights) get pages of their
 * own. Pieces are zeroed. One thread at a time.
 */
#ifndef DP_BASE_STORE_H
#define DP_BASE_STORE_H

#include "base/status.h"

#include <stddef.h>

typedef struct dp_store {
    struct dp_store_block *blocks; /* newest first                     */
    size_t bytes;                  /* taken from the heap, in all      */
} dp_store;

/* count x size zeroed bytes at *out, until dp_store_done. DP_ENOMEM: *out is NULL and
 * the sentence names `what`. */
dp_status dp_store_take(dp_error *err, dp_store *s, void **out, size_t count,
                        size_t size, const char *what) DP_MUST_CHECK;

/* Release everything. A zeroed store is allowed. */
void dp_store_done(dp_store *s);

#endif
