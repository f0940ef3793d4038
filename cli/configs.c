#define _POSIX_C_SOURCE 200809L
#include "cli/configs.h"

#include "model/shipped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *find_near_program(void)
{
    static const char *const places[] = {"/configs", "/../configs", "/../../configs",
                                         "/../share/densepred/configs"};
    static char folder[4096 + 64];
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = NULL;
    if (length > 0) {
        program[length] = '\0';
        slash = strrchr(program, '/');
    }
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        struct stat s;
        snprintf(folder, sizeof folder, "%.*s%s", (int)(slash - program), program,
                 places[i]);
        if (stat(folder, &s) == 0 && S_ISDIR(s.st_mode))
            return folder;
    }
    return NULL;
}

const char *dp_cli_configs(const char *given)
{
    if (!given)
        given = getenv("DENSEPRED_CONFIGS");
    return given ? given : find_near_program();
}

dp_status dp_cli_find_model(dp_error *err, char **path, const char *model,
                            const char *configs)
{
    return dp_shipped_find(err, path, model, dp_cli_configs(configs));
}

dp_status dp_cli_open_config(dp_error *err, dp_config **config, const char *model,
                             const dp_common_options *common)
{
    dp_status st = dp_shipped_open(err, config, model, dp_cli_configs(common->configs));
    if (st == DP_OK)
        st = dp_config_set(err, *config, common->set.item, common->set.count);
    if (st != DP_OK) {
        dp_config_free(*config);
        *config = NULL;
    }
    return st;
}

dp_status dp_cli_find_weights(dp_error *err, char **path, const char *model,
                              const dp_common_options *common)
{
    dp_config *config;
    *path = NULL;
    dp_status st = dp_cli_open_config(err, &config, model, common);
    if (st == DP_OK)
        st = dp_shipped_find_weights(err, path, config);
    dp_config_free(config);
    return st;
}
