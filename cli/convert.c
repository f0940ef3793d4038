/* densepred convert - a checkpoint as safetensors, under the upstream names */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/name_maps.h"
#include "cli/options.h"
#include "io/checkpoint/checkpoint.h"
#include "io/checkpoint/safetensors.h"

#include <stdio.h>
#include <string.h>

/* Write the tensors, renamed where `map` is not NULL. */
static int write(const char *out, const dp_name_map *map,
                 const dp_named_tensor *tensors, size_t count)
{
    dp_error err = {0};
    dp_named_tensor *renamed = NULL;
    const char *whose = map ? dp_name_map_name(map) : "original";
    const char *const metadata[] = {"format", "pt", "names", whose, NULL};
    if (map && dp_name_map_apply(&err, map, &renamed, &count, tensors, count) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    const dp_status st =
        dp_safetensors_save(&err, out, map ? renamed : tensors, count, metadata);
    dp_free(renamed);
    if (st != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    printf("%s: %zu tensors%s%s%s\n", out, count, map ? ", renamed from " : "",
           map ? whose : "", map ? "'s names" : "");
    return DP_EXIT_OK;
}

static int convert(const dp_checkpoint *checkpoint, const char *out,
                   const char *configs)
{
    dp_error err = {0};
    dp_name_map *map;
    size_t count;
    const dp_named_tensor *tensors = dp_checkpoint_tensors(checkpoint, &count);
    if (dp_cli_find_name_map(&err, &map, configs, tensors, count) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    const int status = write(out, map, tensors, count);
    dp_name_map_free(map);
    return status;
}

int dp_cli_convert(int argc, char **argv)
{
    dp_common_options common = {0};
    const dp_option options[] = {DP_OPTION_CONFIGS(&common), DP_OPTIONS_END};
    const dp_usage usage =
        DP_USAGE("convert", "CHECKPOINT OUT.safetensors", 2, 2, options,
                 "Writes a checkpoint's state dict as safetensors, under upstream "
                 "project's names where it has others that are known.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    const char *out = args.item[1], *dot = strrchr(out, '.');
    if (!dot || strcmp(dot, ".safetensors") != 0)
        return dp_cli_usage("%s: convert writes safetensors, so the name must end in "
                            ".safetensors",
                            out);
    dp_error err = {0};
    dp_checkpoint *checkpoint;
    if (dp_checkpoint_open(&err, &checkpoint, args.item[0]) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    status = convert(checkpoint, out, common.configs);
    dp_checkpoint_close(checkpoint);
    return status;
}
