#include "io/checkpoint/torch_legacy.h"

#include "base/memory.h"
#include "io/checkpoint/pickle.h"
#include "io/checkpoint/pickle_globals.h"

#include <stdio.h>
#include <string.h>

/* 0x1950A86A20F9469CFC6C as LONG1 writes it. */
static const unsigned char magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

enum { PROTO_SIZE = 2, FRAME_SIZE = 9, VERSION = 1001, COUNT_SIZE = 8 };

static bool magic_at(const unsigned char *data, size_t size, size_t at)
{
    return size >= at + sizeof magic && memcmp(data + at, magic, sizeof magic) == 0;
}

bool dp_torch_legacy_is(const unsigned char *data, size_t size)
{
    return size > 0 && data[0] == 0x80 &&
           (magic_at(data, size, PROTO_SIZE) ||
            magic_at(data, size, PROTO_SIZE + FRAME_SIZE));
}

typedef struct reader {
    dp_torch_file *f;
    const unsigned char *data;
    size_t size, at;
    dp_error *err;
} reader;

static dp_status read_pickle(reader *r, dp_pickle_value *v, const char *what)
{
    size_t used = 0;
    char name[256];
    snprintf(name, sizeof name, "%s: %s", r->f->path, what);
    const dp_status st = dp_pickle_read(r->err, &r->f->values, v, &used, name,
                                        r->data + r->at, r->size - r->at);
    r->at += used;
    return st;
}

/* The three pickles in front of the object. */
static dp_status read_head(reader *r)
{
    const dp_pickle_values *p = &r->f->values;
    dp_pickle_value v, order;
    dp_status st = read_pickle(r, &v, "magic number");
    if (st == DP_OK)
        st = read_pickle(r, &v, "version");
    if (st != DP_OK)
        return st;
    if (dp_pickle_value_kind(p, v) != DP_PICKLE_INT ||
        dp_pickle_value_int(p, v) != VERSION)
        return dp_fail(r->err, DP_EUNSUPPORTED,
                       "%s: not version %d of torch.save's legacy form", r->f->path,
                       VERSION);
    st = read_pickle(r, &v, "facts about the machine");
    if (st != DP_OK)
        return st;
    order = dp_pickle_value_find(p, v, "little_endian");
    if (order == DP_PICKLE_ABSENT || dp_pickle_value_kind(p, order) != DP_PICKLE_BOOL ||
        !dp_pickle_value_int(p, order))
        return dp_fail(r->err, DP_EUNSUPPORTED, "%s: the file is not little endian",
                       r->f->path);
    return DP_OK;
}

/* ---- storages ---- */

/* The storages that the pickle names, to know the element size of each key. */
typedef struct named {
    dp_name *keys;
    dp_pickle_value *values;
    dp_name_index index;
} named;

static dp_status collect_named(dp_error *err, named *n, const dp_pickle_values *p)
{
    size_t count = 0;
    for (size_t v = 0; v < p->count; v++)
        count += dp_pickle_value_kind(p, (dp_pickle_value)v) == DP_PICKLE_STORAGE;
    dp_status st = dp_alloc(err, &n->keys, count, sizeof *n->keys, "storage keys");
    if (st == DP_OK)
        st = dp_alloc(err, &n->values, count, sizeof *n->values, "storages");
    if (st != DP_OK)
        return st;
    count = 0;
    for (size_t v = 0; v < p->count; v++)
        if (dp_pickle_value_kind(p, (dp_pickle_value)v) == DP_PICKLE_STORAGE) {
            n->keys[count] =
                dp_pickle_value_text(p, dp_pickle_value_item(p, (dp_pickle_value)v, 1));
            n->values[count++] = (dp_pickle_value)v;
        }
    return dp_name_index_init(err, &n->index, n->keys, count);
}

static dp_status bad_storage(const reader *r, dp_name key, const char *what)
{
    return dp_fail(r->err, DP_EFORMAT, "%s: storage %.*s: %s", r->f->path,
                   key.size < 100 ? (int)key.size : 100, key.text, what);
}

/* The storage at r->at, which passes it. */
static dp_status read_storage(reader *r, const named *n, dp_name key,
                              dp_torch_storage *out)
{
    const dp_pickle_values *p = &r->f->values;
    const ptrdiff_t place = dp_name_index_find(&n->index, key);
    if (place == DP_NAME_NONE)
        return bad_storage(r, key, "stands in the list of keys, but no tensor has it");
    const dp_stored_type *type =
        dp_pickle_global_type(p, dp_pickle_value_item(p, n->values[place], 0));
    const uint64_t expected =
        (uint64_t)dp_pickle_value_int(p, dp_pickle_value_item(p, n->values[place], 3));

    if (r->size - r->at < COUNT_SIZE)
        return bad_storage(r, key, "the file ends before its count");
    uint64_t count = 0;
    for (int i = COUNT_SIZE - 1; i >= 0; i--)
        count = count << 8 | r->data[r->at + (size_t)i];
    r->at += COUNT_SIZE;
    size_t size = 0;
    const bool sized = !type ? dp_mul_size(&size, (size_t)count, 1)
                             : dp_stored_type_bytes(type, (size_t)count, &size);
    if (count != expected)
        return bad_storage(r, key, "its element count is not that of its tensors");
    if (!sized || size > r->size - r->at)
        return bad_storage(r, key, "the file ends before its last element");
    *out = (dp_torch_storage){r->data + r->at, size};
    r->at += size;
    return DP_OK;
}

static dp_status read_storages(reader *r, const named *n, dp_pickle_value list)
{
    const dp_pickle_values *p = &r->f->values;
    if (dp_pickle_value_kind(p, list) != DP_PICKLE_LIST)
        return dp_fail(r->err, DP_EFORMAT, "%s: a %s, not a list of storage keys",
                       r->f->path, dp_pickle_kind_name(dp_pickle_value_kind(p, list)));
    const size_t count = dp_pickle_value_count(p, list);
    dp_status st =
        dp_alloc(r->err, &r->f->keys, count, sizeof *r->f->keys, "storage keys");
    if (st == DP_OK)
        st = dp_alloc(r->err, &r->f->storages, count, sizeof *r->f->storages,
                      "storages");
    for (size_t i = 0; i < count && st == DP_OK; i++) {
        const dp_pickle_value key = dp_pickle_value_item(p, list, i);
        if (dp_pickle_value_kind(p, key) != DP_PICKLE_TEXT)
            return dp_fail(r->err, DP_EFORMAT, "%s: a storage key is no text",
                           r->f->path);
        r->f->keys[i] = dp_pickle_value_text(p, key);
        st = read_storage(r, n, r->f->keys[i], &r->f->storages[i]);
    }
    if (st == DP_OK)
        st = dp_name_index_init(r->err, &r->f->index, r->f->keys, count);
    if (st != DP_OK)
        return st;
    const ptrdiff_t twice = dp_name_index_find_twice(&r->f->index);
    return twice == DP_NAME_NONE ? DP_OK
                                 : bad_storage(r, r->f->keys[twice], "stands twice");
}

dp_status dp_torch_legacy_read(dp_error *err, dp_torch_file *f,
                               const unsigned char *data, size_t size)
{
    reader r = {f, data, size, 0, err};
    named n = {NULL, NULL, {NULL, NULL, 0}};
    dp_pickle_value list = 0;
    f->is_zip = false;
    dp_status st = read_head(&r);
    if (st == DP_OK)
        st = read_pickle(&r, &f->root, "object");
    if (st == DP_OK)
        st = read_pickle(&r, &list, "storage keys");
    if (st == DP_OK)
        st = collect_named(err, &n, &f->values);
    if (st == DP_OK)
        st = read_storages(&r, &n, list);
    if (st == DP_OK && r.at != size)
        st = dp_fail(err, DP_EFORMAT, "%s: %zu bytes follow the last storage", f->path,
                     size - r.at);
    dp_name_index_done(&n.index);
    dp_free(n.keys);
    dp_free(n.values);
    return st;
}

dp_status dp_torch_legacy_storage(dp_error *err, const dp_torch_file *f, dp_name key,
                                  dp_torch_storage *out)
{
    const ptrdiff_t place = dp_name_index_find(&f->index, key);
    if (place == DP_NAME_NONE)
        return dp_fail(err, DP_EFORMAT, "no storage %.*s",
                       key.size < 100 ? (int)key.size : 100, key.text);
    *out = f->storages[place];
    return DP_OK;
}
