/* tensor_list.h - the tensors of a checkpoint by name, in the file's order
 */
#ifndef DP_IO_CHECKPOINT_TENSOR_LIST_H
#define DP_IO_CHECKPOINT_TENSOR_LIST_H

#include "base/name_index.h"
#include "core/named_tensor.h"
#include "io/checkpoint/stored_type.h"

/* What stands where a tensor would, and is not read. */
typedef struct dp_refusal {
    const char *name;  /* as the tensor's would be                           */
    const char *class; /* what it is: "torch._utils._rebuild_qtensor"        */
} dp_refusal;

typedef struct dp_tensor_list {
    dp_named_tensor *tensors;     /* owned, as are the names */
    const dp_stored_type **types; /* owned; one a tensor     */
    size_t count, tensors_room, types_room;
    dp_refusal *refusals; /* owned, as are their names */
    size_t refusals_count, refusals_room;
    dp_name *names; /* owned; for the index */
    dp_name_index index;
} dp_tensor_list;

/* Append a copy of *tensor under a copy of the name. DP_EFORMAT beyond DP_MAX_TENSORS,
 * DP_ENOMEM. */
dp_status dp_tensor_list_add(dp_error *err, dp_tensor_list *l,
                             const dp_named_tensor *tensor, const dp_stored_type *type,
                             const char *name) DP_MUST_CHECK;

/* Append a refusal under a copy of the name; the class must outlive the list. */
dp_status dp_tensor_list_refuse(dp_error *err, dp_tensor_list *l, const char *name,
                                const char *class) DP_MUST_CHECK;

/* When every tensor's name starts with `prefix`, and there is one: cut it off, of
 * refusals too that have it, and true. */
bool dp_tensor_list_strip(dp_tensor_list *l, const char *prefix);

/* Nothing is added or stripped after this: prepare dp_tensor_list_find. DP_EFORMAT when
 * a name stands twice; `path` opens the sentence. */
dp_status dp_tensor_list_finish(dp_error *err, dp_tensor_list *l,
                                const char *path) DP_MUST_CHECK;

/* NULL when there is none. */
const dp_named_tensor *dp_tensor_list_find(const dp_tensor_list *l, const char *name);

/* A zeroed list is allowed. */
void dp_tensor_list_done(dp_tensor_list *l);

#endif
