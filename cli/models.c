/* densepred models - the configs that ship */
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "model/shipped.h"

#include <stdio.h>
#include <string.h>

int dp_cli_models(int argc, char **argv)
{
    dp_common_options common = {0};
    const dp_option options[] = {DP_OPTION_CONFIGS(&common), DP_OPTIONS_END};
    const dp_usage usage =
        DP_USAGE("models", "", 0, 0, options,
                 "Lists the names of the configs that ship, for use as MODEL.");
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;

    dp_error err = {0};
    dp_shipped names;
    if (dp_shipped_load(&err, &names, dp_cli_configs(common.configs)) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    for (size_t i = 0; i < names.count; i++)
        printf("%s\n", names.name[i]);
    dp_shipped_done(&names);
    return DP_EXIT_OK;
}
