/* golden_weights.h - the checkpoint of a reference case
 */
#ifndef DP_TESTS_SUPPORT_GOLDEN_WEIGHTS_H
#define DP_TESTS_SUPPORT_GOLDEN_WEIGHTS_H

#include <stdbool.h>

/* Path of the checkpoint of ../shared/FOLDER; static, until the next call. One that a
 * formula gives (see the README there) is written once, by a program of tests/tools. It
 * lies in the folder of the test program, whose name is `argv0`. Fails the test when it
 * cannot be written. */
const char *golden_weights(const char *folder, bool formula, const char *argv0);

#endif
