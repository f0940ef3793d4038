#include "io/checkpoint/torch_file.h"

#include "base/memory.h"
#include "io/checkpoint/pickle_globals.h"
#include "io/checkpoint/torch_legacy.h"
#include "io/checkpoint/torch_zip.h"

/* ---- the values ---- */

typedef struct check {
    const dp_torch_file *f;
    size_t steps; /* left */
    dp_error *err;
} check;

/* Depth is limited, so a cycle ends. Steps are limited too, so few values that share their
 * parts many times over cannot cost more than a multiple of their number. */
static dp_status check_value(check *c, dp_pickle_value v, int depth)
{
    const dp_pickle_values *p = &c->f->values;
    if (depth > DP_MAX_PICKLE_DEPTH)
        return dp_fail(c->err, DP_EFORMAT, "%s: containers are nested deeper than %d",
                       c->f->path, DP_MAX_PICKLE_DEPTH);
    if (c->steps-- == 0)
        return dp_fail(c->err, DP_EFORMAT,
                       "%s: %zu values contain each other too often", c->f->path,
                       p->count);
    const dp_pickle_kind kind = dp_pickle_value_kind(p, v);
    if (kind != DP_PICKLE_LIST && kind != DP_PICKLE_TUPLE && kind != DP_PICKLE_SET &&
        kind != DP_PICKLE_DICT)
        return DP_OK;
    dp_status st = DP_OK;
    for (size_t i = 0; i < dp_pickle_value_count(p, v) && st == DP_OK; i++) {
        if (kind == DP_PICKLE_DICT)
            st = check_value(c, dp_pickle_value_key(p, v, i), depth + 1);
        if (st == DP_OK)
            st = check_value(c, dp_pickle_value_item(p, v, i), depth + 1);
    }
    return st;
}

dp_status dp_torch_file_init(dp_error *err, dp_torch_file *f, const char *path,
                             const unsigned char *data, size_t size)
{
    *f = (dp_torch_file){.path = path};
    dp_status st = dp_torch_zip_is(data, size)
                       ? dp_torch_zip_read(err, f, data, size)
                       : dp_torch_legacy_read(err, f, data, size);
    check c = {f, 16 * f->values.count + 1024, err};
    if (st == DP_OK)
        st = check_value(&c, f->root, 0);
    if (st != DP_OK)
        dp_torch_file_done(f);
    return st;
}

/* ---- tensors ---- */

/* What a tensor looks at: `count` elements of one type. */
typedef struct view {
    const dp_stored_type *type;
    const unsigned char *bytes;
    size_t count;
} view;

static dp_status bad_tensor(dp_error *err, const dp_torch_file *f, const char *name,
                            const char *what)
{
    return dp_fail(err, DP_EFORMAT, "%s: tensor %s: %s", f->path, name, what);
}

/* The storage at v as elements of `type`, or of its own type when that is NULL. */
static dp_status find_view(dp_error *err, const dp_torch_file *f, dp_pickle_value v,
                           const dp_stored_type *type, const char *name, view *out)
{
    const dp_pickle_values *p = &f->values;
    const dp_name key = dp_pickle_value_text(p, dp_pickle_value_item(p, v, 1));
    const dp_stored_type *own = dp_pickle_global_type(p, dp_pickle_value_item(p, v, 0));
    const dp_stored_type *unit = own ? own : dp_stored_type_find(dp_name_from("U8"));
    const size_t count = (size_t)dp_pickle_value_int(p, dp_pickle_value_item(p, v, 3));
    dp_torch_storage s;
    size_t bytes;
    const dp_status st = f->is_zip ? dp_torch_zip_storage(err, f, key, &s)
                                   : dp_torch_legacy_storage(err, f, key, &s);
    if (st != DP_OK)
        return dp_fail_while(err, "%s: tensor %s", f->path, name);
    if (!dp_stored_type_bytes(unit, count, &bytes) || bytes != s.size)
        return dp_fail(
            err, DP_EFORMAT,
            "%s: tensor %s: a storage of %zu bytes does not hold %zu elements of %s",
            f->path, name, s.size, count, unit->name);
    out->type = type ? type : unit;
    out->bytes = s.bytes;
    out->count = type ? s.size / (type->bits / 8) : count;
    if (own && type && own->bits != type->bits)
        return bad_tensor(err, f, name, "its type is not that of its storage");
    if (dp_pickle_value_count(p, v) < 5 ||
        dp_pickle_value_kind(p, dp_pickle_value_item(p, v, 4)) == DP_PICKLE_NONE)
        return DP_OK;

    /* A part of the storage: its key, the offset and the count, in elements. */
    const dp_pickle_value part = dp_pickle_value_item(p, v, 4);
    const size_t offset =
        (size_t)dp_pickle_value_int(p, dp_pickle_value_item(p, part, 1));
    const size_t length =
        (size_t)dp_pickle_value_int(p, dp_pickle_value_item(p, part, 2));
    if (offset > out->count || length > out->count - offset)
        return bad_tensor(err, f, name, "its part leaves the storage");
    out->bytes += offset * (out->type->bits / 8);
    out->count = length;
    return DP_OK;
}

/* Shape and strides of the tensor; *count is the number of elements, *last the place of
 * the last one from the first. False when this overflows: the extents other than 0,
 * multiplied, must fit even where another one is 0. */
static bool read_shape(const dp_pickle_values *p, dp_pickle_value v,
                       dp_named_tensor *out, size_t *count, size_t *last)
{
    const dp_pickle_value shape = dp_pickle_value_item(p, v, 2),
                          strides = dp_pickle_value_item(p, v, 3);
    size_t full = 1, bytes;
    bool empty = false;
    *last = 0;
    for (int d = 0; d < out->rank; d++) {
        out->shape[d] =
            dp_pickle_value_int(p, dp_pickle_value_item(p, shape, (size_t)d));
        out->stride[d] =
            dp_pickle_value_int(p, dp_pickle_value_item(p, strides, (size_t)d));
        empty = empty || out->shape[d] == 0;
        const size_t extent = out->shape[d] ? (size_t)out->shape[d] : 1;
        if (!dp_mul_size(&full, full, extent) || !dp_mul_size(&bytes, full, 16))
            return false;
    }
    *count = empty ? 0 : full;
    for (int d = 0; d < out->rank && !empty; d++) {
        size_t step;
        if (!dp_mul_size(&step, (size_t)out->shape[d] - 1, (size_t)out->stride[d]) ||
            !dp_add_size(last, *last, step))
            return false;
    }
    return true;
}

dp_status dp_torch_file_tensor(dp_error *err, const dp_torch_file *f, dp_pickle_value v,
                               const char *name, dp_named_tensor *out,
                               const dp_stored_type **type)
{
    const dp_pickle_values *p = &f->values;
    const size_t rank = dp_pickle_value_count(p, dp_pickle_value_item(p, v, 2));
    const size_t offset = (size_t)dp_pickle_value_int(p, dp_pickle_value_item(p, v, 1));
    const dp_stored_type *own =
        dp_pickle_value_count(p, v) > 4
            ? dp_pickle_global_type(p, dp_pickle_value_item(p, v, 4))
            : NULL;
    view w = {NULL, NULL, 0};
    *out = (dp_named_tensor){.name = NULL};
    if (rank > DP_MAX_TENSOR_RANK)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: tensor %s: found %zu dimensions, expected at most %d",
                       f->path, name, rank, DP_MAX_TENSOR_RANK);
    const dp_status st =
        find_view(err, f, dp_pickle_value_item(p, v, 0), own, name, &w);
    if (st != DP_OK)
        return st;
    size_t count, last;
    out->rank = (int)rank;
    if (!read_shape(p, v, out, &count, &last))
        return bad_tensor(err, f, name, "its size overflows");
    *type = w.type;
    out->dtype = w.type->dtype;
    out->data = w.bytes;
    if (count == 0)
        return DP_OK;
    if (offset >= w.count || last >= w.count - offset)
        return dp_fail(
            err, DP_EFORMAT,
            "%s: tensor %s: elements up to %zu + %zu leave its storage of %zu", f->path,
            name, offset, last, w.count);
    if (count > w.count && count > DP_MAX_REPEATED_ELEMENTS)
        return dp_fail(err, DP_EFORMAT, "%s: tensor %s: %zu elements repeat %zu",
                       f->path, name, count, w.count);
    out->data = w.bytes + offset * (w.type->bits / 8);
    return DP_OK;
}

void dp_torch_file_done(dp_torch_file *f)
{
    dp_pickle_values_done(&f->values);
    dp_zip_done(&f->zip);
    dp_name_index_done(&f->index);
    dp_free(f->keys);
    dp_free(f->storages);
    *f = (dp_torch_file){.path = NULL};
}
