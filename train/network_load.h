/* network_load.h - a network that starts from a trained model's weights
 */
#ifndef DP_TRAIN_NETWORK_LOAD_H
#define DP_TRAIN_NETWORK_LOAD_H

#include "train/network.h"

/* As dp_network_new, with the tensors of the checkpoint at `path` under upstream's names. A
 * head that is missing or of another number of classes is new, which is logged; all else must
 * fit: DP_ESHAPE. Errors of dp_checkpoint_open too. The sentence is in ctx. */
dp_status dp_network_load(dp_context *ctx, dp_network **out, const dp_config *config,
                          const char *path,
                          const dp_network_options *options) DP_MUST_CHECK;

#endif
