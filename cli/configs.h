/* configs.h - the configs that ship, as the program looks for them
 *
 * Their folder is the first of these that is there: --configs DIR; the environment's
 * DENSEPRED_CONFIGS; `configs` beside the program, or one or two folders above it (a
 * build tree); ../share/densepred/configs from the program; the installed one.
 */
#ifndef DP_CLI_CONFIGS_H
#define DP_CLI_CONFIGS_H

#include "base/status.h"
#include "cli/options.h"
#include "core/config.h"

/* The folder of configs, NULL for the installed one. `given` is the value of --configs,
 * NULL when it was not given. Valid until the next call; for the main thread only. */
const char *dp_cli_configs(const char *given);

/* The path of the config that MODEL means: a path to a file, or else a model's name.
 * *path is the caller's to dp_free. DP_ECONFIG names the nearest model. */
dp_status dp_cli_find_model(dp_error *err, char **path, const char *model,
                            const char *configs) DP_MUST_CHECK;

/* That config, changed by what --set says. The caller's to
 * dp_config_free; NULL after a failure. Errors of dp_shipped_open and dp_config_set. */
dp_status dp_cli_open_config(dp_error *err, dp_config **config, const char *model,
                             const dp_common_options *common) DP_MUST_CHECK;

/* The checkpoint that ships with a config: the file that its "published" calls weights,
 * when it is there. *path is the caller's to dp_free, NULL without one. Errors of
 * dp_cli_open_config. */
dp_status dp_cli_find_weights(dp_error *err, char **path, const char *model,
                              const dp_common_options *common) DP_MUST_CHECK;

#endif
