/* densepred config - a config with its bases merged */
#include "core/config.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "core/memory.h"

#include <stdio.h>

static int dump(const char *model, const char *configs, bool origins)
{
    dp_error err = {0};
    char *path;
    dp_config *config = NULL;
    dp_text text = {.err = &err};
    dp_status st = dp_cli_find_model(&err, &path, model, configs);
    if (st == DP_OK)
        st = dp_config_load(&err, &config, path);
    if (st == DP_OK) {
        if (origins)
            dp_config_format_origins(config, &text);
        else
            dp_config_format(config, &text);
        st = text.status;
    }
    if (st == DP_OK)
        fputs(dp_text_get(&text), stdout);
    dp_text_done(&text);
    dp_config_free(config);
    dp_free(path);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&err, DP_SUBJECT_MODEL);
}

int dp_cli_config(int argc, char **argv)
{
    dp_common_options common = {0};
    const char *model = NULL;
    bool origins = false;
    const dp_option options[] = {
        DP_TEXT("dump", 0, "MODEL", &model, "print the config with its bases merged"),
        DP_FLAG("origins", 0, &origins,
                "with --dump: each value and the file it is from"),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "config",
        .arguments = "",
        .about = "Shows what a config says in the end.",
        .options = options,
    };
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (!model)
        return dp_cli_usage("config: found nothing to do, expected --dump MODEL");
    return dump(model, common.configs, origins);
}
