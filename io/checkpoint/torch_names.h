/* torch_names.h - the tensors of a file of torch.save, by joined names
 */
#ifndef DP_IO_CHECKPOINT_TORCH_NAMES_H
#define DP_IO_CHECKPOINT_TORCH_NAMES_H

#include "io/checkpoint/tensor_list.h"
#include "io/checkpoint/torch_file.h"

/* Append the tensors below the value `from` to *tensors, checked, in the file's order, and
 * the opaque values to its refusals. A tensor's name is the keys on the way
 * to it, joined with points; list items are named by their place from 0. DP_EFORMAT also
 * when a key on the way is neither text nor number, or the name is too long or not fit to
 * print. */
dp_status dp_torch_names_list(dp_error *err, const dp_torch_file *f,
                              dp_pickle_value from,
                              dp_tensor_list *tensors) DP_MUST_CHECK;

/* Whether a tensor lies at or below the value. */
bool dp_torch_names_any(const dp_torch_file *f, dp_pickle_value from);

#endif
