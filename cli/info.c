/* densepred info - what a model costs, beside the published numbers */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "cli/session.h"
#include "model/model.h"
#include "model/shipped.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An image for which memory is told. */
static const dp_size photograph = {480, 640};

typedef struct info {
    const char *name;
    const cJSON *published; /* of the config; NULL when it has none */
    uint64_t params;        /* as they are published: parts of training included */
    dp_size input;          /* for which the work is told */
    dp_model_work work, photo_work;
    uint64_t weight_bytes;
    dp_feature_specs maps;
} info;

/* ---- measuring ------------------------------------------------------------------------ */

static double number_at(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

/* The input that the published work is of; else the config's own scale. */
static dp_size input_size(const cJSON *root)
{
    const cJSON *published = cJSON_GetObjectItemCaseSensitive(root, "published");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(published, "gflops_input");
    if (cJSON_GetArraySize(size) != 2)
        size = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(root, "input"), "scale");
    const cJSON *h = cJSON_GetArrayItem(size, 0), *w = cJSON_GetArrayItem(size, 1);
    return (dp_size){h ? h->valueint : 0, w ? w->valueint : 0};
}

/* Build without weights; the model is the caller's to free. */
static dp_status build(dp_context *ctx, dp_model **m, const dp_config *config)
{
    return dp_model_build(ctx, m, config, &(dp_model_weights){.counting = true}, NULL);
}

/* The work of the network itself: on an input of this size as it is, in one piece. */
static dp_status measure_input(dp_context *ctx, dp_config *config, info *out)
{
    char changes[200];
    const char *whole =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "decode_head")
            ? ", \"test\": {\"mode\": \"whole\", \"ratios\": [1.0], "
              "\"flip\": false}"
            : "";
    snprintf(changes, sizeof changes, "{\"input\": {\"scale\": [%d, %d]}%s}",
             out->input.h, out->input.w, whole);
    dp_model *m = NULL;
    dp_status st = dp_config_lay(&ctx->err, config, changes, "info");
    if (st == DP_OK)
        st = build(ctx, &m, config);
    if (st == DP_OK)
        st = dp_model_measure(ctx, m, out->input, &out->work);
    dp_model_free(m);
    return st;
}

/* *config is the caller's to free, also after a failure. */
static dp_status measure(dp_context *ctx, const char *name,
                         const dp_common_options *common, info *out, dp_config **config)
{
    dp_model *m = NULL;
    dp_status st = dp_cli_open_config(&ctx->err, config, name, common);
    if (st == DP_OK)
        st = build(ctx, &m, *config);
    if (st != DP_OK)
        return st;
    const cJSON *root = dp_config_root(*config);
    out->published = cJSON_GetObjectItemCaseSensitive(root, "published");
    out->params = m->params + m->training_params;
    out->weight_bytes = m->packed_bytes;
    out->maps = dp_backbone_describe(&m->backbone);
    out->input = input_size(root);
    st = dp_model_measure(ctx, m, photograph, &out->photo_work);
    const bool fitted = m->def->task != DP_TASK_CLASSIFY;
    if (!fitted)
        out->work = out->photo_work; /* its input has one size, whatever the image's */
    dp_model_free(m);
    return st == DP_OK && fitted ? measure_input(ctx, *config, out) : st;
}

/* ---- printing ------------------------------------------------------------------------- */

static void add_thousands(dp_text *out, uint64_t n)
{
    if (n >= 1000) {
        add_thousands(out, n / 1000);
        dp_text_add(out, ",%03d", (int)(n % 1000));
    } else {
        dp_text_add(out, "%d", (int)n);
    }
}

static void format_text(dp_text *out, const info *i)
{
    dp_text_add(out, "%s\n  params    ", i->name);
    add_thousands(out, i->params);
    dp_text_add(out,
                "\n  work      %.2f GMAC on 3 x %d x %d; %.2f by the published "
                "counter's rules\n  memory    %.0f MB of weights, %.0f MB of work "
                "space for an image of %d x %d\n  maps     ",
                i->work.macs * 1e-9, i->input.h, i->input.w,
                i->work.macs_published * 1e-9, (double)i->weight_bytes / (1 << 20),
                (double)i->photo_work.bytes / (1 << 20), photograph.w, photograph.h);
    for (int k = 0; k < i->maps.count; k++)
        dp_text_add(out, " %s: %d channels, stride %d%s", i->maps.spec[k].name,
                    i->maps.spec[k].channels, i->maps.spec[k].stride,
                    k + 1 < i->maps.count ? ";" : "");
    dp_text_add(out, "\n");
    const cJSON *value;
    cJSON_ArrayForEach(value, i->published)
    {
        if (cJSON_IsNumber(value))
            dp_text_add(out, "  published %s: %.10g\n", value->string,
                        value->valuedouble);
        else if (cJSON_IsString(value))
            dp_text_add(out, "  published %s: %s\n", value->string, value->valuestring);
    }
}

static void format_json(dp_text *out, const info *i, bool first)
{
    dp_text_add(out, "%s{\"name\": ", first ? "" : ",\n ");
    dp_text_add_quoted(out, i->name);
    dp_text_add(
        out,
        ", \"params\": %" PRIu64 ", \"macs\": %.0f, \"macs_published_rule\": %.0f, "
        "\"input\": [3, %d, %d], \"features\": [",
        i->params, i->work.macs, i->work.macs_published, i->input.h, i->input.w);
    for (int k = 0; k < i->maps.count; k++)
        dp_text_add(out, "%s{\"name\": \"%s\", \"channels\": %d, \"stride\": %d}",
                    k ? ", " : "", i->maps.spec[k].name, i->maps.spec[k].channels,
                    i->maps.spec[k].stride);
    dp_text_add(out, "], \"peak_bytes\": %" PRIu64 ", \"published\": ",
                i->weight_bytes + i->photo_work.bytes);
    char *published = i->published ? cJSON_PrintUnformatted(i->published) : NULL;
    dp_text_add(out, "%s}", published ? published : "null");
    cJSON_free(published);
}

/* The published quality, whatever the model is for. */
static void add_quality(dp_text *out, const cJSON *published)
{
    static const struct {
        const char *key, *label;
    } figures[] = {{"box_AP", "box AP"},
                   {"mask_AP", "mask AP"},
                   {"mIoU", "mIoU"},
                   {"mIoU_ms_flip", "multi-scale"},
                   {"top1", "top-1"}};
    bool first = true;
    for (size_t k = 0; k < sizeof figures / sizeof figures[0]; k++)
        if (number_at(published, figures[k].key) > 0) {
            dp_text_add(out, "%s%s %.1f", first ? "" : ", ", figures[k].label,
                        number_at(published, figures[k].key));
            first = false;
        }
}

static void format_row(dp_text *out, const info *i, bool markdown)
{
    const double published = number_at(i->published, "gflops");
    dp_text_add(out, markdown ? "| `%s` | " : "%-44s ", i->name);
    dp_text_add(out, markdown ? "%.1f M | %.2f | " : "%8.1f M %9.2f ",
                (double)i->params * 1e-6, i->work.macs_published * 1e-9);
    if (published > 0)
        dp_text_add(out, markdown ? "%g | " : "%9g  ", published);
    else
        dp_text_add(out, markdown ? " | " : "%9s  ", "");
    add_quality(out, i->published);
    dp_text_add(out, markdown ? " |\n" : "\n");
}

static void format_head(dp_text *out, bool markdown)
{
    if (markdown)
        dp_text_add(out,
                    "| model | parameters | GMAC | published | published quality |\n"
                    "|---|---|---|---|---|\n");
    else
        dp_text_add(out, "%-44s %10s %9s %9s  %s\n", "model", "params", "GMAC",
                    "published", "published quality");
}

/* ---- the command ----------------------------------------------------------------------- */

typedef enum layout { TEXT, TABLE, MARKDOWN } layout;

/* What is told: as a layout, and as JSON. */
typedef struct told {
    layout form;
    dp_text text, json;
} told;

static dp_status add_model(dp_context *ctx, told *out, const char *name,
                           const dp_common_options *common, bool first)
{
    dp_config *config = NULL;
    info i = {.name = name};
    const dp_status st = measure(ctx, name, common, &i, &config);
    if (st == DP_OK && out->form == TEXT)
        format_text(&out->text, &i);
    else if (st == DP_OK)
        format_row(&out->text, &i, out->form == MARKDOWN);
    if (st == DP_OK)
        format_json(&out->json, &i, first);
    dp_config_free(config);
    return st;
}

static dp_status add_all(dp_context *ctx, told *out, const dp_common_options *common)
{
    dp_shipped names;
    dp_status st = dp_shipped_load(&ctx->err, &names, dp_cli_configs(common->configs));
    for (size_t k = 0; k < names.count && st == DP_OK; k++)
        st = add_model(ctx, out, names.name[k], common, k == 0);
    dp_shipped_done(&names);
    return st;
}

static dp_status tell(dp_context *ctx, told *out, const char *model,
                      const dp_common_options *common)
{
    out->text.err = out->json.err = &ctx->err;
    if (!model)
        dp_text_add(&out->json, "[");
    if (out->form != TEXT)
        format_head(&out->text, out->form == MARKDOWN);
    dp_status st =
        model ? add_model(ctx, out, model, common, true) : add_all(ctx, out, common);
    dp_text_add(&out->json, model ? "\n" : "]\n");
    if (st == DP_OK)
        st = out->text.status;
    return st == DP_OK ? out->json.status : st;
}

static int run(dp_context *ctx, const char *model, const dp_common_options *common,
               layout form, const char *json)
{
    told out = {.form = form};
    int status = DP_EXIT_OK;
    if (tell(ctx, &out, model, common) != DP_OK)
        status = dp_cli_fail(&ctx->err, DP_SUBJECT_MODEL);
    else
        status = dp_cli_print(dp_text_get(&out.text), dp_text_get(&out.json), json);
    dp_text_done(&out.text);
    dp_text_done(&out.json);
    return status;
}

int dp_cli_info(int argc, char **argv)
{
    dp_common_options common = {0};
    bool all = false, markdown = false;
    const char *json = NULL;
    const dp_option options[] = {
        DP_FLAG("all", 0, &all, "every model that ships, as a table"),
        DP_FLAG("markdown", 0, &markdown, "the table in Markdown"),
        DP_OPTION_JSON(&json),
        DP_OPTION_SET(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = DP_USAGE(
        "info", "[MODEL]", 0, 1, options,
        "Tells a model's parameters, work, maps and memory, beside the published "
        "numbers.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (all == (args.count == 1))
        return dp_cli_usage("info: needs either a MODEL or --all");
    dp_context *ctx;
    status = dp_cli_start(&ctx, &(dp_common_options){.threads = 1});
    if (status != DP_EXIT_OK)
        return status;
    const layout one = markdown ? MARKDOWN : TEXT;
    status = run(ctx, all ? NULL : args.item[0], &common,
                 all && one == TEXT ? TABLE : one, json);
    dp_context_free(ctx);
    return status;
}
