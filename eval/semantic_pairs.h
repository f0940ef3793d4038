/* semantic_pairs.h - label maps in two folders as pairs: the same name in both
 */
#ifndef DP_EVAL_SEMANTIC_PAIRS_H
#define DP_EVAL_SEMANTIC_PAIRS_H

#include "eval/semantic.h"

/* Zero-initialise it. */
typedef struct dp_semantic_pairs {
    dp_semantic_pair *list; /* owned, with its paths */
    size_t count, capacity;
    size_t unpaired;      /* predictions without a truth                   */
    char *first_unpaired; /* owned: the path of the first; NULL: there is none */
} dp_semantic_pairs;

/* Append a pair of these paths. DP_ENOMEM. */
dp_status dp_semantic_pairs_add(dp_error *err, dp_semantic_pairs *pairs,
                                const char *truth,
                                const char *prediction) DP_MUST_CHECK;

/* Append a pair for each PNG file in the folder of truths, sorted by name. Count the PNG
 * files that only the folder of predictions has. DP_EIO: a folder cannot be read;
 * DP_EFORMAT: there is no PNG file in the folder of truths; DP_ENOMEM. */
dp_status dp_semantic_pairs_load(dp_error *err, dp_semantic_pairs *pairs,
                                 const char *truth,
                                 const char *prediction) DP_MUST_CHECK;

/* Release, and empty. */
void dp_semantic_pairs_done(dp_semantic_pairs *pairs);

#endif
