/* shipped.h - the models that ship: configs in a folder, some with a checkpoint
 *
 * A model's name is its path in that folder without ".json": coco/mask_rcnn_convnext_tiny.
 * Entries that begin with "_" or "." are no models. The folders `datasets`, `names`, `recipes`
 * and `golden` (the tests' own) are not listed. `configs` is the folder; NULL: where `make
 * install` put it.
 */
#ifndef DP_MODEL_SHIPPED_H
#define DP_MODEL_SHIPPED_H

#include "core/config.h"

#include <stddef.h>

typedef struct dp_shipped {
    char *folder; /* owned */
    char **name;  /* owned, sorted */
    size_t count, capacity;
} dp_shipped;

/* The folder and its models. DP_ECONFIG when there is no such folder, DP_EIO when it
 * cannot be read, DP_ENOMEM; empty then. */
dp_status dp_shipped_load(dp_error *err, dp_shipped *names,
                          const char *configs) DP_MUST_CHECK;
void dp_shipped_done(dp_shipped *names);

/* The path of the config that `model` means: a file, as everything is that ends in ".json";
 * config.json of a folder, such as a training run's; or else a model's name, or the one that
 * its publisher gave it (upstream_names.h). *path is the caller's to dp_free. DP_ECONFIG
 * offers the nearest name, and tells what to do with a Python config. */
dp_status dp_shipped_find(dp_error *err, char **path, const char *model,
                          const char *configs) DP_MUST_CHECK;

/* The config that `model` means, which may be laid over a shipped one. A "base" that is no
 * file beside its config is a name of `configs`, with or without ".json"; folders that are
 * not listed count ("_base_/upernet"). Errors of dp_shipped_find and dp_config_load. */
dp_status dp_shipped_open(dp_error *err, dp_config **out, const char *model,
                          const char *configs) DP_MUST_CHECK;

/* The checkpoint that ships with a config: the file that its "published" calls weights,
 * when it is there. *path is the caller's to dp_free, NULL without one. DP_ENOMEM. */
dp_status dp_shipped_find_weights(dp_error *err, char **path,
                                  const dp_config *config) DP_MUST_CHECK;

#endif
