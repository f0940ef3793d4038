/* mismatches.h - how a model's tensors and a checkpoint's fit
 */
#ifndef DP_CORE_MISMATCHES_H
#define DP_CORE_MISMATCHES_H

#include "base/status.h"

#include <stddef.h>

/* In the order of dp_mismatches_sort. */
typedef enum dp_mismatch_kind {
    DP_MISMATCH_MISSING,   /* the model needs it, the checkpoint lacks it    */
    DP_MISMATCH_SHAPE,     /* another shape, or a type that is not a number's */
    DP_MISMATCH_UNEXPECTED /* the checkpoint has it, the model has no use    */
} dp_mismatch_kind;

typedef struct dp_mismatch {
    dp_mismatch_kind kind;
    char *name;   /* full, as in the checkpoint                                     */
    char *detail; /* "found F32 [3, 4], expected [3, 5]"; "" of an unexpected one  */
} dp_mismatch;

typedef struct dp_mismatches {
    dp_mismatch *list;
    size_t count, capacity;
} dp_mismatches;

/* Append, with copies of name and detail. DP_ENOMEM: the list is as before. */
dp_status dp_mismatches_add(dp_error *err, dp_mismatches *m, dp_mismatch_kind kind,
                            const char *name, const char *detail) DP_MUST_CHECK;

/* By kind, then by name. */
void dp_mismatches_sort(dp_mismatches *m);

/* DP_ESHAPE: how many there are of each kind, and the first of a sorted list. */
dp_status dp_mismatches_fail(dp_error *err, const dp_mismatches *m);

/* Release the list. A zeroed one is allowed. */
void dp_mismatches_done(dp_mismatches *m);

#endif
