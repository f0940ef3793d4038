/* builder.h - how a module gets its weights: by name and shape, all of them accounted for
 *
 * A module's build function asks for each tensor by the published checkpoint's name,
 * relative to a scope ("backbone.", "stages.2.8."). A tensor that is missing or has
 * another shape is noted and NULL comes back; building goes on, so that one load reports
 * everything at once. What nobody asked for is unexpected, unless a module declared it
 * known and unused.
 *
 * Without weights, each tensor is filled from a generator seeded by its name: for
 * benchmarks, and for parts that a partial checkpoint lacks.
 */
#ifndef DP_CORE_BUILDER_H
#define DP_CORE_BUILDER_H

#include "base/store.h"
#include "core/config.h"
#include "core/named_tensor.h"
#include "core/parameters.h"

#include <stdbool.h>
#include <stdint.h>

struct dp_kernels;

typedef enum dp_mismatch_kind {
    DP_MISMATCH_MISSING,    /* the model needs it, the checkpoint lacks it    */
    DP_MISMATCH_UNEXPECTED, /* the checkpoint has it, the model has no use    */
    DP_MISMATCH_SHAPE       /* another shape, or a type that is not a number's */
} dp_mismatch_kind;

typedef struct dp_mismatch {
    dp_mismatch_kind kind;
    char *name;   /* full, as in the checkpoint                                     */
    char *detail; /* "found [3, 4], expected [3, 5]"; "" where there is no more    */
} dp_mismatch;

/* Packed weights that were handed out, in the order of the calls. */
typedef struct dp_packed_piece {
    float *data; /* in the store */
    size_t count;
} dp_packed_piece;

/* How the model's names and the checkpoint's fit. */
typedef struct dp_mismatches {
    dp_mismatch *list;
    size_t count, capacity;
} dp_mismatches;

/* Release the list. A zeroed one is allowed. */
void dp_mismatches_done(dp_mismatches *m);

typedef struct dp_builder {
    dp_error *err;
    dp_store *store;                  /* of the model: packed weights go there      */
    const struct dp_kernels *kernels; /* packing may depend on them                 */

    const dp_config *config; /* of the caller: of the model; for core/module.h */

    const dp_named_tensor *tensors; /* borrowed; NULL with count 0: random weights */
    size_t tensor_count;
    bool
        partial; /* of the caller: fill what is missing or misshapen from the generator,
                     and let dp_builder_finish pass; the notes are made all the same */

    uint32_t seed; /* of the caller: of the generator */
    bool bf16;     /* of the caller: pointwise layers have bf16 weights */
    bool
        counting; /* of the caller: no values and no packed weights, only their numbers */

    /* of the caller: packed weights of an earlier build of the same model. Then no tensor
     * is looked at, and dp_builder_floats hands these out, each piece from the next
     * multiple of dp_builder_piece_size. NULL: none */
    float *ready;
    size_t ready_count;
    bool listing; /* of the caller: keep a list of the pieces handed out */

    /* of the caller: every tensor asked for is kept here, with its values in the store.
     * NULL: none is */
    dp_parameters *parameters;

    /* the builder's own */
    size_t ready_used;
    dp_packed_piece *pieces; /* with `listing` */
    size_t piece_count, piece_capacity;
    uint32_t *order; /* indices of tensors, by name                    */
    bool *used;      /* one a tensor                                   */
    dp_store values; /* what dp_builder_tensor had to convert          */
    char scope[DP_MAX_TENSOR_NAME];
    dp_mismatches mismatches;
    size_t fitted;            /* tensors found and of the right shape       */
    uint64_t packed;          /* floats asked for by dp_builder_floats */
    int bf16_layers;          /* that took such weights                 */
    uint64_t params;          /* elements of all tensors asked for, buffers out */
    uint64_t training_params; /* of parts that only training uses, not in params */
    dp_status status;         /* DP_ENOMEM is sticky here                      */
} dp_builder;

/* Start with a checkpoint's tensors (borrowed until dp_builder_done; two of one name are
 * refused with DP_EFORMAT) or, with count 0, random weights. */
dp_status dp_builder_init(dp_error *err, dp_builder *b, dp_store *store,
                          const struct dp_kernels *kernels,
                          const dp_named_tensor *tensors, size_t count) DP_MUST_CHECK;
void dp_builder_done(dp_builder *b);

/* Append to the scope and cut it back: `const size_t outer = dp_builder_enter(b,
 * "stages.%d.", s); ... dp_builder_leave(b, outer);` */
size_t dp_builder_enter(dp_builder *b, const char *format, ...) DP_PRINTF(2, 3);
void dp_builder_leave(dp_builder *b, size_t outer);

/* The float32 values, row-major and dense, of the tensor scope + name with exactly this
 * shape; valid until dp_builder_release, or when the builder keeps parameters as long as
 * the model. NULL when it is missing or does not fit (noted),
 * or when memory ran out (sticky). */
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

/* Whether the checkpoint has scope + name; always true with random weights. */
bool dp_builder_has(const dp_builder *b, const char *name);

/* Declare every tensor whose name starts with scope + prefix known and unused. */
void dp_builder_skip(dp_builder *b, const char *prefix);

/* Room for `count` floats while an operator packs, zeroed, until dp_builder_release. NULL
 * when memory ran out (sticky). */
float *dp_builder_scratch(dp_builder *b, size_t count);

/* Forget the values handed out so far: at the end of each operator's build. */
void dp_builder_release(dp_builder *b);

/* Floats of the model's lifetime for packed weights, zeroed; NULL when memory ran out
 * (sticky), or when counting. */
float *dp_builder_floats(dp_builder *b, size_t count);

/* Floats that a piece of `count` takes up among ready ones: it begins on a 64-byte line and
 * has 64 readable bytes after it, as in a store. */
size_t dp_builder_piece_size(size_t count);

/* Any memory of the model's lifetime, zeroed; NULL when memory ran out (sticky). */
void *dp_builder_take(dp_builder *b, size_t count, size_t size);

/* Close the books: note every unexpected tensor (with ready weights, DP_EFORMAT when they
 * are not just as many as were asked for), and return DP_OK, DP_ENOMEM, or
 * DP_ESHAPE with a one-line summary when anything was noted (DP_OK with partial, but
 * then at least one tensor must have fitted). The list stays in
 * b->mismatches: missing, then misshapen, then unexpected, each by name. */
dp_status dp_builder_finish(dp_builder *b) DP_MUST_CHECK;

#endif
