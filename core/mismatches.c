#include "core/mismatches.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

dp_status dp_mismatches_add(dp_error *err, dp_mismatches *m, dp_mismatch_kind kind,
                            const char *name, const char *detail)
{
    dp_mismatch entry = {kind, NULL, NULL};
    dp_status st = dp_grow(err, &m->list, &m->capacity, m->count + 1, sizeof *m->list,
                           "a list of tensors");
    if (st == DP_OK)
        st = dp_strdup(err, &entry.name, name);
    if (st == DP_OK)
        st = dp_strdup(err, &entry.detail, detail);
    if (st == DP_OK)
        m->list[m->count++] = entry;
    else
        dp_free(entry.name);
    return st;
}

static int compare(const void *x, const void *y)
{
    const dp_mismatch *a = x, *b = y;
    const int by_kind = (int)a->kind - (int)b->kind;
    return by_kind ? by_kind : strcmp(a->name, b->name);
}

void dp_mismatches_sort(dp_mismatches *m)
{
    if (m->count > 0)
        qsort(m->list, m->count, sizeof *m->list, compare);
}

dp_status dp_mismatches_fail(dp_error *err, const dp_mismatches *m)
{
    size_t counts[3] = {0};
    for (size_t i = 0; i < m->count; i++)
        counts[m->list[i].kind]++;
    return dp_fail(
        err, DP_ESHAPE,
        "%zu tensors missing, %zu of another shape, %zu unexpected (first: %s%s%s)",
        counts[DP_MISMATCH_MISSING], counts[DP_MISMATCH_SHAPE],
        counts[DP_MISMATCH_UNEXPECTED], m->list[0].name,
        m->list[0].detail[0] ? ", " : "", m->list[0].detail);
}

void dp_mismatches_done(dp_mismatches *m)
{
    for (size_t i = 0; i < m->count; i++) {
        dp_free(m->list[i].name);
        dp_free(m->list[i].detail);
    }
    dp_free(m->list);
    *m = (dp_mismatches){0};
}
