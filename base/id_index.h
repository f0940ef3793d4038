/* id_index.h - from the ids of a file to positions in an array
 */
#ifndef DP_BASE_ID_INDEX_H
#define DP_BASE_ID_INDEX_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise it. Reading it is safe from several threads. */
typedef struct dp_id_index {
    struct dp_id_slot *slots; /* owned; a power of two of them, at most half full */
    size_t mask;              /* slots - 1                                        */
    size_t count;             /* ids in it                                        */
} dp_id_index;

/* Make room for `count` ids in an empty index. */
dp_status dp_id_index_init(dp_error *err, dp_id_index *index,
                           size_t count) DP_MUST_CHECK;

/* Note that `id` stands at `position` >= 0, and return -1; or, when the id is there
 * already, change nothing and return its position. No more ids than room was made for. */
int dp_id_index_add(dp_id_index *index, int64_t id, int position);

/* The position of `id`; -1 when it is not there. A zeroed index has none. */
int dp_id_index_find(const dp_id_index *index, int64_t id);

/* Release. */
void dp_id_index_done(dp_id_index *index);

#endif
