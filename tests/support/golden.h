/* golden.h - arrays against the project's own reference files in tests/golden
 *
 * Tests run in the repository's root. The files are safetensors with PyTorch's layouts;
 * ours are channels last. By its rank an array is
 *
 *   [N]   [N, C]   [N, H, W]   [N, C, H, W]
 *
 * and is compared with the tensor that has these extents, and 1 where it names none.
 * A sampled array (tests/golden/README.md) is compared where it was sampled.
 *
 * Every function fails the test when a file, a name or an extent is not as expected.
 */
#ifndef DP_TESTS_SUPPORT_GOLDEN_H
#define DP_TESTS_SUPPORT_GOLDEN_H

#include "core/box.h"
#include "core/named_tensor.h"
#include "core/tensor.h"
#include "io/checkpoint/checkpoint.h"

/* What is allowed, in units of the reference's own distance between float32 and float64.
 * The reference sums in one order; others, and fused operations, err as much in other
 * places; of small models the worst seen is half of this. */
enum { GOLDEN_FACTOR = 5 };

typedef struct golden {
    dp_checkpoint *file;
    char path[200];
} golden;

/* Open tests/golden/NAME.safetensors. */
golden golden_open(const char *format, ...) DP_PRINTF(1, 2);
/* Open a file elsewhere. */
golden golden_open_path(const char *path);
void golden_close(golden *g);

/* NULL when there is none. */
const dp_named_tensor *golden_find(const golden *g, const char *name);
const dp_named_tensor *golden_get(const golden *g, const char *name);

/* All elements, row-major; *count of them (NULL: not asked). The caller's to free. */
double *golden_doubles(const golden *g, const char *name, size_t *count);
float *golden_floats(const golden *g, const char *name, size_t *count);
int *golden_ints(const golden *g, const char *name, size_t *count);

/* The array channels last; its data are the caller's to free. */
dp_tensor golden_tensor(const golden *g, const char *name);

/* Compare `got` with the array, within GOLDEN_FACTOR times its noise. Returns the worst
 * difference as a part of what is allowed. NaN is never within. */
double golden_check(const golden *g, const char *name, dp_tensor got);

/* The same within roundings * 2^-23 times the array's magnitude: a sum of n terms a * b and
 * a bias, in any order, has n + 1. */
double golden_check_sum(const golden *g, const char *name, dp_tensor got,
                        double roundings);

/* The boxes `name` and their scores `name`.scores, in any order: each has a partner of
 * its own in `got` within its bounds, and there are no more. Returns the worst
 * difference of a box as a part of what is allowed. */
double golden_check_boxes(const golden *g, const char *name, const dp_box *got,
                          const float *scores, size_t count);

#endif
