#include "core/builder.h"

#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dp_status sort_names(dp_builder *b);

dp_status dp_builder_init(dp_error *err, dp_builder *b, dp_store *store,
                          const struct dp_kernels *kernels,
                          const dp_named_tensor *tensors, size_t count)
{
    *b = (dp_builder){.err = err,
                      .store = store,
                      .kernels = kernels,
                      .tensors = tensors,
                      .tensor_count = count};
    void *memory = NULL;
    dp_status st = dp_alloc(err, &memory, count, sizeof *b->used, "a list of tensors");
    b->used = memory;
    if (st == DP_OK) {
        st = dp_alloc(err, &memory, count, sizeof *b->order, "a list of tensors");
        b->order = memory;
    }
    if (st == DP_OK)
        st = sort_names(b);
    if (st != DP_OK)
        dp_builder_done(b);
    return st;
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

void dp_builder_done(dp_builder *b)
{
    dp_mismatches_done(&b->mismatches);
    dp_free(b->used);
    dp_free(b->order);
    dp_free(b->pieces);
    dp_store_done(&b->values);
    *b = (dp_builder){0};
}

static int compare_names(const dp_builder *b, uint32_t i, uint32_t j)
{
    return strcmp(b->tensors[i].name, b->tensors[j].name);
}

/* Heap sort: the order of a checkpoint may be chosen by an attacker. */
static void sift_down(dp_builder *b, size_t root, size_t end)
{
    uint32_t *order = b->order;
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && compare_names(b, order[child], order[child + 1]) < 0)
            child++;
        if (compare_names(b, order[root], order[child]) >= 0)
            return;
        const uint32_t swap = order[root];
        order[root] = order[child];
        order[child] = swap;
    }
}

static dp_status sort_names(dp_builder *b)
{
    const size_t n = b->tensor_count;
    for (size_t i = 0; i < n; i++)
        b->order[i] = (uint32_t)i;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(b, i, n);
    for (size_t end = n; end-- > 1;) {
        const uint32_t swap = b->order[0];
        b->order[0] = b->order[end];
        b->order[end] = swap;
        sift_down(b, 0, end);
    }
    for (size_t i = 1; i < n; i++)
        if (compare_names(b, b->order[i - 1], b->order[i]) == 0)
            return dp_fail(b->err, DP_EFORMAT,
                           "checkpoint: found tensor %s twice, expected once",
                           b->tensors[b->order[i]].name);
    return DP_OK;
}

/* Index into tensors, or tensor_count. */
static size_t find_tensor(const dp_builder *b, const char *name)
{
    size_t low = 0, high = b->tensor_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(b->tensors[b->order[middle]].name, name);
        if (order == 0)
            return b->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return b->tensor_count;
}

size_t dp_builder_enter(dp_builder *b, const char *format, ...)
{
    const size_t outer = strlen(b->scope);
    va_list args;
    va_start(args, format);
    vsnprintf(b->scope + outer, sizeof b->scope - outer, format, args);
    va_end(args);
    return outer;
}

void dp_builder_leave(dp_builder *b, size_t outer)
{
    b->scope[outer] = '\0';
}

static void note(dp_builder *b, dp_mismatch_kind kind, const char *name,
                 const char *detail)
{
    if (b->status != DP_OK)
        return;
    dp_mismatches *m = &b->mismatches;
    dp_mismatch entry = {kind, NULL, NULL};
    void *list = m->list;
    dp_status st = dp_grow(b->err, &list, &m->capacity, m->count + 1, sizeof *m->list,
                           "a list of tensors");
    m->list = list;
    if (st == DP_OK)
        st = dp_strdup(b->err, &entry.name, name);
    if (st == DP_OK)
        st = dp_strdup(b->err, &entry.detail, detail);
    if (st == DP_OK) {
        m->list[m->count++] = entry;
        return;
    }
    dp_free(entry.name);
    b->status = st;
}

/* ---- random weights --------------------------------------------------------- */

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* SplitMix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Uniform with the variance that keeps activations of order one: 1 / fan-in for matrices;
 * scales near 1 and shifts near 0 for vectors. */
static void fill_random(float *out, const char *name, uint32_t seed, int rank,
                        const int *shape)
{
    size_t count = 1, fan_in = 1;
    for (int d = 0; d < rank; d++) {
        count *= (size_t)shape[d];
        if (d > 0)
            fan_in *= (size_t)shape[d];
    }
    float centre = 0.0f, width = 0.02f;
    if (rank > 1)
        width = sqrtf(3.0f / (float)fan_in);
    else if (ends_with(name, "weight") || ends_with(name, "running_var"))
        centre = 1.0f;
    else if (ends_with(name, "gamma"))
        centre = 0.1f;

    uint64_t state = hash_name(name) ^ ((uint64_t)seed << 32);
    for (size_t i = 0; i < count; i++) {
        const float unit = (float)(next_random(&state) >> 40) * 0x1p-23f - 1.0f;
        out[i] = centre + width * unit;
    }
}

/* ---- tensors by name -------------------------------------------------------- */

static bool shape_fits(const dp_named_tensor *t, int rank, const int *shape)
{
    if (t->rank != rank || t->dtype == DP_DTYPE_OTHER)
        return false;
    for (int d = 0; d < rank; d++)
        if (t->shape[d] != shape[d])
            return false;
    return true;
}

static void note_shape(dp_builder *b, const dp_named_tensor *t, int rank,
                       const int *shape)
{
    char found[160], wanted[160], detail[400];
    int64_t extents[DP_MAX_TENSOR_RANK];
    for (int d = 0; d < rank; d++)
        extents[d] = shape[d];
    dp_named_tensor_format_shape(found, sizeof found, t->rank, t->shape);
    dp_named_tensor_format_shape(wanted, sizeof wanted, rank, extents);
    snprintf(detail, sizeof detail, "found %s %s, expected %s", dp_dtype_name(t->dtype),
             found, wanted);
    note(b, DP_MISMATCH_SHAPE, t->name, detail);
}

float *dp_builder_scratch(dp_builder *b, size_t count)
{
    if (b->counting || b->ready)
        return NULL;
    void *values = NULL;
    if (b->status != DP_OK)
        return NULL;
    const dp_status st =
        dp_store_take(b->err, &b->values, &values, count, sizeof(float), "a tensor");
    if (st != DP_OK)
        b->status = st;
    return values;
}

static const float *random_values(dp_builder *b, const char *name, int rank,
                                  const int *shape, size_t count)
{
    float *values = dp_builder_scratch(b, count);
    if (values)
        fill_random(values, name, b->seed, rank, shape);
    return values;
}

static const float *stored_values(dp_builder *b, const dp_named_tensor *t, size_t count)
{
    if (t->dtype == DP_DTYPE_F32 && dp_named_tensor_is_dense(t) &&
        (uintptr_t)t->data % sizeof(float) == 0)
        return t->data;
    float *values = dp_builder_scratch(b, count);
    if (values)
        dp_named_tensor_to_f32(t, values);
    return values;
}

/* The values in the model's store; those given when none are to be kept. */
static const float *keep(dp_builder *b, const float *values, int rank, const int *shape,
                         bool buffer)
{
    if (!values || !b->parameters)
        return values;
    dp_parameter tensor = {.name = b->scope, .rank = rank, .buffer = buffer};
    memcpy(tensor.shape, shape, (size_t)rank * sizeof *shape);
    b->status =
        dp_parameters_add(b->err, b->parameters, b->store, &tensor, values, &values);
    return values;
}

const float *dp_builder_kept(const dp_builder *b, const float *values)
{
    return b->parameters && dp_parameters_find_values(b->parameters, values) ? values
                                                                             : NULL;
}

static const float *get_tensor(dp_builder *b, const char *name, int rank,
                               const int *shape, bool buffer)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *values = NULL;
    size_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= (size_t)shape[d];

    if (b->status != DP_OK || b->counting || b->ready) {
        /* out of memory before, or no values wanted: nothing to find out */
    } else if (!b->tensors) {
        values = random_values(b, b->scope, rank, shape, count);
    } else {
        const size_t i = find_tensor(b, b->scope);
        if (i == b->tensor_count) {
            note(b, DP_MISMATCH_MISSING, b->scope, "");
            if (b->partial)
                values = random_values(b, b->scope, rank, shape, count);
        } else {
            b->used[i] = true;
            if (shape_fits(&b->tensors[i], rank, shape)) {
                values = stored_values(b, &b->tensors[i], count);
                b->fitted++;
            } else {
                note_shape(b, &b->tensors[i], rank, shape);
                if (b->partial)
                    values = random_values(b, b->scope, rank, shape, count);
            }
        }
    }
    values = keep(b, values, rank, shape, buffer);
    dp_builder_leave(b, outer);
    return values;
}

const float *dp_builder_tensor(dp_builder *b, const char *name, int rank,
                               const int *shape)
{
    uint64_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= (uint64_t)shape[d];
    b->params += count;
    return get_tensor(b, name, rank, shape, false);
}

const float *dp_builder_vector(dp_builder *b, const char *name, int n)
{
    return dp_builder_tensor(b, name, 1, &n);
}

const float *dp_builder_buffer(dp_builder *b, const char *name, int n)
{
    return get_tensor(b, name, 1, &n, true);
}

bool dp_builder_has(const dp_builder *b, const char *name)
{
    char full[DP_MAX_TENSOR_NAME];
    snprintf(full, sizeof full, "%s%s", b->scope, name);
    return !b->tensors || find_tensor(b, full) < b->tensor_count;
}

void dp_builder_skip(dp_builder *b, const char *prefix)
{
    const size_t outer = dp_builder_enter(b, "%s", prefix);
    const size_t length = strlen(b->scope);
    for (size_t i = 0; i < b->tensor_count; i++)
        if (strncmp(b->tensors[i].name, b->scope, length) == 0)
            b->used[i] = true;
    dp_builder_leave(b, outer);
}

void dp_builder_release(dp_builder *b)
{
    dp_store_done(&b->values);
}

void *dp_builder_take(dp_builder *b, size_t count, size_t size)
{
    void *memory = NULL;
    if (b->status == DP_OK)
        b->status = dp_store_take(b->err, b->store, &memory, count, size,
                                  "a part of the model");
    return memory;
}

size_t dp_builder_piece_size(size_t count)
{
    enum { LINE = 64 / sizeof(float) };
    return (count + 2 * LINE - 1) / LINE * LINE;
}

/* The next of the ready ones, as far as they go. */
static float *next_ready(dp_builder *b, size_t count)
{
    const size_t size = dp_builder_piece_size(count), at = b->ready_used;
    b->ready_used += size;
    return b->ready_used <= b->ready_count ? b->ready + at : NULL;
}

static void list_piece(dp_builder *b, float *data, size_t count)
{
    void *list = b->pieces;
    b->status = dp_grow(b->err, &list, &b->piece_capacity, b->piece_count + 1,
                        sizeof *b->pieces, "a list of packed weights");
    b->pieces = list;
    if (b->status == DP_OK)
        b->pieces[b->piece_count++] = (dp_packed_piece){data, count};
}

float *dp_builder_floats(dp_builder *b, size_t count)
{
    b->packed += count;
    if (b->counting)
        return NULL;
    if (b->ready)
        return next_ready(b, count);
    float *data = dp_builder_take(b, count, sizeof(float));
    if (data && b->listing)
        list_piece(b, data, count);
    return data;
}

/* ---- closing the books ------------------------------------------------------ */

static int kind_rank(dp_mismatch_kind kind)
{
    switch (kind) {
    case DP_MISMATCH_MISSING:
        return 0;
    case DP_MISMATCH_SHAPE:
        return 1;
    case DP_MISMATCH_UNEXPECTED:
        break;
    }
    return 2;
}

static int compare_mismatches(const void *x, const void *y)
{
    const dp_mismatch *a = x, *b = y;
    const int by_kind = kind_rank(a->kind) - kind_rank(b->kind);
    return by_kind ? by_kind : strcmp(a->name, b->name);
}

dp_status dp_builder_finish(dp_builder *b)
{
    for (size_t i = 0; i < b->tensor_count; i++)
        if (!b->used[i])
            note(b, DP_MISMATCH_UNEXPECTED, b->tensors[i].name, "");
    if (b->status != DP_OK)
        return b->status;
    if (b->ready && b->ready_used != b->ready_count)
        return dp_fail(b->err, DP_EFORMAT,
                       "packed weights: found %zu numbers, expected %zu",
                       b->ready_count, b->ready_used);

    dp_mismatches *m = &b->mismatches;
    if (m->count == 0)
        return DP_OK;
    qsort(m->list, m->count, sizeof *m->list, compare_mismatches);
    if (b->partial && b->fitted > 0)
        return DP_OK;
    size_t counts[3] = {0};
    for (size_t i = 0; i < m->count; i++)
        counts[kind_rank(m->list[i].kind)]++;
    return dp_fail(
        b->err, DP_ESHAPE,
        "%zu tensors missing, %zu of another shape, %zu unexpected (first: %s%s%s)",
        counts[0], counts[1], counts[2], m->list[0].name,
        m->list[0].detail[0] ? ", " : "", m->list[0].detail);
}
