/* checkpoint.h - a trained model's file: its tensors by name, in whatever form it came
 *
 * Reads both forms of torch.save (.pth, .pt, .bin; torch_file.h) and safetensors, told
 * apart by their bytes. The file is mapped, and only what is looked at is read: opening
 * costs the names, not the weights, and the state of an optimizer costs nothing.
 *
 * A checkpoint of torch.save holds dicts in dicts. Its state dict is looked for under the
 * usual keys (dp_checkpoint_source says where it was), then taken to be the whole file.
 * Names of nested values are joined with points, list items named by their place:
 * "optimizer.state.0.exp_avg". A "module." in front of every name is cut off.
 *
 * Nothing in a file is ever executed. Objects that are not read (pickle.h) are skipped
 * and listed; a tensor of the state dict that is such an object is listed with its name,
 * and not found.
 *
 * An open checkpoint is read-only, so threads may share it, but for the one call that says
 * otherwise.
 */
#ifndef DP_IO_CHECKPOINT_CHECKPOINT_H
#define DP_IO_CHECKPOINT_CHECKPOINT_H

#include "io/checkpoint/pickle_value.h"
#include "io/checkpoint/tensor_list.h"

typedef struct dp_checkpoint dp_checkpoint;

/* Open the file at `path`. Every tensor of the state dict is checked: its elements lie
 * within its storage, and the storage within the file. DP_EIO; DP_EFORMAT (damaged, no
 * checkpoint, or one of torch.save without a tensor, naming what it holds);
 * DP_EUNSUPPORTED (a TorchScript archive, the tar form before PyTorch 0.2, compressed
 * members, big endian); DP_ENOMEM: *out is NULL then. Close it with
 * dp_checkpoint_close. */
dp_status dp_checkpoint_open(dp_error *err, dp_checkpoint **out,
                             const char *path) DP_MUST_CHECK;

/* Release, and unmap: tensors, names and values end here. NULL is allowed. */
void dp_checkpoint_close(dp_checkpoint *c);

/* "torch zip", "torch legacy", "safetensors". */
const char *dp_checkpoint_format(const dp_checkpoint *c);

/* The key under which the state dict was: "state_dict", "model", ...; "" for the whole
 * file. */
const char *dp_checkpoint_source(const dp_checkpoint *c);

/* What was cut off every name: "module." or "". */
const char *dp_checkpoint_prefix(const dp_checkpoint *c);

/* The state dict's tensors, in the file's order; *count of them. Data are little endian,
 * of any alignment, and page in when they are first read. */
const dp_named_tensor *dp_checkpoint_tensors(const dp_checkpoint *c, size_t *count);

/* The state dict's tensor of that name; NULL when there is none, or it is refused. */
const dp_named_tensor *dp_checkpoint_find(const dp_checkpoint *c, const char *name);

/* The values of the state dict that are not read; *count of them. */
const dp_refusal *dp_checkpoint_refusals(const dp_checkpoint *c, size_t *count);

/* All tensors of the file, the optimizer's too, under their full names; *count of them.
 * The first call finds and checks them: not to be made while another thread uses c. NULL
 * on failure (DP_EFORMAT, DP_EUNSUPPORTED, DP_ENOMEM), which leaves the rest usable. */
const dp_named_tensor *dp_checkpoint_list_all(dp_error *err, dp_checkpoint *c,
                                              size_t *count);

/* The element type in the file of a tensor that one of the calls above gave; more exact
 * than its dtype where that is DP_DTYPE_OTHER. */
const dp_stored_type *dp_checkpoint_type(const dp_checkpoint *c,
                                         const dp_named_tensor *t);

/* The classes and functions that the file names and that are not read, each once, in the
 * order of the file: "numpy.core.multiarray.scalar"; *count of them. */
const char *const *dp_checkpoint_globals(const dp_checkpoint *c, size_t *count);

/* The values beside the tensors: dp_pickle_value_find(values, *root, "meta") and so on.
 * Of a safetensors file, a dict with its metadata. */
const dp_pickle_values *dp_checkpoint_values(const dp_checkpoint *c,
                                             dp_pickle_value *root);

/* Compare the checksums that the form has, of every member (the zip form only): reads the
 * whole file. *checked is how many there were. DP_EFORMAT names the first that differs. */
dp_status dp_checkpoint_verify(dp_error *err, const dp_checkpoint *c,
                               size_t *checked) DP_MUST_CHECK;

#endif
