#include "io/checkpoint/torch_names.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* The values were checked when the file was opened. Neither recursion here is deeper than
 * DP_MAX_PICKLE_DEPTH or visits more than a multiple of their number. */

typedef struct walk {
    const dp_torch_file *f;
    dp_tensor_list *tensors;
    char name[DP_MAX_TENSOR_NAME + 1];
    size_t used;
    int depth;
    int unnamed; /* keys on the way that cannot be part of a name */
    dp_error *err;
} walk;

static bool is_container(dp_pickle_kind kind)
{
    return kind == DP_PICKLE_LIST || kind == DP_PICKLE_TUPLE || kind == DP_PICKLE_SET ||
           kind == DP_PICKLE_DICT;
}

/* Add a key to the name; false when it cannot be. */
static bool push_text(walk *w, dp_name key)
{
    const size_t point = w->depth > 0;
    if (key.size > DP_MAX_TENSOR_NAME - w->used ||
        point > DP_MAX_TENSOR_NAME - w->used - key.size ||
        !dp_utf8_is_name(key.text, key.size))
        return false;
    if (point)
        w->name[w->used++] = '.';
    if (key.size)
        memcpy(w->name + w->used, key.text, key.size);
    w->used += key.size;
    w->name[w->used] = '\0';
    return true;
}

static bool push_number(walk *w, long long number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", number);
    return push_text(w, dp_name_from(text));
}

static bool push_key(walk *w, dp_pickle_value v, size_t i)
{
    const dp_pickle_values *p = &w->f->values;
    if (dp_pickle_value_kind(p, v) != DP_PICKLE_DICT)
        return push_number(w, (long long)i);
    const dp_pickle_value key = dp_pickle_value_key(p, v, i);
    if (dp_pickle_value_kind(p, key) == DP_PICKLE_TEXT)
        return push_text(w, dp_pickle_value_text(p, key));
    return dp_pickle_value_kind(p, key) == DP_PICKLE_INT &&
           push_number(w, dp_pickle_value_int(p, key));
}

static dp_status add_tensor(walk *w, dp_pickle_value v)
{
    dp_named_tensor tensor;
    const dp_stored_type *type = NULL;
    if (w->unnamed)
        return dp_fail(w->err, DP_EFORMAT,
                       "%s: below %s: a tensor under a key that cannot be a name",
                       w->f->path, w->used ? w->name : "the whole");
    const dp_status st = dp_torch_file_tensor(w->err, w->f, v, w->name, &tensor, &type);
    return st == DP_OK ? dp_tensor_list_add(w->err, w->tensors, &tensor, type, w->name)
                       : st;
}

static dp_status visit(walk *w, dp_pickle_value v)
{
    const dp_pickle_values *p = &w->f->values;
    const dp_pickle_kind kind = dp_pickle_value_kind(p, v);
    if (kind == DP_PICKLE_TENSOR)
        return add_tensor(w, v);
    if (kind == DP_PICKLE_OPAQUE)
        return dp_tensor_list_refuse(w->err, w->tensors, w->unnamed ? "?" : w->name,
                                     dp_pickle_value_text(p, v).text);
    if (!is_container(kind))
        return DP_OK;
    dp_status st = DP_OK;
    const size_t used = w->used;
    for (size_t i = 0; i < dp_pickle_value_count(p, v) && st == DP_OK; i++) {
        const bool named = push_key(w, v, i);
        w->unnamed += !named;
        w->depth++;
        st = visit(w, dp_pickle_value_item(p, v, i));
        w->depth--;
        w->unnamed -= !named;
        w->used = used;
        w->name[used] = '\0';
    }
    return st;
}

dp_status dp_torch_names_list(dp_error *err, const dp_torch_file *f,
                              dp_pickle_value from, dp_tensor_list *tensors)
{
    walk w = {.f = f, .tensors = tensors, .err = err};
    return visit(&w, from);
}

bool dp_torch_names_any(const dp_torch_file *f, dp_pickle_value from)
{
    const dp_pickle_values *p = &f->values;
    if (!is_container(dp_pickle_value_kind(p, from)))
        return dp_pickle_value_kind(p, from) == DP_PICKLE_TENSOR;
    for (size_t i = 0; i < dp_pickle_value_count(p, from); i++)
        if (dp_torch_names_any(f, dp_pickle_value_item(p, from, i)))
            return true;
    return false;
}
