#include "io/checkpoint/tensor_list.h"

#include "base/memory.h"

#include <string.h>

dp_status dp_tensor_list_add(dp_error *err, dp_tensor_list *l,
                             const dp_named_tensor *tensor, const dp_stored_type *type,
                             const char *name)
{
    static const char what[] = "a list of tensors";
    char *copy;
    if (l->count == DP_MAX_TENSORS)
        return dp_fail(err, DP_EFORMAT, "more than %d tensors", DP_MAX_TENSORS);
    dp_status st =
        dp_grow(err, &l->tensors, &l->tensors_room, l->count + 1, sizeof *tensor, what);
    if (st == DP_OK)
        st = dp_grow(err, &l->types, &l->types_room, l->count + 1, sizeof type, what);
    if (st == DP_OK)
        st = dp_strdup(err, &copy, name);
    if (st != DP_OK)
        return st;
    l->tensors[l->count] = *tensor;
    l->tensors[l->count].name = copy;
    l->types[l->count++] = type;
    return DP_OK;
}

/* The list owns its names. */
static char *own(const char *name)
{
    union {
        const char *shown;
        char *owned;
    } both = {name};
    return both.owned;
}

dp_status dp_tensor_list_refuse(dp_error *err, dp_tensor_list *l, const char *name,
                                const char *class)
{
    char *copy;
    dp_status st = dp_grow(err, &l->refusals, &l->refusals_room, l->refusals_count + 1,
                           sizeof *l->refusals, "a list of refusals");
    if (st == DP_OK)
        st = dp_strdup(err, &copy, name);
    if (st == DP_OK)
        l->refusals[l->refusals_count++] = (dp_refusal){copy, class};
    return st;
}

static void cut(const char *name, size_t size)
{
    memmove(own(name), name + size, strlen(name + size) + 1);
}

bool dp_tensor_list_strip(dp_tensor_list *l, const char *prefix)
{
    const size_t size = strlen(prefix);
    for (size_t i = 0; i < l->count; i++)
        if (strncmp(l->tensors[i].name, prefix, size) != 0)
            return false;
    if (l->count == 0)
        return false;
    for (size_t i = 0; i < l->count; i++)
        cut(l->tensors[i].name, size);
    for (size_t i = 0; i < l->refusals_count; i++)
        if (strncmp(l->refusals[i].name, prefix, size) == 0)
            cut(l->refusals[i].name, size);
    return true;
}

dp_status dp_tensor_list_finish(dp_error *err, dp_tensor_list *l, const char *path)
{
    dp_status st =
        dp_alloc(err, &l->names, l->count, sizeof *l->names, "a list of tensors");
    for (size_t i = 0; i < l->count && st == DP_OK; i++)
        l->names[i] = dp_name_from(l->tensors[i].name);
    if (st == DP_OK)
        st = dp_name_index_init(err, &l->index, l->names, l->count);
    if (st != DP_OK)
        return st;
    const ptrdiff_t twice = dp_name_index_find_twice(&l->index);
    if (twice == DP_NAME_NONE)
        return DP_OK;
    return dp_fail(err, DP_EFORMAT, "%s: tensor %s stands twice", path,
                   l->tensors[twice].name);
}

const dp_named_tensor *dp_tensor_list_find(const dp_tensor_list *l, const char *name)
{
    const ptrdiff_t place = dp_name_index_find(&l->index, dp_name_from(name));
    return place == DP_NAME_NONE ? NULL : &l->tensors[place];
}

void dp_tensor_list_done(dp_tensor_list *l)
{
    dp_name_index_done(&l->index);
    dp_free(l->names);
    for (size_t i = 0; i < l->count; i++)
        dp_free(own(l->tensors[i].name));
    for (size_t i = 0; i < l->refusals_count; i++)
        dp_free(own(l->refusals[i].name));
    dp_free(l->refusals);
    dp_free(l->tensors);
    dp_free((void *)l->types);
    *l = (dp_tensor_list){0};
}
