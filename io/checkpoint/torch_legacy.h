/* torch_legacy.h - the form of torch.save before PyTorch 1.6
 *
 * Five pickles in a row: a magic number, the version 1001, facts about the machine, the
 * object, and the list of storage keys. Then the storages in the order of the list, each
 * a 64-bit element count and its elements. There are no checksums.
 */
#ifndef DP_IO_CHECKPOINT_TORCH_LEGACY_H
#define DP_IO_CHECKPOINT_TORCH_LEGACY_H

#include "io/checkpoint/torch_file.h"

/* Whether the bytes start with the magic number's pickle, of any protocol from 2 on. */
bool dp_torch_legacy_is(const unsigned char *data, size_t size);

/* Fill values, root, keys, storages and index of *f. On failure *f is the caller's to
 * release. */
dp_status dp_torch_legacy_read(dp_error *err, dp_torch_file *f,
                               const unsigned char *data, size_t size) DP_MUST_CHECK;

/* The storage of that key. DP_EFORMAT when there is none. */
dp_status dp_torch_legacy_storage(dp_error *err, const dp_torch_file *f, dp_name key,
                                  dp_torch_storage *out) DP_MUST_CHECK;

#endif
