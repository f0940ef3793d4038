#include "io/checkpoint/safetensors.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

#include <string.h>

enum { ALIGNMENT = 8, CHUNK = 1 << 16 };

typedef struct writer {
    const dp_named_tensor *tensors;
    size_t *order; /* owned; large elements first, else as given */
    size_t count;
    const char *path;
    dp_error *err;
} writer;

static dp_status check_names(const writer *w)
{
    void *memory;
    dp_name_index index = {NULL, NULL, 0};
    dp_status st = dp_alloc(w->err, &memory, w->count, sizeof(dp_name), "names");
    dp_name *names = memory;
    for (size_t i = 0; i < w->count && st == DP_OK; i++) {
        names[i] = dp_name_from(w->tensors[i].name);
        if (!dp_utf8_is_name(names[i].text, names[i].size) ||
            dp_name_equals(names[i], "__metadata__"))
            st = dp_fail(w->err, DP_EARG, "%s: tensor name \"%s\" cannot be used",
                         w->path, w->tensors[i].name);
        else if (dp_dtype_size(w->tensors[i].dtype) == 0)
            st = dp_fail(w->err, DP_EUNSUPPORTED,
                         "%s: tensor %s: its type is not converted", w->path,
                         w->tensors[i].name);
    }
    if (st == DP_OK)
        st = dp_name_index_init(w->err, &index, names, w->count);
    if (st == DP_OK) {
        const ptrdiff_t twice = dp_name_index_find_twice(&index);
        if (twice != DP_NAME_NONE)
            st = dp_fail(w->err, DP_EARG, "%s: tensor %s stands twice", w->path,
                         w->tensors[twice].name);
    }
    dp_name_index_done(&index);
    dp_free(names);
    return st;
}

static dp_status sort_by_size(writer *w)
{
    size_t used = 0;
    const dp_status st =
        dp_alloc(w->err, &w->order, w->count, sizeof *w->order, "an order");
    for (size_t size = 8; size > 0 && st == DP_OK; size /= 2)
        for (size_t i = 0; i < w->count; i++)
            if (dp_dtype_size(w->tensors[i].dtype) == size)
                w->order[used++] = i;
    return st;
}

/* ---- the header ---- */

static dp_status add_metadata(const writer *w, dp_text *text,
                              const char *const *metadata)
{
    const char *separator = "";
    dp_text_add(text, "\"__metadata__\":{");
    for (; metadata[0]; metadata += 2, separator = ",") {
        if (!dp_utf8_is_valid(metadata[0], strlen(metadata[0])) ||
            !dp_utf8_is_valid(metadata[1], strlen(metadata[1])))
            return dp_fail(w->err, DP_EARG, "%s: the metadata are not UTF-8", w->path);
        dp_text_add(text, "%s", separator);
        dp_text_add_quoted(text, metadata[0]);
        dp_text_add(text, ":");
        dp_text_add_quoted(text, metadata[1]);
    }
    dp_text_add(text, "}%s", w->count ? "," : "");
    return text->status;
}

static void add_entry(dp_text *text, const dp_named_tensor *t, size_t begin, size_t end)
{
    dp_text_add_quoted(text, t->name);
    dp_text_add(text, ":{\"dtype\":\"%s\",\"shape\":[", dp_dtype_name(t->dtype));
    for (int d = 0; d < t->rank; d++)
        dp_text_add(text, "%s%lld", d ? "," : "", (long long)t->shape[d]);
    dp_text_add(text, "],\"data_offsets\":[%zu,%zu]}", begin, end);
}

static dp_status make_header(const writer *w, dp_text *text,
                             const char *const *metadata)
{
    size_t at = 0;
    dp_text_add(text, "{");
    if (metadata) {
        const dp_status st = add_metadata(w, text, metadata);
        if (st != DP_OK)
            return st;
    }
    for (size_t i = 0; i < w->count; i++) {
        const dp_named_tensor *t = &w->tensors[w->order[i]];
        size_t bytes, end;
        if (!dp_mul_size(&bytes, dp_named_tensor_count(t), dp_dtype_size(t->dtype)) ||
            !dp_add_size(&end, at, bytes))
            return dp_fail(w->err, DP_EARG, "%s: tensor %s: its size overflows",
                           w->path, t->name);
        dp_text_add(text, "%s", i ? "," : "");
        add_entry(text, t, at, end);
        at = end;
    }
    dp_text_add(text, "}");
    while (text->status == DP_OK && text->size % ALIGNMENT)
        dp_text_add(text, " ");
    if (text->status == DP_OK && text->size > DP_MAX_SAFETENSORS_HEADER)
        return dp_fail(w->err, DP_EARG, "%s: a header of %zu bytes; the limit is %d",
                       w->path, text->size, DP_MAX_SAFETENSORS_HEADER);
    return text->status;
}

/* ---- the tensors ---- */

/* Row-major, element by element, through a buffer. */
static dp_status write_strided(dp_error *err, dp_atomic_file *f,
                               const dp_named_tensor *t)
{
    unsigned char buffer[CHUNK];
    const size_t size = dp_dtype_size(t->dtype), count = dp_named_tensor_count(t);
    dp_element_walk walk = {.tensor = t};
    size_t used = 0;
    dp_status st = DP_OK;
    for (size_t i = 0; i < count && st == DP_OK; i++) {
        memcpy(buffer + used, dp_element_next(&walk), size);
        used += size;
        if (used == CHUNK || i + 1 == count) {
            st = dp_atomic_file_write(err, f, buffer, used);
            used = 0;
        }
    }
    return st;
}

static dp_status write_tensors(const writer *w, dp_atomic_file *f)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < w->count && st == DP_OK; i++) {
        const dp_named_tensor *t = &w->tensors[w->order[i]];
        const size_t bytes = dp_named_tensor_count(t) * dp_dtype_size(t->dtype);
        if (!dp_named_tensor_is_dense(t))
            st = write_strided(w->err, f, t);
        else if (bytes)
            st = dp_atomic_file_write(w->err, f, t->data, bytes);
    }
    return st;
}

static dp_status write_file(const writer *w, dp_atomic_file *f, const dp_text *header)
{
    unsigned char length[8];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)header->size >> (8 * i));
    dp_status st = dp_atomic_file_write(w->err, f, length, sizeof length);
    if (st == DP_OK)
        st = dp_atomic_file_write(w->err, f, header->data, header->size);
    return st == DP_OK ? write_tensors(w, f) : st;
}

dp_status dp_safetensors_write(dp_error *err, dp_atomic_file *f,
                               const dp_named_tensor *tensors, size_t count,
                               const char *const *metadata)
{
    writer w = {tensors, NULL, count, f->path, err};
    dp_text header = {.err = err};
    dp_status st = check_names(&w);
    if (st == DP_OK)
        st = sort_by_size(&w);
    if (st == DP_OK)
        st = make_header(&w, &header, metadata);
    if (st == DP_OK)
        st = write_file(&w, f, &header);
    dp_text_done(&header);
    dp_free(w.order);
    return st;
}

dp_status dp_safetensors_save(dp_error *err, const char *path,
                              const dp_named_tensor *tensors, size_t count,
                              const char *const *metadata)
{
    dp_atomic_file f = {0};
    dp_status st = dp_atomic_file_open(err, &f, path);
    if (st == DP_OK)
        st = dp_safetensors_write(err, &f, tensors, count, metadata);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &f);
    dp_atomic_file_abandon(&f);
    return st;
}
