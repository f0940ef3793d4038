/* configs.h - the configs that ship, as the program looks for them
 *
 * Their folder is the first of these that is there: --configs DIR; the environment's
 * DENSEPRED_CONFIGS; `configs` beside the program, or one or two folders above it (a
 * build tree); ../share/densepred/configs from the program; the installed one.
 */
#ifndef DP_CLI_CONFIGS_H
#define DP_CLI_CONFIGS_H

#include "base/status.h"

/* The folder of configs, NULL for the installed one. `given` is the value of --configs,
 * NULL when it was not given. Valid until the next call; for the main thread only. */
const char *dp_cli_configs(const char *given);

/* The path of the config that MODEL means: a path to a file, or else a model's name.
 * *path is the caller's to dp_free. DP_ECONFIG names the nearest model. */
dp_status dp_cli_find_model(dp_error *err, char **path, const char *model,
                            const char *configs) DP_MUST_CHECK;

/* The checkpoint that ships with a config: the file that its "published" calls weights,
 * when it is there. *path is the caller's to dp_free, NULL without one. Errors as
 * dp_config_load. */
dp_status dp_cli_find_weights(dp_error *err, char **path,
                              const char *config_path) DP_MUST_CHECK;

#endif
