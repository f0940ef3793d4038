/* name_index.h - one name among many, and names that stand twice
 *
 * Sorted, not hashed: a hostile file cannot choose names that make it slow.
 */
#ifndef DP_BASE_NAME_INDEX_H
#define DP_BASE_NAME_INDEX_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes that name something; not terminated. */
typedef struct dp_name {
    const char *text;
    size_t size;
} dp_name;

dp_name dp_name_from(const char *text);
bool dp_name_equals(dp_name a, const char *b);

typedef struct dp_name_index {
    const dp_name **sorted; /* owned; into the array given to dp_name_index_init */
    const dp_name *names;   /* of the caller, who keeps it in place              */
    size_t count;
} dp_name_index;

enum { DP_NAME_NONE = -1 };

/* Sort. The names stay the caller's and must outlive the index. DP_ENOMEM. */
dp_status dp_name_index_init(dp_error *err, dp_name_index *x, const dp_name *names,
                             size_t count) DP_MUST_CHECK;

/* The place of `name` in the array (the first of equals), or DP_NAME_NONE. */
ptrdiff_t dp_name_index_find(const dp_name_index *x, dp_name name);

/* A place whose name another place has too, or DP_NAME_NONE. */
ptrdiff_t dp_name_index_find_twice(const dp_name_index *x);

/* A zeroed index is allowed. */
void dp_name_index_done(dp_name_index *x);

#endif
