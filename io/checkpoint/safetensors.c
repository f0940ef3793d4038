#include "io/checkpoint/safetensors.h"

#include "base/json_stream.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_SIZE = 8 };

static const char metadata_key[] = "__metadata__";

static uint64_t get_length(const unsigned char *data)
{
    uint64_t length = 0;
    for (int i = LENGTH_SIZE - 1; i >= 0; i--)
        length = length << 8 | data[i];
    return length;
}

bool dp_safetensors_is(const unsigned char *data, size_t size)
{
    return size > LENGTH_SIZE && get_length(data) <= size - LENGTH_SIZE &&
           data[LENGTH_SIZE] == '{';
}

/* An entry of the header, before its place among the others is known. */
typedef struct entry {
    dp_named_tensor tensor; /* name and data not set */
    const dp_stored_type *type;
    dp_name name;
    uint64_t begin, end;
} entry;

typedef struct reader {
    dp_json_stream json;
    const char *path;
    entry *entries; /* owned */
    size_t count, room;
    char *texts; /* owned; where names and metadata lie, escapes resolved */
    size_t texts_used;
    dp_pickle_values *metadata;
    dp_pickle_value root;
    dp_error *err;
} reader;

static dp_status json_failed(reader *r)
{
    const dp_status st = dp_json_stream_status(r->err, &r->json, r->path);
    return st != DP_OK
               ? st
               : dp_fail(r->err, DP_EFORMAT, "%s: the header is damaged", r->path);
}

/* The string itself, closed by a zero byte. It is never longer than as it stands in the
 * header, quotes included, so `texts` has room. */
static dp_name keep_text(reader *r, dp_json_slice slice)
{
    char *text = r->texts + r->texts_used;
    const size_t size = dp_json_slice_copy(slice, text);
    text[size] = '\0';
    r->texts_used += size + 1;
    return (dp_name){text, size};
}

/* ---- one tensor's entry ---- */

static dp_status bad_entry(reader *r, dp_name name, const char *what)
{
    return dp_fail(r->err, DP_EFORMAT, "%s: tensor %s: %s", r->path, name.text, what);
}

/* A whole number from 0, written in digits only. */
static bool read_count(dp_json_stream *s, int64_t *value)
{
    dp_json_number number;
    if (dp_json_stream_peek(s) != DP_JSON_NUMBER)
        return false;
    const char *digit = s->at;
    if (!dp_json_stream_number(s, &number) || !number.is_integer || number.integer < 0)
        return false;
    for (; digit < s->at; digit++)
        if (*digit < '0' || *digit > '9')
            return false;
    *value = number.integer;
    return true;
}

static dp_status read_dtype(reader *r, entry *e)
{
    dp_json_slice text;
    char name[16];
    if (dp_json_stream_peek(&r->json) != DP_JSON_STRING ||
        !dp_json_stream_string(&r->json, &text))
        return bad_entry(r, e->name, "dtype is no text");
    if (text.size < sizeof name)
        e->type = dp_stored_type_find((dp_name){name, dp_json_slice_copy(text, name)});
    if (!e->type)
        return dp_fail(r->err, DP_EFORMAT, "%s: tensor %s: unknown dtype %.*s", r->path,
                       e->name.text, text.size < 40 ? (int)text.size : 40, text.text);
    e->tensor.dtype = e->type->dtype;
    return DP_OK;
}

static dp_status read_shape(reader *r, entry *e)
{
    dp_json_stream *s = &r->json;
    int rank = 0;
    if (dp_json_stream_peek(s) != DP_JSON_ARRAY || !dp_json_stream_array(s))
        return bad_entry(r, e->name, "shape is no list");
    while (dp_json_stream_item(s)) {
        if (rank == DP_MAX_TENSOR_RANK)
            return dp_fail(r->err, DP_EUNSUPPORTED,
                           "%s: tensor %s: more than %d dimensions", r->path,
                           e->name.text, DP_MAX_TENSOR_RANK);
        if (!read_count(s, &e->tensor.shape[rank++]))
            return bad_entry(r, e->name, "shape is not of whole numbers");
    }
    e->tensor.rank = rank;
    return s->expected ? json_failed(r) : DP_OK;
}

static dp_status read_offsets(reader *r, entry *e)
{
    dp_json_stream *s = &r->json;
    int64_t offset[2];
    int count = 0;
    if (dp_json_stream_peek(s) != DP_JSON_ARRAY || !dp_json_stream_array(s))
        return bad_entry(r, e->name, "data_offsets are no list");
    while (dp_json_stream_item(s))
        if (count == 2 || !read_count(s, &offset[count++]))
            return bad_entry(r, e->name, "data_offsets are not two whole numbers");
    if (s->expected)
        return json_failed(r);
    if (count != 2)
        return bad_entry(r, e->name, "data_offsets are not two whole numbers");
    e->begin = (uint64_t)offset[0];
    e->end = (uint64_t)offset[1];
    return DP_OK;
}

/* Strides of row-major order, and whether the bytes of dtype and shape are those of the
 * range. */
static dp_status check_entry(reader *r, entry *e)
{
    size_t full = 1, bytes = 0, eights;
    bool empty = false, fits = true;
    for (int d = e->tensor.rank - 1; d >= 0 && fits; d--) {
        const size_t extent = (size_t)e->tensor.shape[d];
        e->tensor.stride[d] = (int64_t)full;
        empty = empty || extent == 0;
        fits = dp_mul_size(&full, full, extent ? extent : 1) &&
               dp_mul_size(&eights, full, 16);
    }
    if (!fits)
        return bad_entry(r, e->name, "its size overflows");
    if (!dp_stored_type_bytes(e->type, empty ? 0 : full, &bytes))
        return bad_entry(r, e->name, "its elements end within a byte");
    if (e->begin > e->end || e->end - e->begin != bytes)
        return dp_fail(
            r->err, DP_EFORMAT,
            "%s: tensor %s: data_offsets %llu to %llu do not hold its %zu bytes",
            r->path, e->name.text, (unsigned long long)e->begin,
            (unsigned long long)e->end, bytes);
    return DP_OK;
}

static dp_status read_field(reader *r, entry *e, dp_json_slice key, bool seen[3])
{
    static const struct {
        const char *key;
        dp_status (*read)(reader *r, entry *e);
    } fields[3] = {
        {"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};
    for (int i = 0; i < 3; i++)
        if (dp_json_slice_is(key, fields[i].key)) {
            if (seen[i])
                return bad_entry(r, e->name, "a key stands twice");
            seen[i] = true;
            return fields[i].read(r, e);
        }
    return dp_fail(
        r->err, DP_EFORMAT,
        "%s: tensor %s: unknown key %.*s; the keys are dtype, shape and data_offsets",
        r->path, e->name.text, key.size < 40 ? (int)key.size : 40, key.text);
}

static dp_status read_entry(reader *r, dp_name name)
{
    bool seen[3] = {false, false, false};
    entry e = {.name = name};
    dp_json_slice key;
    dp_status st = DP_OK;
    if (r->count == DP_MAX_TENSORS || name.size > DP_MAX_TENSOR_NAME)
        return dp_fail(r->err, DP_EFORMAT,
                       "%s: more than %d tensors, or a name of more than %d bytes",
                       r->path, DP_MAX_TENSORS, DP_MAX_TENSOR_NAME);
    if (!dp_utf8_is_name(name.text, name.size))
        return bad_entry(r, name, "its name has control characters");
    if (dp_json_stream_peek(&r->json) != DP_JSON_OBJECT ||
        !dp_json_stream_object(&r->json))
        return bad_entry(r, name, "its entry is no object");
    while (st == DP_OK && dp_json_stream_member(&r->json, &key))
        st = read_field(r, &e, key, seen);
    if (st != DP_OK)
        return st;
    if (r->json.expected)
        return json_failed(r);
    if (!seen[0] || !seen[1] || !seen[2])
        return bad_entry(r, name, "it has no dtype, shape or data_offsets");
    st = check_entry(r, &e);
    if (st == DP_OK)
        st = dp_grow(r->err, &r->entries, &r->room, r->count + 1, sizeof e, "a header");
    if (st == DP_OK)
        r->entries[r->count++] = e;
    return st;
}

/* ---- the header ---- */

static dp_status read_metadata(reader *r)
{
    dp_json_slice key, text;
    dp_status st = DP_OK;
    if (dp_json_stream_peek(&r->json) != DP_JSON_OBJECT ||
        !dp_json_stream_object(&r->json))
        return dp_fail(r->err, DP_EFORMAT, "%s: %s is no object", r->path,
                       metadata_key);
    while (st == DP_OK && dp_json_stream_member(&r->json, &key)) {
        dp_pickle_value item[2];
        if (dp_json_stream_peek(&r->json) != DP_JSON_STRING ||
            !dp_json_stream_string(&r->json, &text))
            return dp_fail(r->err, DP_EFORMAT, "%s: %s: a value is no text", r->path,
                           metadata_key);
        st = dp_pickle_values_add_text(r->err, r->metadata, &item[0], DP_PICKLE_TEXT,
                                       keep_text(r, key));
        if (st == DP_OK)
            st = dp_pickle_values_add_text(r->err, r->metadata, &item[1],
                                           DP_PICKLE_TEXT, keep_text(r, text));
        if (st == DP_OK)
            st = dp_pickle_values_append(r->err, r->metadata, r->root, item, 2);
    }
    return st == DP_OK && r->json.expected ? json_failed(r) : st;
}

static dp_status read_header(reader *r, const char *text, size_t size)
{
    dp_json_slice key;
    bool seen = false;
    dp_status st = DP_OK;
    dp_json_stream_init(&r->json, text, size);
    if (!dp_json_stream_object(&r->json))
        return json_failed(r);
    while (st == DP_OK && dp_json_stream_member(&r->json, &key)) {
        if (!dp_json_slice_is(key, metadata_key)) {
            st = read_entry(r, keep_text(r, key));
        } else if (seen) {
            st = dp_fail(r->err, DP_EFORMAT, "%s: %s stands twice", r->path,
                         metadata_key);
        } else {
            seen = true;
            st = read_metadata(r);
        }
    }
    if (st == DP_OK && !dp_json_stream_finish(&r->json))
        st = json_failed(r);
    return st;
}

static int compare_ranges(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    /* Empty ranges of one place: as the header has them, where names were kept in order. */
    return (x->name.text > y->name.text) - (x->name.text < y->name.text);
}

/* The ranges, in order, cover the buffer of `size` bytes without holes. */
static dp_status place_entries(reader *r, dp_tensor_list *list,
                               const unsigned char *buffer, size_t size)
{
    uint64_t at = 0;
    dp_status st = DP_OK;
    if (r->count)
        qsort(r->entries, r->count, sizeof *r->entries, compare_ranges);
    for (size_t i = 0; i < r->count && st == DP_OK; i++) {
        entry *e = &r->entries[i];
        if (e->begin != at || e->end > size)
            return dp_fail(
                r->err, DP_EFORMAT,
                "%s: tensor %s: bytes %llu to %llu must start at %llu and end by %zu",
                r->path, e->name.text, (unsigned long long)e->begin,
                (unsigned long long)e->end, (unsigned long long)at, size);
        at = e->end;
        e->tensor.data = buffer + e->begin;
        st = dp_tensor_list_add(r->err, list, &e->tensor, e->type, e->name.text);
    }
    if (st == DP_OK && at != size)
        st = dp_fail(r->err, DP_EFORMAT, "%s: %llu bytes follow the last tensor",
                     r->path, (unsigned long long)(size - at));
    return st;
}

dp_status dp_safetensors_read(dp_error *err, dp_tensor_list *list,
                              dp_pickle_values *metadata, dp_pickle_value *root,
                              char **texts, const char *path, const unsigned char *data,
                              size_t size)
{
    reader r = {.path = path, .metadata = metadata, .err = err};
    void *memory = NULL;
    *texts = NULL;
    if (size < LENGTH_SIZE)
        return dp_fail(err, DP_EFORMAT,
                       "%s: found a file of %zu bytes, expected %d or more", path, size,
                       LENGTH_SIZE);
    const uint64_t length = get_length(data);
    if (length > size - LENGTH_SIZE || length > DP_MAX_SAFETENSORS_HEADER)
        return dp_fail(err, DP_EFORMAT,
                       "%s: a header of %llu bytes in a file of %zu; the limit is %d",
                       path, (unsigned long long)length, size,
                       DP_MAX_SAFETENSORS_HEADER);
    const char *header = (const char *)data + LENGTH_SIZE;
    if (length == 0 || header[0] != '{')
        return dp_fail(err, DP_EFORMAT, "%s: the header does not start with {", path);

    dp_status st = dp_alloc(err, &memory, (size_t)length + 1, 1, "a header's texts");
    r.texts = *texts = memory;
    if (st == DP_OK)
        st =
            dp_pickle_values_add_items(err, metadata, &r.root, DP_PICKLE_DICT, NULL, 0);
    if (st == DP_OK)
        st = read_header(&r, header, (size_t)length);
    if (st == DP_OK)
        st = place_entries(&r, list, data + LENGTH_SIZE + length,
                           size - LENGTH_SIZE - (size_t)length);
    dp_free(r.entries);
    *root = r.root;
    return st;
}
