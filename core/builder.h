/* builder.h - how a module gets its weights: by name and shape, all of them accounted for
 *
 * A module's build function asks for each tensor by the published checkpoint's name,
 * relative to a scope ("backbone.", "stages.2.8."). A tensor that is missing or has
 * another shape is noted, and NULL comes back. Building goes on, so that one load reports
 * everything at once. What nobody asked for is unexpected, unless a module declared it
 * known and unused.
 *
 * A source says where values come from, a sink what becomes of them. Modules see neither.
 */
#ifndef DP_CORE_BUILDER_H
#define DP_CORE_BUILDER_H

#include "base/name_index.h"
#include "base/store.h"
#include "core/config.h"
#include "core/mismatches.h"
#include "core/named_tensor.h"
#include "core/parameters.h"

#include <stdbool.h>
#include <stdint.h>

struct dp_kernels;

typedef enum dp_weight_source_kind {
    DP_SOURCE_CHECKPOINT, /* tensors by name */
    DP_SOURCE_RANDOM,     /* a generator seeded by the tensor's name */
    DP_SOURCE_NAMES,      /* the same, but only names and shapes are looked at */
    DP_SOURCE_NONE        /* no values: nothing is packed */
} dp_weight_source_kind;

typedef struct dp_weight_source {
    dp_weight_source_kind kind;
    const dp_named_tensor *tensors; /* of a checkpoint; borrowed */
    size_t count;

    /* Of a checkpoint: what is missing or misshapen is random, and dp_builder_finish
     * passes. The notes are made all the same. */
    bool partial;
    uint32_t seed; /* of random values */
} dp_weight_source;

typedef enum dp_weight_sink_kind {
    DP_SINK_PACK,  /* weights are packed into the store */
    DP_SINK_READY, /* they were packed by an earlier build of the same model */
    DP_SINK_NONE   /* nothing is packed */
} dp_weight_sink_kind;

/* Packed weights that were handed out, in the order of the calls. */
typedef struct dp_packed_piece {
    float *data; /* in the store */
    size_t count;
} dp_packed_piece;

typedef struct dp_weight_sink {
    dp_weight_sink_kind kind;

    /* While packing. */
    dp_packed_piece *pieces; /* owned */
    size_t piece_count, piece_capacity;
    dp_parameters *parameters; /* raw tensors are kept here; NULL: they are not */

    /* Ready weights: each piece begins at the next multiple of dp_builder_piece_size. */
    float *ready;
    size_t ready_count, ready_used;
} dp_weight_sink;

typedef struct dp_builder {
    dp_error *err;
    dp_store *store;                  /* of the model: packed weights go there      */
    const struct dp_kernels *kernels; /* packing may depend on them                 */
    dp_weight_source source;
    dp_weight_sink sink;

    /* of the caller */
    const dp_config *config; /* of the model; for core/module.h */
    bool bf16;               /* pointwise layers have bf16 weights */
    bool training;           /* build also what only training uses */

    /* the builder's own */
    dp_name *names;      /* of the source's tensors    */
    dp_name_index index; /* of names                   */
    bool *used;          /* one a tensor               */
    dp_store values; /* what had to be converted or made, until dp_builder_release */
    char scope[DP_MAX_TENSOR_NAME];
    dp_mismatches mismatches;
    unsigned kinds;  /* of modules made or skipped, a bit each (core/module.h) */
    size_t fitted;   /* tensors found and of the right shape           */
    uint64_t packed; /* floats asked for by dp_builder_floats          */
    int bf16_layers; /* that took such weights                         */
    uint64_t params; /* elements of all tensors asked for, buffers out */
    uint64_t training_params; /* of parts that only training uses, not in params */
    dp_status status;         /* DP_ENOMEM is sticky here                       */
} dp_builder;

/* Start to pack a checkpoint's tensors, borrowed until dp_builder_done, or with tensors
 * NULL random weights. DP_EFORMAT: two tensors have one name. */
dp_status dp_builder_init(dp_error *err, dp_builder *b, dp_store *store,
                          const struct dp_kernels *kernels,
                          const dp_named_tensor *tensors, size_t count) DP_MUST_CHECK;
void dp_builder_done(dp_builder *b);

/* Before the first tensor, one of these may change what is built. */

/* No values and no packed weights, only their numbers. */
void dp_builder_count(dp_builder *b);

/* The same, and the names and shapes of the checkpoint are compared. */
void dp_builder_compare(dp_builder *b);

/* Hand out packed weights of an earlier build, `count` floats in the model's store. */
void dp_builder_use_ready(dp_builder *b, float *ready, size_t count);

/* Keep every tensor asked for, besides packing it. The list is the model's. */
void dp_builder_keep(dp_builder *b, dp_parameters *parameters);

/* The same, but pack nothing: for runs that are plain. Parts that only training uses are
 * built too. */
void dp_builder_keep_only(dp_builder *b, dp_parameters *parameters);

/* Append to the scope and cut it back: `const size_t outer = dp_builder_enter(b,
 * "stages.%d.", s); ... dp_builder_leave(b, outer);` */
size_t dp_builder_enter(dp_builder *b, const char *format, ...) DP_PRINTF(2, 3);
void dp_builder_leave(dp_builder *b, size_t outer);

/* The float32 values, row-major and dense, of the tensor scope + name with exactly this
 * shape. They are valid until dp_builder_release, or when parameters are kept as long as
 * the model. NULL when there are none: the tensor is missing or does not fit (noted),
 * memory ran out (sticky), or the source has no values. */
const float *dp_builder_tensor(dp_builder *b, const char *name, int rank,
                               const int *shape);

/* The same for a vector of n; `weight` tensors and biases are mostly that. */
const float *dp_builder_vector(dp_builder *b, const char *name, int n);

/* A buffer that is not a trained parameter (running statistics): as dp_builder_vector,
 * but not counted in params. */
const float *dp_builder_buffer(dp_builder *b, const char *name, int n);

/* `values` when they are those of a kept tensor, and so valid for the model's lifetime;
 * NULL otherwise. An operator notes its raw weights by it: `k->weight =
 * dp_builder_kept(b, weight)`. */
const float *dp_builder_kept(const dp_builder *b, const float *values);

/* Declare every tensor whose name starts with scope + prefix known and unused. */
void dp_builder_skip(dp_builder *b, const char *prefix);

/* Room for `count` floats while an operator packs, zeroed, until dp_builder_release. NULL
 * when memory ran out (sticky), or the source has no values. */
float *dp_builder_scratch(dp_builder *b, size_t count);

/* Forget the values handed out so far: at the end of each operator's build. */
void dp_builder_release(dp_builder *b);

/* Floats of the model's lifetime for packed weights: zeroed, or ready. NULL when memory ran
 * out (sticky), or when nothing is packed. */
float *dp_builder_floats(dp_builder *b, size_t count);

/* Floats that a piece of `count` takes up among ready ones: it begins on a 64-byte line and
 * has 64 readable bytes after it, as in a store. */
size_t dp_builder_piece_size(size_t count);

/* Any memory of the model's lifetime, zeroed; NULL when memory ran out (sticky). */
void *dp_builder_take(dp_builder *b, size_t count, size_t size);

/* Close the books. Every unexpected tensor is noted, and the notes, which stay in
 * b->mismatches, are sorted. DP_ENOMEM; DP_EFORMAT: ready weights are not just as many as
 * were asked for; DP_ESHAPE with a one-line summary: anything was noted, or of a partial
 * checkpoint no tensor fitted. */
dp_status dp_builder_finish(dp_builder *b) DP_MUST_CHECK;

#endif
