#define _POSIX_C_SOURCE 200809L
/* densepred convert - a checkpoint as safetensors, under the original names */
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "core/memory.h"
#include "io/checkpoint.h"
#include "io/name_map.h"
#include "io/safetensors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_map(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

/* The tensors renamed by the first map of the folder that fits them; *renamed stays NULL
 * and *count what it is when none does. */
static dp_status rename_tensors(dp_error *err, dp_named_tensor **renamed, char *whose,
                                size_t whose_size, const char *folder,
                                const dp_named_tensor *tensors, size_t *count)
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
        if (st == DP_OK && !*renamed)
            st = dp_name_map_load(err, &map, path);
        if (map && dp_name_map_fits(map, tensors, *count)) {
            st = dp_name_map_apply(map, err, renamed, count, tensors, *count);
            snprintf(whose, whose_size, "%s", dp_name_map_name(map));
        }
        dp_name_map_free(map);
        free(entries[i]);
    }
    free(entries);
    return st;
}

static int convert(const dp_checkpoint *checkpoint, const char *out,
                   const char *configs)
{
    dp_error err = {0};
    dp_config_names folder;
    dp_named_tensor *renamed = NULL;
    char whose[64] = "";
    size_t count;
    const dp_named_tensor *tensors = dp_checkpoint_tensors(checkpoint, &count);
    if (dp_config_names_load(&err, &folder, configs) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    dp_status st = rename_tensors(&err, &renamed, whose, sizeof whose, folder.folder,
                                  tensors, &count);
    dp_config_names_done(&folder);
    int status = DP_EXIT_OK;
    if (st != DP_OK) {
        status = dp_cli_fail(&err, DP_SUBJECT_MODEL);
    } else {
        const char *const metadata[] = {"format", "pt", "names",
                                        whose[0] ? whose : "original", NULL};
        st = dp_safetensors_save(&err, out, renamed ? renamed : tensors, count,
                                 metadata);
        if (st == DP_OK)
            printf("%s: %zu tensors%s%s%s\n", out, count,
                   whose[0] ? ", renamed from " : "", whose,
                   whose[0] ? "'s names" : "");
        else
            status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    }
    dp_free(renamed);
    return status;
}

int dp_cli_convert(int argc, char **argv)
{
    dp_common_options common = {0};
    const dp_option options[] = {DP_OPTION_CONFIGS(&common), DP_OPTIONS_END};
    const dp_usage usage = {
        .name = "convert",
        .arguments = "CHECKPOINT OUT",
        .about = "Writes a checkpoint's state dict as safetensors, under the original "
                 "project's names where it has others that are known.",
        .options = options,
        .least = 2,
        .most = 2,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    dp_error err = {0};
    dp_checkpoint *checkpoint;
    if (dp_checkpoint_open(&checkpoint, args.item[0], &err) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    status = convert(checkpoint, args.item[1], common.configs);
    dp_checkpoint_close(checkpoint);
    return status;
}
