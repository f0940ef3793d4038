/* densepred config - a config with its bases merged, and the keys of a type */
#include "core/config.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/config_from.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "core/module.h"
#include "model/input.h"
#include "train/recipe.h"

#include <stdio.h>
#include <string.h>

/* ---- --dump ---------------------------------------------------------------- */

static int dump(const char *model, const dp_common_options *common, bool origins)
{
    dp_error err = {0};
    dp_config *config;
    dp_text text = {.err = &err};
    dp_status st = dp_cli_open_config(&err, &config, model, common);
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
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&err, DP_SUBJECT_MODEL);
}

/* ---- --explain ------------------------------------------------------------- */

/* A search over the list of modules. */
typedef struct search {
    dp_nearest nearest;
    dp_text *text;
    bool found;
} search;

static void consider(search *s, const char *part, const char *name, const char *summary,
                     const dp_param *params)
{
    dp_nearest_offer(&s->nearest, name);
    if (strcmp(s->nearest.word, name) != 0)
        return;
    dp_text_add(s->text, "%s%s %s: %s\n", s->found ? "\n" : "", part, name, summary);
    dp_params_explain(s->text, params);
    s->found = true;
}

static int explain(const char *type)
{
    dp_error err = {0};
    dp_text text = {.err = &err};
    search s = {.nearest = {.word = type}, .text = &text};
    for (const dp_module *const *m = dp_modules; *m; m++)
        consider(&s,
                 (*m)->kind == DP_MODULE_MODEL ? "test of"
                                               : dp_module_kind_name((*m)->kind),
                 (*m)->name, (*m)->summary, (*m)->params);
    consider(&s, "section", "input", "how an image becomes a tensor", dp_input_params);
    consider(&s, "section", "train", "how a classifier is trained", dp_recipe_params);

    int status = DP_EXIT_OK;
    if (text.status != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_MODEL);
    else if (s.found)
        fputs(dp_text_get(&text), stdout);
    else if (s.nearest.best)
        status = dp_cli_usage("--explain: %s: unknown type, did you mean %s?", type,
                              s.nearest.best);
    else
        status =
            dp_cli_usage("--explain: %s: unknown type, expected one that a config's "
                         "\"type\" may name",
                         type);
    dp_text_done(&text);
    return status;
}

/* ---- the command ----------------------------------------------------------- */

int dp_cli_config(int argc, char **argv)
{
    dp_common_options common = {0};
    const char *model = NULL, *type = NULL, *checkpoint = NULL;
    bool origins = false;
    const dp_option options[] = {
        DP_TEXT("dump", 0, "MODEL", &model, "print the config with its bases merged"),
        DP_FLAG("origins", 0, &origins,
                "with --dump: each value and the file it is from"),
        DP_TEXT("explain", 0, "TYPE", &type,
                "print the keys of a part, of a model's \"test\", of \"input\" or "
                "\"train\""),
        DP_TEXT("from", 0, "CHECKPOINT", &checkpoint,
                "write a config that fits a checkpoint, and its class file"),
        DP_TEXT("out", 'o', "FILE", &common.out,
                "with --from: the config's file (default: STEM.json in this folder)"),
        DP_OPTION_SET(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE("config", "", 0, 0, options,
                 "Shows what a config says in the end, or what it may say.");
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (!!model + !!type + !!checkpoint != 1)
        return dp_cli_usage("config needs %s --dump MODEL, --explain TYPE or --from "
                            "CHECKPOINT",
                            model || type || checkpoint ? "only one of" : "one of");
    if (checkpoint)
        return dp_cli_config_from(checkpoint, &common);
    return model ? dump(model, &common, origins) : explain(type);
}
