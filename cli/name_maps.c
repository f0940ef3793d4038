#define _POSIX_C_SOURCE 200809L
#include "cli/name_maps.h"

#include "cli/configs.h"
#include "model/shipped.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_map(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static dp_status find_in(dp_error *err, dp_name_map **out, const char *folder,
                         const dp_named_tensor *tensors, size_t count)
{
    char names[4096];
    struct dirent **entries;
    snprintf(names, sizeof names, "%s/names", folder);
    const int n = scandir(names, &entries, is_map, alphasort);
    if (n < 0)
        return DP_OK; /* a folder of configs of somebody's own may have none */
    dp_status st = DP_OK;
    for (int i = 0; i < n; i++) {
        char path[8192];
        dp_name_map *map = NULL;
        snprintf(path, sizeof path, "%s/%s", names, entries[i]->d_name);
        if (st == DP_OK && !*out)
            st = dp_name_map_load(err, &map, path);
        if (map && dp_name_map_fits(map, tensors, count))
            *out = map;
        else
            dp_name_map_free(map);
        free(entries[i]);
    }
    free(entries);
    return st;
}

dp_status dp_cli_find_name_map(dp_error *err, dp_name_map **out, const char *configs,
                               const dp_named_tensor *tensors, size_t count)
{
    dp_shipped folder;
    *out = NULL;
    dp_status st = dp_shipped_load(err, &folder, dp_cli_configs(configs));
    if (st != DP_OK)
        return st;
    st = find_in(err, out, folder.folder, tensors, count);
    dp_shipped_done(&folder);
    return st;
}
