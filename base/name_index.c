#include "base/name_index.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

dp_name dp_name_from(const char *text)
{
    return (dp_name){text, strlen(text)};
}

static int compare(dp_name a, dp_name b)
{
    const size_t shared = a.size < b.size ? a.size : b.size;
    const int order = shared ? memcmp(a.text, b.text, shared) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool dp_name_equals(dp_name a, const char *b)
{
    return compare(a, dp_name_from(b)) == 0;
}

static int compare_places(const void *a, const void *b)
{
    const dp_name *x = *(const dp_name *const *)a, *y = *(const dp_name *const *)b;
    const int order = compare(*x, *y);
    return order ? order : (x > y) - (x < y);
}

dp_status dp_name_index_init(dp_error *err, dp_name_index *x, const dp_name *names,
                             size_t count)
{
    *x = (dp_name_index){NULL, names, 0};
    const dp_status st =
        dp_alloc(err, &x->sorted, count, sizeof *x->sorted, "an index");
    if (st != DP_OK)
        return st;
    x->count = count;
    for (size_t i = 0; i < count; i++)
        x->sorted[i] = &names[i];
    qsort(x->sorted, count, sizeof *x->sorted, compare_places);
    return DP_OK;
}

ptrdiff_t dp_name_index_find(const dp_name_index *x, dp_name name)
{
    size_t low = 0, high = x->count;
    while (low < high) { /* the first that is not less */
        const size_t middle = low + (high - low) / 2;
        if (compare(*x->sorted[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == x->count || compare(*x->sorted[low], name) != 0)
        return DP_NAME_NONE;
    return x->sorted[low] - x->names;
}

ptrdiff_t dp_name_index_find_twice(const dp_name_index *x)
{
    for (size_t i = 1; i < x->count; i++)
        if (compare(*x->sorted[i - 1], *x->sorted[i]) == 0)
            return x->sorted[i] - x->names;
    return DP_NAME_NONE;
}

void dp_name_index_done(dp_name_index *x)
{
    dp_free(x->sorted);
    *x = (dp_name_index){NULL, NULL, 0};
}
