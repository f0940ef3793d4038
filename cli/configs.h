/* configs.h - the configs that ship: where they are, which there are
 *
 * Their folder is the first of these that is there: --configs DIR; the environment's
 * DENSEPRED_CONFIGS; `configs` beside the program, or one or two folders above it (a
 * build tree); ../share/densepred/configs from the program; the installed one.
 *
 * A model's name is its path in that folder without ".json": coco/mask_rcnn_convnext_tiny.
 * Folders that begin with "_", `datasets` and `names` hold no models.
 */
#ifndef DP_CLI_CONFIGS_H
#define DP_CLI_CONFIGS_H

#include "base/status.h"

#include <stddef.h>

typedef struct dp_config_names {
    char *folder; /* owned */
    char **name;  /* owned, sorted */
    size_t count, capacity;
} dp_config_names;

/* The folder and its models. `configs` is the value of --configs, NULL when it was not
 * given. DP_ECONFIG when there is no such folder, DP_EIO when it cannot be read,
 * DP_ENOMEM; empty then. */
dp_status dp_config_names_load(dp_error *err, dp_config_names *names,
                               const char *configs) DP_MUST_CHECK;
void dp_config_names_done(dp_config_names *names);

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
