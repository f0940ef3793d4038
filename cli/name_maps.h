/* name_maps.h - whose names a checkpoint has, when no model says whose they may be
 */
#ifndef DP_CLI_NAME_MAPS_H
#define DP_CLI_NAME_MAPS_H

#include "io/checkpoint/name_map.h"

/* The first map, by its file's name, of the folder "names" among the configs that fits the
 * tensors: the caller's to dp_name_map_free, NULL when none does. `configs` is the value of
 * --configs, NULL when it was not given. Errors as dp_shipped_load and
 * dp_name_map_load. */
dp_status dp_cli_find_name_map(dp_error *err, dp_name_map **out, const char *configs,
                               const dp_named_tensor *tensors,
                               size_t count) DP_MUST_CHECK;

#endif
