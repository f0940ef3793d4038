/* torch_write.h - weights as a file of torch.save
 *
 * {"model": state dict}, as FAIR publishes its classifiers, in the zip form (torch_zip.h):
 * a pickle of protocol 2 that torch.load reads with weights_only=True, and a storage for each
 * tensor. Members are stored, not compressed, and storages begin at multiples of 64 bytes.
 * Nothing in the file depends on the time.
 *
 * Source: the records that torch 1.13 writes and PKWARE's APPNOTE 6.3.
 */
#ifndef DP_IO_CHECKPOINT_TORCH_WRITE_H
#define DP_IO_CHECKPOINT_TORCH_WRITE_H

#include "base/atomic_file.h"
#include "core/named_tensor.h"

/* Append the archive to f, which is empty. Tensors are dense and in a type that torch has a
 * storage for: else DP_EUNSUPPORTED, as for 4 GB or more in all. DP_EARG: a name twice. DP_EIO,
 * DP_ENOMEM. */
dp_status dp_torch_write(dp_error *err, dp_atomic_file *f,
                         const dp_named_tensor *tensors, size_t count) DP_MUST_CHECK;

#endif
