/* parameters.h - the raw tensors of a model, kept under their published names
 *
 * Packed weights serve the kernels only. Plain forms of operators and training need the
 * values as the checkpoint holds them: float32, row-major, dense. A builder that is told
 * so (core/builder.h) keeps them here, in the order in which the modules ask for them.
 */
#ifndef DP_CORE_PARAMETERS_H
#define DP_CORE_PARAMETERS_H

#include "base/store.h"
#include "core/limits.h"
#include "core/named_tensor.h"

#include <stdbool.h>

typedef struct dp_parameter {
    const char *name; /* full, as in the checkpoint; in the store */
    int rank;
    int shape[DP_MAX_TENSOR_RANK];
    size_t count; /* of values          */
    float *value; /* in the store       */
    bool buffer;  /* running statistics: not trained */
} dp_parameter;

/* Names and values belong to a store, the list to this. */
typedef struct dp_parameters {
    dp_parameter *list;
    size_t count, capacity;
} dp_parameters;

/* Append a copy of a tensor, made of name, shape, buffer and `values`; its count follows.
 * *kept are the copied values. A name that is there already stays as it is, and *kept are
 * its values. DP_ENOMEM: the list is as before, *kept is NULL. */
dp_status dp_parameters_add(dp_error *err, dp_parameters *p, dp_store *store,
                            const dp_parameter *tensor, const float *values,
                            const float **kept) DP_MUST_CHECK;

/* The one of this name, or NULL. */
const dp_parameter *dp_parameters_find(const dp_parameters *p, const char *name);

/* The one whose values begin at this address, or NULL. */
const dp_parameter *dp_parameters_find_values(const dp_parameters *p,
                                              const float *values);

/* The parameter as a tensor of a file; name and values stay the parameter's. */
void dp_parameter_describe(const dp_parameter *p, dp_named_tensor *tensor);

/* What is trained. gradient[i] is that of parameter i, as many values, or NULL: the parameter
 * is frozen, or a buffer. */
typedef struct dp_parameter_gradients {
    const dp_parameters *parameters;
    float *const *gradient;
} dp_parameter_gradients;

/* The gradient of the parameter whose values begin at `value`. NULL: there is none, or value
 * is NULL. */
float *dp_parameter_gradient(const dp_parameter_gradients *g, const float *value);

/* Release the list. A zeroed one is allowed. */
void dp_parameters_done(dp_parameters *p);

#endif
