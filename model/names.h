/* names.h - a checkpoint's tensors under the upstream names
 */
#ifndef DP_MODEL_NAMES_H
#define DP_MODEL_NAMES_H

#include "core/config.h"
#include "core/named_tensor.h"

/* Tensors, renamed by the first map of the config's list "names" (io/checkpoint/name_map.h) that
 * fits them. */
typedef struct dp_renamed {
    const dp_named_tensor *tensors; /* the given ones when no map fits           */
    size_t count;
    char name[64];          /* of the map: "timm"; "" when none fits     */
    dp_named_tensor *owned; /* NULL when none fits                       */
} dp_renamed;

/* DP_ECONFIG, DP_EFORMAT, DP_EIO of a map; DP_ENOMEM. The tensors given must outlive r. */
dp_status dp_names_apply(dp_error *err, dp_renamed *r, const dp_config *config,
                         const dp_named_tensor *tensors, size_t count) DP_MUST_CHECK;

/* A zeroed r is allowed. */
void dp_names_done(dp_renamed *r);

#endif
