/* checks.h - two checks of every kernel in kernels.h; a missing one does not link
 *
 *   check_<kernel>(variant)   the variant against `_ref`
 *   spec_<kernel>()           `_ref` against float64 or worked cases
 */
#ifndef DP_TESTS_KERNELS_CHECKS_H
#define DP_TESTS_KERNELS_CHECKS_H

#include "ops/kernels/kernels.h"

#define KERNEL(name)                            \
    void check_##name(dp_##name##_fn *variant); \
    void spec_##name(void);
DP_KERNEL_LIST(KERNEL)
#undef KERNEL

#endif
