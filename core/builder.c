#include "core/builder.h"

#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- source and sink -------------------------------------------------------------- */

/* The tensors of a checkpoint, by name. */
static dp_status index_tensors(dp_builder *b)
{
    const dp_weight_source *s = &b->source;
    dp_status st =
        dp_alloc(b->err, &b->used, s->count, sizeof *b->used, "a list of tensors");
    if (st == DP_OK)
        st = dp_alloc(b->err, &b->names, s->count, sizeof *b->names,
                      "a list of tensors");
    for (size_t i = 0; i < s->count && st == DP_OK; i++)
        b->names[i] = dp_name_from(s->tensors[i].name);
    if (st == DP_OK)
        st = dp_name_index_init(b->err, &b->index, b->names, s->count);
    if (st != DP_OK)
        return st;
    const ptrdiff_t twice = dp_name_index_find_twice(&b->index);
    return twice == DP_NAME_NONE
               ? DP_OK
               : dp_fail(b->err, DP_EFORMAT, "checkpoint: found tensor %s twice",
                         s->tensors[twice].name);
}

dp_status dp_builder_init(dp_error *err, dp_builder *b, dp_store *store,
                          const struct dp_kernels *kernels,
                          const dp_named_tensor *tensors, size_t count)
{
    *b = (dp_builder){
        .err = err,
        .store = store,
        .kernels = kernels,
        .source = {.kind = tensors ? DP_SOURCE_CHECKPOINT : DP_SOURCE_RANDOM,
                   .tensors = tensors,
                   .count = tensors ? count : 0},
        .sink = {.kind = DP_SINK_PACK}};
    const dp_status st = b->source.count > 0 ? index_tensors(b) : DP_OK;
    if (st != DP_OK)
        dp_builder_done(b);
    return st;
}

void dp_builder_done(dp_builder *b)
{
    dp_mismatches_done(&b->mismatches);
    dp_name_index_done(&b->index);
    dp_free(b->names);
    dp_free(b->used);
    dp_free(b->sink.pieces);
    dp_store_done(&b->values);
    *b = (dp_builder){0};
}

void dp_builder_count(dp_builder *b)
{
    b->source.kind = DP_SOURCE_NONE;
    b->sink.kind = DP_SINK_NONE;
}

void dp_builder_compare(dp_builder *b)
{
    b->source.kind = DP_SOURCE_NAMES;
    b->sink.kind = DP_SINK_NONE;
}

void dp_builder_use_ready(dp_builder *b, float *ready, size_t count)
{
    b->source.kind = DP_SOURCE_NONE;
    b->sink.kind = DP_SINK_READY;
    b->sink.ready = ready;
    b->sink.ready_count = count;
}

void dp_builder_keep(dp_builder *b, dp_parameters *parameters)
{
    b->sink.parameters = parameters;
}

void dp_builder_keep_only(dp_builder *b, dp_parameters *parameters)
{
    dp_builder_keep(b, parameters);
    b->sink.kind = DP_SINK_NONE;
    b->training = true;
}

/* ---- scopes and notes ------------------------------------------------------------- */

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
    if (b->status == DP_OK)
        b->status = dp_mismatches_add(b->err, &b->mismatches, kind, name, detail);
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

/* A tensor that is missing or misshapen; `found` is NULL or the one of that name. */
static void note_tensor(dp_builder *b, const dp_named_tensor *found, int rank,
                        const int *shape)
{
    char is[160], wanted[160], detail[400];
    int64_t extents[DP_MAX_TENSOR_RANK];
    for (int d = 0; d < rank; d++)
        extents[d] = shape[d];
    dp_named_tensor_format_shape(wanted, sizeof wanted, rank, extents);
    snprintf(detail, sizeof detail, "expected %s", wanted);
    if (found) {
        dp_named_tensor_format_shape(is, sizeof is, found->rank, found->shape);
        snprintf(detail, sizeof detail, "found %s %s, expected %s",
                 dp_dtype_name(found->dtype), is, wanted);
    }
    note(b, found ? DP_MISMATCH_SHAPE : DP_MISMATCH_MISSING, b->scope, detail);
}

float *dp_builder_scratch(dp_builder *b, size_t count)
{
    void *values = NULL;
    if (b->status == DP_OK && b->source.kind != DP_SOURCE_NONE &&
        b->source.kind != DP_SOURCE_NAMES)
        b->status = dp_store_take(b->err, &b->values, &values, count, sizeof(float),
                                  "a tensor");
    return values;
}

static const float *random_values(dp_builder *b, int rank, const int *shape,
                                  size_t count)
{
    float *values = dp_builder_scratch(b, count);
    if (values)
        fill_random(values, b->scope, b->source.seed, rank, shape);
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

/* Values of the tensor called b->scope. */
static const float *checkpoint_values(dp_builder *b, int rank, const int *shape,
                                      size_t count)
{
    const ptrdiff_t at = dp_name_index_find(&b->index, dp_name_from(b->scope));
    if (at == DP_NAME_NONE) {
        note_tensor(b, NULL, rank, shape);
    } else {
        const dp_named_tensor *t = &b->source.tensors[at];
        b->used[at] = true;
        if (shape_fits(t, rank, shape)) {
            b->fitted++;
            return b->source.kind == DP_SOURCE_NAMES ? NULL
                                                     : stored_values(b, t, count);
        }
        note_tensor(b, t, rank, shape);
    }
    return b->source.partial ? random_values(b, rank, shape, count) : NULL;
}

static const float *source_values(dp_builder *b, int rank, const int *shape,
                                  size_t count)
{
    if (b->status != DP_OK)
        return NULL;
    switch (b->source.kind) {
    case DP_SOURCE_CHECKPOINT:
    case DP_SOURCE_NAMES:
        return checkpoint_values(b, rank, shape, count);
    case DP_SOURCE_RANDOM:
        return random_values(b, rank, shape, count);
    case DP_SOURCE_NONE:
        break;
    }
    return NULL;
}

/* The values in the model's store; those given when none are to be kept. */
static const float *keep(dp_builder *b, const float *values, int rank, const int *shape,
                         bool buffer)
{
    if (!values || !b->sink.parameters)
        return values;
    dp_parameter tensor = {.name = b->scope, .rank = rank, .buffer = buffer};
    memcpy(tensor.shape, shape, (size_t)rank * sizeof *shape);
    b->status = dp_parameters_add(b->err, b->sink.parameters, b->store, &tensor, values,
                                  &values);
    return values;
}

static const float *get_tensor(dp_builder *b, const char *name, int rank,
                               const int *shape, bool buffer)
{
    size_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= (size_t)shape[d];
    if (!buffer)
        b->params += count;
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *values = source_values(b, rank, shape, count);
    values = keep(b, values, rank, shape, buffer);
    dp_builder_leave(b, outer);
    return values;
}

const float *dp_builder_tensor(dp_builder *b, const char *name, int rank,
                               const int *shape)
{
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

const float *dp_builder_kept(const dp_builder *b, const float *values)
{
    const dp_parameters *kept = b->sink.parameters;
    return kept && dp_parameters_find_values(kept, values) ? values : NULL;
}

void dp_builder_skip(dp_builder *b, const char *prefix)
{
    const size_t outer = dp_builder_enter(b, "%s", prefix);
    const size_t length = strlen(b->scope);
    for (size_t i = 0; i < b->source.count; i++)
        if (strncmp(b->source.tensors[i].name, b->scope, length) == 0)
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
static float *next_ready(dp_weight_sink *s, size_t count)
{
    const size_t at = s->ready_used;
    s->ready_used += dp_builder_piece_size(count);
    return s->ready_used <= s->ready_count ? s->ready + at : NULL;
}

static float *next_piece(dp_builder *b, size_t count)
{
    dp_weight_sink *s = &b->sink;
    float *data = dp_builder_take(b, count, sizeof(float));
    if (!data)
        return NULL;
    b->status = dp_grow(b->err, &s->pieces, &s->piece_capacity, s->piece_count + 1,
                        sizeof *s->pieces, "a list of packed weights");
    if (b->status != DP_OK)
        return NULL;
    s->pieces[s->piece_count++] = (dp_packed_piece){data, count};
    return data;
}

float *dp_builder_floats(dp_builder *b, size_t count)
{
    b->packed += count;
    switch (b->sink.kind) {
    case DP_SINK_PACK:
        return next_piece(b, count);
    case DP_SINK_READY:
        return next_ready(&b->sink, count);
    case DP_SINK_NONE:
        break;
    }
    return NULL;
}

/* ---- closing the books ------------------------------------------------------ */

dp_status dp_builder_finish(dp_builder *b)
{
    const dp_weight_sink *s = &b->sink;
    for (size_t i = 0; i < b->source.count; i++)
        if (!b->used[i])
            note(b, DP_MISMATCH_UNEXPECTED, b->source.tensors[i].name, "");
    if (b->status != DP_OK)
        return b->status;
    if (s->ready_used != s->ready_count)
        return dp_fail(b->err, DP_EFORMAT,
                       "packed weights: found %zu numbers, expected %zu",
                       s->ready_count, s->ready_used);
    dp_mismatches_sort(&b->mismatches);
    if (b->mismatches.count == 0 || (b->source.partial && b->fitted > 0))
        return DP_OK;
    return dp_mismatches_fail(b->err, &b->mismatches);
}
