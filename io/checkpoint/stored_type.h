/* stored_type.h - element types as checkpoints spell them
 *
 * Wider than dp_dtype: it names and sizes the types too that densepred lists but does
 * not convert (complex and quantized numbers, floats of 8 and fewer bits).
 */
#ifndef DP_IO_CHECKPOINT_STORED_TYPE_H
#define DP_IO_CHECKPOINT_STORED_TYPE_H

#include "base/name_index.h"
#include "core/named_tensor.h"

typedef struct dp_stored_type {
    const char *name;    /* as safetensors spells it, or would: "F32", "F8_E4M3", ... */
    const char *storage; /* torch's storage class, "FloatStorage"; NULL when none     */
    const char *torch;   /* torch's dtype, "float32"; NULL when none                  */
    dp_dtype dtype;      /* DP_DTYPE_OTHER when it is not converted                   */
    unsigned bits;       /* of one element                                            */
    bool in_safetensors; /* is one of its types                                       */
} dp_stored_type;

/* All of them, to be told by their place. */
extern const dp_stored_type dp_stored_types[];

/* By the name in one of the three columns; NULL when unknown. The first finds the types
 * of safetensors only. */
const dp_stored_type *dp_stored_type_find(dp_name name);
const dp_stored_type *dp_stored_type_find_storage(dp_name storage);
const dp_stored_type *dp_stored_type_find_torch(dp_name torch);

/* *bytes = what `count` elements take. False when that overflows or ends within a
 * byte. */
bool dp_stored_type_bytes(const dp_stored_type *type, size_t count, size_t *bytes);

#endif
