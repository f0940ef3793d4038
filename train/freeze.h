/* freeze.h - which parameters stay as they are
 *
 * A pattern names parameters by the first parts of their published names: "stages.0" is
 * stages.0.0.dwconv.weight and all others that begin with "stages.0.", and a whole name is
 * allowed. A range of numbers may stand for a part: "stages.0-1". "backbone" is the whole
 * backbone, also where the checkpoint's names have no such prefix.
 */
#ifndef DP_TRAIN_FREEZE_H
#define DP_TRAIN_FREEZE_H

#include "base/status.h"
#include "core/parameters.h"

#include <stdbool.h>

bool dp_freeze_matches(const char *pattern, const char *name);

/* Set frozen[i] for every parameter that one of the patterns names; the others stay as they
 * are. The first `backbone` parameters are the backbone's. DP_EARG: a pattern names none. */
dp_status dp_freeze_apply(dp_error *err, bool *frozen, const dp_parameters *p,
                          size_t backbone, const char *const *patterns,
                          int count) DP_MUST_CHECK;

#endif
