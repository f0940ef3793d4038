/* pickle_globals.h - the allow-list of the pickle interpreter, and what its names make
 *
 *   collections.OrderedDict, collections.defaultdict        an empty dict, or from pairs
 *   builtins.dict, set, frozenset (also __builtin__)        from a list
 *   torch.Size                                              its tuple
 *   torch.FloatStorage ... (stored_type.h; also torch.cuda), torch.storage.UntypedStorage
 *   torch.float32 ... (stored_type.h)                       named in a tensor's arguments
 *   torch._utils._rebuild_tensor, _rebuild_tensor_v2, _rebuild_tensor_v3     a tensor
 *   torch._utils._rebuild_parameter, _rebuild_parameter_with_state,
 *   torch.nn.parameter.Parameter, torch.autograd.variable.Variable           its tensor
 *   torch._tensor._rebuild_from_type_v2                     the tensor it wraps
 *
 * Tensors are put together here, not checked: that their shape, strides and offset stay
 * inside the storage is checked by io/checkpoint/torch_file.h.
 */
#ifndef DP_IO_CHECKPOINT_PICKLE_GLOBALS_H
#define DP_IO_CHECKPOINT_PICKLE_GLOBALS_H

#include "io/checkpoint/pickle_value.h"
#include "io/checkpoint/stored_type.h"

/* The value of the global module.name: known, or opaque. */
dp_status dp_pickle_global_add(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                               dp_name module, dp_name name) DP_MUST_CHECK;

/* callable(*args), args a tuple, as far as the allow-list goes; else an opaque value of
 * the callable's name. DP_EFORMAT when arguments do not fit a known name. */
dp_status dp_pickle_global_reduce(dp_error *err, dp_pickle_values *p,
                                  dp_pickle_value *out, dp_pickle_value callable,
                                  dp_pickle_value args) DP_MUST_CHECK;

/* What torch's persistent id, a tuple, stands for: a storage. */
dp_status dp_pickle_global_persistent(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out,
                                      dp_pickle_value id) DP_MUST_CHECK;

/* The element type that a storage's class or a tensor's dtype names; NULL for
 * torch.storage.UntypedStorage, which has bytes only. */
const dp_stored_type *dp_pickle_global_type(const dp_pickle_values *p,
                                            dp_pickle_value global);

#endif
