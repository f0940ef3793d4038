/* checkpoint_reading.h - checkpoints read from memory, for tests that damage them
 */
#ifndef DP_TESTS_CHECKPOINT_READING_H
#define DP_TESTS_CHECKPOINT_READING_H

#include "base/status.h"

#include <stddef.h>

/* Read all tensors of a file of torch.save, or of safetensors, and touch the first and
 * the last element of each. */
typedef dp_status read_fn(dp_error *err, const unsigned char *bytes, size_t size);
read_fn read_torch;
read_fn read_safetensors;

/* Do that with a copy in a block of exactly its size, so that a sanitizer sees a byte read
 * too far. Fails the test unless it is DP_OK, DP_EFORMAT or DP_EUNSUPPORTED. */
dp_status read_exact(dp_error *err, read_fn *read, const void *bytes, size_t size);

#endif
