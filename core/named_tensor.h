/* named_tensor.h - tensors as files hold them: a name, a type, a shape, bytes
 *
 * What the checkpoint readers produce, what the builders of a model consume, and what
 * the writers take. Row-major shapes in the order of the file (PyTorch's), unlike the
 * activations of tensor.h.
 */
#ifndef DP_CORE_NAMED_TENSOR_H
#define DP_CORE_NAMED_TENSOR_H

#include "base/status.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dp_dtype {
    DP_DTYPE_F32,
    DP_DTYPE_F16,
    DP_DTYPE_BF16,
    DP_DTYPE_F64,
    DP_DTYPE_I8,
    DP_DTYPE_U8,
    DP_DTYPE_I16,
    DP_DTYPE_U16,
    DP_DTYPE_I32,
    DP_DTYPE_U32,
    DP_DTYPE_I64,
    DP_DTYPE_U64,
    DP_DTYPE_BOOL,
    DP_DTYPE_OTHER /* complex, 8-bit floats, ...: listed, sized, not converted */
} dp_dtype;

/* "F32", "BF16", ...: the names of safetensors. */
const char *dp_dtype_name(dp_dtype type);

/* Bytes of an element; 0 for DP_DTYPE_OTHER. */
size_t dp_dtype_size(dp_dtype type);

typedef struct dp_named_tensor {
    const char *name; /* of its owner, as the file spells it                        */
    dp_dtype dtype;
    int rank;                           /* 0 to DP_MAX_TENSOR_RANK; 0 is a scalar   */
    int64_t shape[DP_MAX_TENSOR_RANK];  /* each >= 0                                */
    int64_t stride[DP_MAX_TENSOR_RANK]; /* in elements, each >= 0; 0 repeats        */
    /* Element 0; of its owner, little endian, of any alignment. Every element that shape
     * and stride reach is readable. */
    const void *data;
} dp_named_tensor;

/* All extents multiplied; the readers made sure that this, times 8, fits. */
size_t dp_named_tensor_count(const dp_named_tensor *t);

/* Whether the elements lie in row-major order without gaps. */
bool dp_named_tensor_is_dense(const dp_named_tensor *t);

/* A walk over the elements, row-major whatever the strides: start with {.tensor = t}, ask
 * dp_named_tensor_count times. */
typedef struct dp_element_walk {
    const dp_named_tensor *tensor;
    int64_t index[DP_MAX_TENSOR_RANK], at;
} dp_element_walk;

/* Where the next element is. */
const void *dp_element_next(dp_element_walk *w);

/* Write all elements, row-major and dense, in the tensor's own type to out, which has
 * room for dp_named_tensor_count of dp_dtype_size. */
void dp_named_tensor_copy(const dp_named_tensor *t, void *out);

/* Write all elements as float32, row-major and dense, to out, which has room for
 * dp_named_tensor_count of them. Exact from F16, BF16, and integers up to 2^24; rounded
 * to nearest otherwise. False when the type cannot be converted. */
bool dp_named_tensor_to_f32(const dp_named_tensor *t, float *out);

/* "[256, 96, 1, 1]" into text of `size` bytes; cut when it does not fit. */
void dp_named_tensor_format_shape(char *text, size_t size, int rank,
                                  const int64_t *shape);

#endif
