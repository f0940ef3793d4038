#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64
#include "tests/support/pth_writer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- bytes ---- */

static void put_number(FILE *f, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> (8 * i) & 255), f);
}

static void put_bytes(FILE *f, const void *data, size_t size)
{
    if (size)
        fwrite(data, 1, size, f);
}

void memory_file_open(memory_file *m)
{
    m->data = NULL;
    m->size = 0;
    m->stream = open_memstream(&m->data, &m->size);
    if (!m->stream)
        abort();
}

void memory_file_close(memory_file *m)
{
    if (fclose(m->stream) != 0)
        abort();
}

/* ---- pickles ---- */

void pickle_begin(FILE *f)
{
    put_bytes(f, "\x80\x02", 2);
}

void pickle_end(FILE *f)
{
    fputc('.', f);
}

void pickle_text(FILE *f, const char *text)
{
    fputc('X', f);
    put_number(f, strlen(text), 4);
    put_bytes(f, text, strlen(text));
}

void pickle_int(FILE *f, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX) {
        fputc('J', f);
        put_number(f, (uint64_t)value, 4);
    } else {
        put_bytes(f, "\x8a\x08", 2);
        put_number(f, (uint64_t)value, 8);
    }
}

void pickle_float(FILE *f, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fputc('G', f);
    for (int i = 7; i >= 0; i--)
        fputc((int)(bits >> (8 * i) & 255), f);
}

void pickle_bool(FILE *f, bool value)
{
    fputc(value ? 0x88 : 0x89, f);
}

void pickle_global(FILE *f, const char *module, const char *name)
{
    fprintf(f, "c%s\n%s\n", module, name);
}

void pickle_ordered_dict(FILE *f)
{
    pickle_global(f, "collections", "OrderedDict");
    put_bytes(f, ")R", 2);
}

void pickle_sizes(FILE *f, int rank, const int64_t *sizes)
{
    fputc('(', f);
    for (int d = 0; d < rank; d++)
        pickle_int(f, sizes[d]);
    fputc('t', f);
}

void pickle_storage(FILE *f, const pth_view *v, bool legacy)
{
    fputc('(', f);
    pickle_text(f, "storage");
    pickle_global(f, "torch", v->storage_class);
    pickle_text(f, v->key);
    pickle_text(f, "cpu");
    pickle_int(f, v->storage_count);
    if (legacy)
        fputc('N', f);
    put_bytes(f, "tQ", 2);
}

void pickle_tensor(FILE *f, const pth_view *v, bool legacy)
{
    pickle_global(f, "torch._utils", "_rebuild_tensor_v2");
    fputc('(', f);
    pickle_storage(f, v, legacy);
    pickle_int(f, v->offset);
    pickle_sizes(f, v->rank, v->shape);
    pickle_sizes(f, v->rank, v->stride);
    pickle_bool(f, false);
    pickle_ordered_dict(f);
    put_bytes(f, "tR", 2);
}

const char *pth_storage_class(dp_dtype type)
{
    static const char *const classes[] = {
        [DP_DTYPE_F32] = "FloatStorage",     [DP_DTYPE_F16] = "HalfStorage",
        [DP_DTYPE_BF16] = "BFloat16Storage", [DP_DTYPE_F64] = "DoubleStorage",
        [DP_DTYPE_I8] = "CharStorage",       [DP_DTYPE_U8] = "ByteStorage",
        [DP_DTYPE_I16] = "ShortStorage",     [DP_DTYPE_U16] = NULL,
        [DP_DTYPE_I32] = "IntStorage",       [DP_DTYPE_U32] = NULL,
        [DP_DTYPE_I64] = "LongStorage",      [DP_DTYPE_U64] = NULL,
        [DP_DTYPE_BOOL] = "BoolStorage",     [DP_DTYPE_OTHER] = NULL,
    };
    return classes[type];
}

/* ---- archives ---- */

enum { ALIGNMENT = 64, LOCAL_SIZE = 30, FLAGS = 0x0808 };

void zip_begin(zip_writer *z, FILE *file)
{
    *z = (zip_writer){.file = file};
}

/* A local header, and the member in the list; `size` bytes of content are to follow. */
static void start_member(zip_writer *z, const char *name, uint64_t size, uint32_t crc)
{
    FILE *f = z->file;
    zip_member m = {.header = z->at, .size = size, .crc = crc, .flags = FLAGS};
    snprintf(m.name, sizeof m.name, "%s", name);
    const size_t name_size = strlen(m.name);
    size_t padding = (z->at + LOCAL_SIZE + name_size + 4) % ALIGNMENT;
    padding = padding ? ALIGNMENT - padding : 0;

    put_number(f, 0x04034b50, 4);
    put_number(f, 0, 2); /* version */
    put_number(f, FLAGS, 2);
    put_number(f, 0, 2 + 4); /* stored; no time */
    put_number(f, 0, 4);     /* CRC and sizes follow the content */
    put_number(f, 0, 8);
    put_number(f, name_size, 2);
    put_number(f, padding + 4, 2);
    put_bytes(f, m.name, name_size);
    put_bytes(f, "FB", 2);
    put_number(f, padding, 2);
    for (size_t i = 0; i < padding; i++)
        fputc('Z', f);
    z->at += LOCAL_SIZE + name_size + 4 + padding + size;

    z->members = realloc(z->members, (z->count + 1) * sizeof *z->members);
    if (!z->members)
        abort();
    z->members[z->count++] = m;
}

/* CRC and sizes, behind the content. */
static void end_member(zip_writer *z)
{
    const zip_member *m = &z->members[z->count - 1];
    const int width = m->size > UINT32_MAX ? 8 : 4;
    put_number(z->file, 0x08074b50, 4);
    put_number(z->file, m->crc, 4);
    put_number(z->file, m->size, width);
    put_number(z->file, m->size, width);
    z->at += 8 + 2 * (size_t)width;
}

void zip_add(zip_writer *z, const char *name, const void *data, size_t size)
{
    start_member(z, name, size, (uint32_t)crc32_z(0, data, size));
    put_bytes(z->file, data, size);
    end_member(z);
}

void zip_add_hole(zip_writer *z, const char *name, uint64_t size)
{
    start_member(z, name, size, 0);
    if (fseeko(z->file, (off_t)size, SEEK_CUR) != 0)
        abort();
    end_member(z);
}

static size_t put_entry(FILE *f, const zip_member *m)
{
    const bool wide_size = m->size >= UINT32_MAX, wide_at = m->header >= UINT32_MAX;
    const size_t extra = (wide_size ? 16u : 0u) + (wide_at ? 8u : 0u);
    const size_t name_size = strlen(m->name), extra_size = extra ? 4 + extra : 0;
    put_number(f, 0x02014b50, 4);
    put_number(f, 0, 4); /* versions */
    put_number(f, m->flags, 2);
    put_number(f, m->method, 2);
    put_number(f, 0, 4); /* time */
    put_number(f, m->crc, 4);
    put_number(f, wide_size ? UINT32_MAX : m->size, 4);
    put_number(f, wide_size ? UINT32_MAX : m->size, 4);
    put_number(f, name_size, 2);
    put_number(f, extra_size, 2);
    put_number(f, 0, 2 + 2 + 2); /* comment, disk, attributes */
    put_number(f, 0, 4);
    put_number(f, wide_at ? UINT32_MAX : m->header, 4);
    put_bytes(f, m->name, name_size);
    if (extra) {
        put_number(f, 1, 2);
        put_number(f, extra, 2);
        if (wide_size) {
            put_number(f, m->size, 8);
            put_number(f, m->size, 8);
        }
        if (wide_at)
            put_number(f, m->header, 8);
    }
    return 46 + name_size + extra_size;
}

void zip_end(zip_writer *z)
{
    FILE *f = z->file;
    uint64_t size = 0;
    for (size_t i = 0; i < z->count; i++)
        size += put_entry(f, &z->members[i]);

    put_number(f, 0x06064b50, 4); /* ZIP64 end record */
    put_number(f, 44, 8);
    put_number(f, 0, 4 + 4);
    put_number(f, 0, 4);
    put_number(f, z->count, 8);
    put_number(f, z->count, 8);
    put_number(f, size, 8);
    put_number(f, z->at, 8);
    put_number(f, 0x07064b50, 4); /* where that is */
    put_number(f, 0, 4);
    put_number(f, z->at + size, 8);
    put_number(f, 1, 4);
    const uint64_t count = z->count < UINT16_MAX ? z->count : UINT16_MAX;
    put_number(f, 0x06054b50, 4); /* end record */
    put_number(f, 0, 4);
    put_number(f, count, 2);
    put_number(f, count, 2);
    put_number(f, size, 4);
    put_number(f, z->at < UINT32_MAX ? z->at : UINT32_MAX, 4);
    put_number(f, 0, 2);
    free(z->members);
    *z = (zip_writer){.file = NULL};
}

/* ---- whole checkpoints ---- */

/* Elements from data to the last one that shape and strides reach. */
static int64_t reach(const dp_named_tensor *t)
{
    int64_t last = 0;
    for (int d = 0; d < t->rank; d++) {
        if (t->shape[d] == 0)
            return 0;
        last += (t->shape[d] - 1) * t->stride[d];
    }
    return last + 1;
}

/* The first tensor with the same data, type and reach: the two share its storage. */
static size_t storage_of(const dp_named_tensor *tensors, size_t i)
{
    size_t first = 0;
    while (tensors[first].data != tensors[i].data ||
           tensors[first].dtype != tensors[i].dtype ||
           reach(&tensors[first]) != reach(&tensors[i]))
        first++;
    return first;
}

static void put_state_dict(FILE *f, const dp_named_tensor *tensors, size_t count,
                           const pth_options *o)
{
    char name[2 * DP_MAX_TENSOR_NAME], key[24];
    pickle_ordered_dict(f);
    for (size_t i = 0; i < count; i++) {
        const dp_named_tensor *t = &tensors[i];
        const pth_view v = {.storage_class = pth_storage_class(t->dtype),
                            .key = key,
                            .storage_count = reach(t),
                            .rank = t->rank,
                            .shape = t->shape,
                            .stride = t->stride};
        snprintf(name, sizeof name, "%s%s", o->prefix ? o->prefix : "", t->name);
        snprintf(key, sizeof key, "%zu", storage_of(tensors, i));
        pickle_text(f, name);
        pickle_tensor(f, &v, o->legacy);
        fputc('s', f);
    }
}

static void put_meta(FILE *f, const pth_options *o)
{
    fputc('}', f);
    pickle_text(f, "epoch");
    pickle_int(f, 36);
    fputc('s', f);
    if (o->config) {
        pickle_text(f, o->later ? "cfg" : "config");
        pickle_text(f, o->config);
        fputc('s', f);
    }
    if (!o->classes)
        return;
    if (o->later) {
        pickle_text(f, "dataset_meta");
        fputc('}', f);
    }
    pickle_text(f, o->later ? "classes" : "CLASSES");
    fputc('(', f);
    for (const char *const *c = o->classes; *c; c++)
        pickle_text(f, *c);
    put_bytes(f, "ts", 2);
    if (o->later)
        fputc('s', f);
}

static void put_object(FILE *f, const dp_named_tensor *tensors, size_t count,
                       const pth_options *o)
{
    pickle_begin(f);
    if (o->layout != PTH_BARE)
        fputc('}', f);
    if (o->layout == PTH_STATE_DICT) {
        pickle_text(f, "meta");
        put_meta(f, o);
        fputc('s', f);
    }
    if (o->layout != PTH_BARE)
        pickle_text(f, o->layout == PTH_MODEL ? "model" : "state_dict");
    put_state_dict(f, tensors, count, o);
    if (o->layout != PTH_BARE)
        fputc('s', f);
    pickle_end(f);
}

static void put_zip(FILE *f, const dp_named_tensor *tensors, size_t count,
                    const pth_options *o)
{
    zip_writer z;
    memory_file object;
    memory_file_open(&object);
    put_object(object.stream, tensors, count, o);
    memory_file_close(&object);
    zip_begin(&z, f);
    zip_add(&z, "archive/data.pkl", object.data, object.size);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        if (storage_of(tensors, i) != i)
            continue;
        snprintf(name, sizeof name, "archive/data/%zu", i);
        zip_add(&z, name, tensors[i].data,
                (size_t)reach(&tensors[i]) * dp_dtype_size(tensors[i].dtype));
    }
    zip_add(&z, "archive/version", "3\n", 2);
    zip_end(&z);
    free(object.data);
}

static void put_legacy(FILE *f, const dp_named_tensor *tensors, size_t count,
                       const pth_options *o)
{
    put_bytes(f, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    pickle_begin(f);
    pickle_int(f, 1001);
    pickle_end(f);
    pickle_begin(f);
    fputc('}', f);
    pickle_text(f, "protocol_version");
    pickle_int(f, 1001);
    fputc('s', f);
    pickle_text(f, "little_endian");
    pickle_bool(f, true);
    fputc('s', f);
    pickle_end(f);
    put_object(f, tensors, count, o);

    pickle_begin(f);
    put_bytes(f, "](", 2);
    for (size_t i = 0; i < count; i++)
        if (storage_of(tensors, i) == i) {
            char key[24];
            snprintf(key, sizeof key, "%zu", i);
            pickle_text(f, key);
        }
    fputc('e', f);
    pickle_end(f);
    for (size_t i = 0; i < count; i++)
        if (storage_of(tensors, i) == i) {
            put_number(f, (uint64_t)reach(&tensors[i]), 8);
            put_bytes(f, tensors[i].data,
                      (size_t)reach(&tensors[i]) * dp_dtype_size(tensors[i].dtype));
        }
}

bool pth_write(const char *path, const dp_named_tensor *tensors, size_t count,
               const pth_options *options)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    if (options->legacy)
        put_legacy(f, tensors, count, options);
    else
        put_zip(f, tensors, count, options);
    const bool whole = !ferror(f);
    return fclose(f) == 0 && whole;
}
