/* hollow_checkpoint.h - a checkpoint with the names and shapes of any model, and one value
 *
 * Every tensor repeats one zero, so a file of a full-size model is small.
 */
#ifndef DP_TESTS_SUPPORT_HOLLOW_CHECKPOINT_H
#define DP_TESTS_SUPPORT_HOLLOW_CHECKPOINT_H

#include "tests/support/pth_writer.h"

/* Write the tensors that a config's model needs, with `changes` (JSON) laid over it; NULL:
 * none. `config` is a path. A model of another number of classes needs the class file of
 * the changes. Fails the test when that cannot be. */
void hollow_checkpoint_write(const char *path, const char *config, const char *changes,
                             const pth_options *options);

#endif
