/* config_from.h - densepred config --from: a config for a checkpoint
 */
#ifndef DP_CLI_CONFIG_FROM_H
#define DP_CLI_CONFIG_FROM_H

#include "cli/options.h"

/* Write a config that fits the checkpoint, and a class file beside it where its classes are
 * not those of the base. common->out is the config's file; NULL: STEM.json in the current
 * folder. Says what was found. The exit status. */
int dp_cli_config_from(const char *checkpoint, const dp_common_options *common);

#endif
