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

/* What the list of modules does not have. */
static const struct {
    const char *section, *summary;
    const dp_param *params;
} sections[] = {
    {"input", "how an image becomes a tensor", dp_input_params},
    {"train", "how a classifier is trained", dp_recipe_params},
};
static const size_t section_count = sizeof sections / sizeof *sections;

/* A search by type or by section. */
typedef struct search {
    dp_nearest nearest;
    dp_text *text;
    bool found;
} search;

static void consider(search *s, const char *section, const char *part, const char *name,
                     const char *summary, const dp_param *params)
{
    dp_nearest_offer(&s->nearest, name);
    dp_nearest_offer(&s->nearest, section);
    if (strcmp(s->nearest.word, name) != 0 && strcmp(s->nearest.word, section) != 0)
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
        consider(&s, dp_module_kind_section((*m)->kind),
                 (*m)->kind == DP_MODULE_MODEL ? "test of"
                                               : dp_module_kind_name((*m)->kind),
                 (*m)->name, (*m)->summary, (*m)->params);
    for (size_t i = 0; i < section_count; i++)
        consider(&s, sections[i].section, "section", sections[i].section,
                 sections[i].summary, sections[i].params);

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
            dp_cli_usage("--explain: %s: unknown type; densepred config --types lists "
                         "them",
                         type);
    dp_text_done(&text);
    return status;
}

/* ---- --types ---------------------------------------------------------------- */

/* A line a type: the section that it stands in, its name and what it is. */
static int list_types(void)
{
    for (const dp_module *const *m = dp_modules; *m; m++)
        printf("%-15s %-22s %s\n",
               (*m)->kind == DP_MODULE_MODEL ? "(the config)"
                                             : dp_module_kind_section((*m)->kind),
               (*m)->name, (*m)->summary);
    for (size_t i = 0; i < section_count; i++)
        printf("%-15s %-22s %s\n", sections[i].section, "", sections[i].summary);
    return DP_EXIT_OK;
}

/* ---- the command ----------------------------------------------------------- */

int dp_cli_config(int argc, char **argv)
{
    dp_common_options common = {0};
    const char *model = NULL, *type = NULL, *checkpoint = NULL;
    bool origins = false, types = false;
    const dp_option options[] = {
        DP_TEXT("dump", 0, "MODEL", &model, "print the config with its bases merged"),
        DP_FLAG("origins", 0, &origins,
                "with --dump: each value and the file it is from"),
        DP_TEXT("explain", 0, "TYPE", &type,
                "print the keys of a type, or of a section: \"backbone\", \"test\", "
                "\"input\", \"train\""),
        DP_FLAG("types", 0, &types, "list the types, with the section of each"),
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
    const int wishes = !!model + !!type + !!checkpoint + types;
    if (wishes != 1)
        return dp_cli_usage("config needs %s --dump MODEL, --explain TYPE, --types or "
                            "--from CHECKPOINT",
                            wishes > 0 ? "only one of" : "one of");
    if (origins && !model)
        return dp_cli_usage("--origins needs --dump MODEL");
    if (common.out && !checkpoint)
        return dp_cli_usage("--out needs --from CHECKPOINT");
    if (checkpoint)
        return dp_cli_config_from(checkpoint, &common);
    if (types)
        return list_types();
    return model ? dump(model, &common, origins) : explain(type);
}
