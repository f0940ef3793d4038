/* arrays.h - reference arrays in the types that the code under test takes
 */
#ifndef DP_TESTS_SUPPORT_ARRAYS_H
#define DP_TESTS_SUPPORT_ARRAYS_H

#include "core/box.h"

#include <stddef.h>

/* The .npy file at `path` (shared.h); *count is its number of elements (of rows of four,
 * for boxes). The caller's to free. Fails the test when it cannot be read. */
float *floats_load(const char *path, size_t *count);
int *ints_load(const char *path, size_t *count);
dp_box *boxes_load(const char *path, size_t *count);

#endif
