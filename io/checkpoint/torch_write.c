#include "io/checkpoint/torch_write.h"

#include "base/memory.h"
#include "base/name_index.h"
#include "io/checkpoint/stored_type.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* ---- bytes that grow ----------------------------------------------------------------- */

typedef struct bytes {
    unsigned char *data; /* owned */
    size_t size, capacity;
    dp_status status; /* DP_ENOMEM is sticky */
    dp_error *err;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    if (b->status == DP_OK)
        b->status =
            dp_grow(b->err, &b->data, &b->capacity, b->size + size, 1, "a checkpoint");
    if (b->status != DP_OK || size == 0)
        return;
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_number(bytes *b, uint64_t value, int width)
{
    unsigned char text[8];
    for (int i = 0; i < width; i++)
        text[i] = (unsigned char)(value >> (8 * i));
    put(b, text, (size_t)width);
}

static void put_text(bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

/* ---- the pickle ------------------------------------------------------------------------ */

static void pickle_text(bytes *b, const char *text)
{
    put_text(b, "X"); /* BINUNICODE */
    put_number(b, strlen(text), 4);
    put_text(b, text);
}

static void pickle_integer(bytes *b, int64_t value)
{
    const bool fits = value <= INT32_MAX; /* never negative */
    put_text(b, fits ? "J" : "\x8a\x08"); /* BININT, LONG1 */
    put_number(b, (uint64_t)value, fits ? 4 : 8);
}

static void pickle_integers(bytes *b, const int64_t *values, int count)
{
    put_text(b, "("); /* MARK */
    for (int i = 0; i < count; i++)
        pickle_integer(b, values[i]);
    put_text(b, "t"); /* TUPLE */
}

/* GLOBAL, EMPTY_TUPLE, REDUCE */
static const char empty_dict[] = "ccollections\nOrderedDict\n)R";

static void pickle_tensor(bytes *b, const dp_named_tensor *t, const char *storage,
                          const char *key)
{
    put_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(b, "storage");
    put_text(b, "ctorch\n");
    put_text(b, storage);
    put_text(b, "\n");
    pickle_text(b, key);
    pickle_text(b, "cpu");
    pickle_integer(b, (int64_t)dp_named_tensor_count(t));
    put_text(b, "tQ"); /* TUPLE, BINPERSID */
    pickle_integer(b, 0);
    pickle_integers(b, t->shape, t->rank);
    pickle_integers(b, t->stride, t->rank);
    put_text(b, "\x89"); /* NEWFALSE: needs no gradient */
    put_text(b, empty_dict);
    put_text(b, "tR"); /* TUPLE, REDUCE */
}

static const char *storage_of(const dp_named_tensor *t)
{
    const dp_stored_type *type =
        dp_stored_type_find(dp_name_from(dp_dtype_name(t->dtype)));
    return type && dp_dtype_size(t->dtype) ? type->storage : NULL;
}

enum { KEY_ROOM = 24 };

static void pickle_model(bytes *b, const dp_named_tensor *tensors, size_t count)
{
    put_text(b, "\x80\x02}"); /* PROTO 2, EMPTY_DICT */
    pickle_text(b, "model");
    put_text(b, empty_dict);
    put_text(b, "(");
    for (size_t i = 0; i < count; i++) {
        char key[KEY_ROOM];
        snprintf(key, sizeof key, "%zu", i);
        pickle_text(b, tensors[i].name);
        pickle_tensor(b, &tensors[i], storage_of(&tensors[i]), key);
    }
    put_text(b, "us."); /* SETITEMS, SETITEM, STOP */
}

/* ---- the archive ------------------------------------------------------------------------ */

enum {
    ALIGNMENT = 64,
    LOCAL_SIZE = 30,
    PADDING_HEAD = 4,     /* mark and size of the extra field that pads */
    PADDING_MARK = 17990, /* "FB", as torch has it */
    VERSION = 20,
    EPOCH_DATE = 1 << 5 | 1 /* 1 January 1980: the earliest there is */
};

typedef struct archive {
    dp_error *err;
    dp_atomic_file *file;
    uint64_t at; /* bytes written */
    bytes directory;
    size_t members;
} archive;

static dp_status append(archive *a, const void *data, size_t size)
{
    a->at += size;
    return size ? dp_atomic_file_write(a->err, a->file, data, size) : DP_OK;
}

/* What a local header and an entry of the directory share, from the version needed on. */
static void put_header(bytes *b, const char *name, uint32_t crc, size_t size,
                       size_t extra)
{
    put_number(b, VERSION, 2);
    put_number(b, 0, 2); /* flags */
    put_number(b, 0, 2); /* stored */
    put_number(b, 0, 2); /* time */
    put_number(b, EPOCH_DATE, 2);
    put_number(b, crc, 4);
    put_number(b, size, 4);
    put_number(b, size, 4);
    put_number(b, strlen(name), 2);
    put_number(b, extra, 2);
}

static dp_status add_member(archive *a, const char *name, const void *data, size_t size)
{
    bytes local = {.err = a->err};
    const uint32_t crc = (uint32_t)crc32_z(0, data, size);
    const uint64_t at = a->at;
    const size_t before = (size_t)at + LOCAL_SIZE + strlen(name) + PADDING_HEAD;
    const size_t padding = (ALIGNMENT - before % ALIGNMENT) % ALIGNMENT;
    put_text(&local, "PK\3\4");
    put_header(&local, name, crc, size, PADDING_HEAD + padding);
    put_text(&local, name);
    put_number(&local, PADDING_MARK, 2);
    put_number(&local, padding, 2);
    for (size_t i = 0; i < padding; i++)
        put_text(&local, "Z");

    put_text(&a->directory, "PK\1\2");
    put_number(&a->directory, VERSION, 2);
    put_header(&a->directory, name, crc, size, 0);
    put_number(&a->directory, 0, 2 + 2 + 2); /* comment, disk, kind */
    put_number(&a->directory, 0, 4);         /* attributes */
    put_number(&a->directory, at, 4);
    put_text(&a->directory, name);
    a->members++;

    dp_status st = local.status != DP_OK ? local.status : a->directory.status;
    if (st == DP_OK)
        st = append(a, local.data, local.size);
    if (st == DP_OK)
        st = append(a, data, size);
    dp_free(local.data);
    return st;
}

static dp_status write_directory(archive *a)
{
    const uint64_t at = a->at;
    bytes *d = &a->directory;
    const size_t size = d->size;
    put_text(d, "PK\5\6");
    put_number(d, 0, 2 + 2); /* disks */
    put_number(d, a->members, 2);
    put_number(d, a->members, 2);
    put_number(d, size, 4);
    put_number(d, at, 4);
    put_number(d, 0, 2); /* comment */
    return d->status == DP_OK ? append(a, d->data, d->size) : d->status;
}

/* ---- all -------------------------------------------------------------------------------- */

static dp_status check_twice(dp_error *err, const char *path,
                             const dp_named_tensor *tensors, size_t count)
{
    dp_name *names = NULL;
    dp_name_index index = {NULL, NULL, 0};
    dp_status st = dp_alloc(err, &names, count, sizeof *names, "names of tensors");
    for (size_t i = 0; i < count && st == DP_OK; i++)
        names[i] = dp_name_from(tensors[i].name);
    if (st == DP_OK)
        st = dp_name_index_init(err, &index, names, count);
    if (st == DP_OK) {
        const ptrdiff_t twice = dp_name_index_find_twice(&index);
        if (twice != DP_NAME_NONE)
            st = dp_fail(err, DP_EARG, "%s: tensor %s stands twice", path,
                         tensors[twice].name);
    }
    dp_name_index_done(&index);
    dp_free(names);
    return st;
}

/* The end record has 16 bits for the number of members and 32 for places. */
static dp_status check(dp_error *err, const char *path, const dp_named_tensor *tensors,
                       size_t count)
{
    enum { MOST = UINT16_MAX - 8, ROOM = 4096 }; /* of what stands around a tensor */
    size_t size = ROOM;
    for (size_t i = 0; i < count; i++) {
        const dp_named_tensor *t = &tensors[i];
        if (!storage_of(t))
            return dp_fail(err, DP_EUNSUPPORTED,
                           "%s: tensor %s: torch has no storage of type %s", path,
                           t->name, dp_dtype_name(t->dtype));
        if (!dp_named_tensor_is_dense(t))
            return dp_fail(err, DP_EUNSUPPORTED, "%s: tensor %s is not dense", path,
                           t->name);
        size += dp_named_tensor_count(t) * dp_dtype_size(t->dtype) + ROOM;
    }
    if (size > UINT32_MAX || count > MOST)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: more than 4 GB of tensors, or more than %d of them", path,
                       MOST);
    return check_twice(err, path, tensors, count);
}

static dp_status write_members(archive *a, const dp_named_tensor *tensors, size_t count)
{
    bytes pickle = {.err = a->err};
    pickle_model(&pickle, tensors, count);
    dp_status st = pickle.status;
    if (st == DP_OK)
        st = add_member(a, "model/data.pkl", pickle.data, pickle.size);
    if (st == DP_OK)
        st = add_member(a, "model/byteorder", "little", 6);
    for (size_t i = 0; i < count && st == DP_OK; i++) {
        const dp_named_tensor *t = &tensors[i];
        char name[KEY_ROOM + 16];
        snprintf(name, sizeof name, "model/data/%zu", i);
        st = add_member(a, name, t->data,
                        dp_named_tensor_count(t) * dp_dtype_size(t->dtype));
    }
    if (st == DP_OK)
        st = add_member(a, "model/version", "3\n", 2);
    dp_free(pickle.data);
    return st == DP_OK ? write_directory(a) : st;
}

dp_status dp_torch_write(dp_error *err, dp_atomic_file *f,
                         const dp_named_tensor *tensors, size_t count)
{
    archive a = {.err = err, .file = f, .directory = {.err = err}};
    dp_status st = check(err, f->path, tensors, count);
    if (st == DP_OK)
        st = write_members(&a, tensors, count);
    dp_free(a.directory.data);
    return st;
}
