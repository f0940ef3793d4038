#include "model/names.h"

#include "base/memory.h"
#include "io/checkpoint/name_map.h"

#include <stdio.h>

/* Apply the map at `path` when it fits. */
static dp_status try_map(dp_error *err, dp_renamed *r, const char *path)
{
    dp_name_map *map;
    dp_status st = dp_name_map_load(err, &map, path);
    if (st != DP_OK)
        return st;
    if (dp_name_map_fits(map, r->tensors, r->count)) {
        size_t renamed;
        st = dp_name_map_apply(err, map, &r->owned, &renamed, r->tensors, r->count);
        if (st == DP_OK) {
            r->tensors = r->owned;
            r->count = renamed;
            snprintf(r->name, sizeof r->name, "%s", dp_name_map_name(map));
        }
    }
    dp_name_map_free(map);
    return st;
}

dp_status dp_names_apply(dp_error *err, dp_renamed *r, const dp_config *config,
                         const dp_named_tensor *tensors, size_t count)
{
    *r = (dp_renamed){.tensors = tensors, .count = count};
    const cJSON *list =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "names");
    const cJSON *item;
    dp_status st = DP_OK;
    if (list && !cJSON_IsArray(list))
        return dp_fail(err, DP_ECONFIG, "%s: names: expected a list of name maps",
                       dp_config_path(config));
    cJSON_ArrayForEach(item, list)
    {
        char *path = NULL;
        if (!cJSON_IsString(item))
            st = dp_fail(err, DP_ECONFIG, "%s: names: expected paths of name maps",
                         dp_config_path(config));
        else
            st = dp_config_resolve(err, &path, config, item);
        if (st == DP_OK)
            st = try_map(err, r, path);
        dp_free(path);
        if (st != DP_OK || r->owned)
            break;
    }
    return st;
}

void dp_names_done(dp_renamed *r)
{
    dp_free(r->owned);
    *r = (dp_renamed){0};
}
