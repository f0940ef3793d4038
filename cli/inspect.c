/* densepred inspect - what a checkpoint holds, and how it fits a model */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/load_log.h"
#include "cli/name_maps.h"
#include "cli/options.h"
#include "cli/session.h"
#include "io/checkpoint/checkpoint.h"
#include "model/fit.h"
#include "model/model.h"
#include "model/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What there is to say, gathered before anything is printed. */
typedef struct report {
    const dp_checkpoint *checkpoint;
    const dp_named_tensor *tensors;
    size_t count;
    size_t checked;    /* checksums that were compared */
    const char *model; /* NULL: none was named */
    dp_status fit;     /* of the model's build */
    dp_mismatches mismatches;
    char names[64]; /* whose names the checkpoint has; "": of no map */

    /* The shipped config that fits, where no model was named or it does not fit; "": none. */
    char fits[200];
    bool verbose;
} report;

/* ---- as text ------------------------------------------------------------------- */

/* Bytes of a file, cut and without what could steer a terminal or break the line. */
static void add_clean(dp_text *out, const char *bytes, size_t size, size_t most)
{
    char text[DP_MAX_TENSOR_NAME + 1];
    const size_t n = size < most ? size : most;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        text[i] = c < 0x20 || c == 0x7f ? '?' : bytes[i];
    }
    dp_text_add(out, "%.*s%s", (int)n, text, size > most ? "..." : "");
}

static void add_name(dp_text *out, const char *name)
{
    add_clean(out, name, strlen(name), DP_MAX_TENSOR_NAME);
}

static void add_value(dp_text *out, const dp_pickle_values *values, dp_pickle_value v)
{
    dp_name text;
    switch (dp_pickle_value_kind(values, v)) {
    case DP_PICKLE_BOOL:
        dp_text_add(out, dp_pickle_value_int(values, v) ? "true" : "false");
        break;
    case DP_PICKLE_INT:
        dp_text_add(out, "%" PRId64, dp_pickle_value_int(values, v));
        break;
    case DP_PICKLE_FLOAT:
        dp_text_add(out, "%.9g", dp_pickle_value_float(values, v));
        break;
    case DP_PICKLE_TEXT:
        text = dp_pickle_value_text(values, v);
        dp_text_add(out, "\"");
        add_clean(out, text.text, text.size, 60);
        dp_text_add(out, "\"");
        break;
    default:
        dp_text_add(out, "a %s", dp_pickle_kind_name(dp_pickle_value_kind(values, v)));
        if (dp_pickle_value_count(values, v) > 0)
            dp_text_add(out, " of %zu", dp_pickle_value_count(values, v));
    }
}

/* The values beside the tensors, two levels deep: epoch, class names, optimizer. */
static void add_values(dp_text *out, const dp_pickle_values *values, dp_pickle_value v,
                       const char *source, int depth)
{
    for (size_t i = 0; i < dp_pickle_value_count(values, v); i++) {
        const dp_pickle_value key = dp_pickle_value_key(values, v, i),
                              item = dp_pickle_value_item(values, v, i);
        if (dp_pickle_value_kind(values, key) != DP_PICKLE_TEXT ||
            dp_pickle_value_kind(values, item) == DP_PICKLE_TENSOR)
            continue;
        const dp_name name = dp_pickle_value_text(values, key);
        if (depth == 0 && strlen(source) == name.size &&
            memcmp(source, name.text, name.size) == 0)
            continue;
        dp_text_add(out, "%*s", 2 + 2 * depth, "");
        add_clean(out, name.text, name.size, 60);
        dp_text_add(out, ": ");
        add_value(out, values, item);
        dp_text_add(out, "\n");
        if (depth == 0 && dp_pickle_value_kind(values, item) == DP_PICKLE_DICT)
            add_values(out, values, item, source, depth + 1);
    }
}

static void add_not_read(dp_text *out, const dp_checkpoint *c)
{
    size_t count;
    const dp_refusal *refused = dp_checkpoint_refusals(c, &count);
    for (size_t i = 0; i < count; i++) {
        dp_text_add(out, "not read: ");
        add_name(out, refused[i].name);
        dp_text_add(out, ": a ");
        add_name(out, refused[i].class);
        dp_text_add(out, "\n");
    }
    const char *const *globals = dp_checkpoint_globals(c, &count);
    for (size_t i = 0; i < count; i++) {
        dp_text_add(out, "skipped, never executed: ");
        add_name(out, globals[i]);
        dp_text_add(out, "\n");
    }
}

static void add_mismatches(dp_text *out, const report *r)
{
    static const char *const words[] = {[DP_MISMATCH_MISSING] = "missing",
                                        [DP_MISMATCH_UNEXPECTED] = "unexpected",
                                        [DP_MISMATCH_SHAPE] = "another shape"};
    const size_t count = r->mismatches.count;
    const size_t shown =
        r->verbose || count < DP_LOAD_LOG_LINES ? count : DP_LOAD_LOG_LINES;
    for (size_t i = 0; i < shown; i++) {
        const dp_mismatch *x = &r->mismatches.list[i];
        dp_text_add(out, "%s: ", words[x->kind]);
        add_name(out, x->name);
        dp_text_add(out, "%s%s\n", x->detail[0] ? ": " : "", x->detail);
    }
    if (shown < count)
        dp_text_add(out, "and %zu more; --verbose shows all\n", count - shown);
}

static void add_fit(dp_text *out, const report *r, const char *why)
{
    if (r->names[0])
        dp_text_add(out, "names: %s's\n", r->names);
    if (r->model && r->fit == DP_OK)
        dp_text_add(out, "fits %s: every tensor has its place\n", r->model);
    else if (r->model)
        dp_text_add(out, "does not fit %s: %s\n", r->model, why);
    if (r->fits[0])
        dp_text_add(out, "fits %s\n", r->fits);
    add_mismatches(out, r);
}

static void format_text(dp_text *out, const report *r, const char *why)
{
    const dp_checkpoint *c = r->checkpoint;
    const char *source = dp_checkpoint_source(c), *prefix = dp_checkpoint_prefix(c);
    dp_pickle_value root;
    const dp_pickle_values *meta = dp_checkpoint_values(c, &root);
    size_t values = 0;
    for (size_t i = 0; i < r->count; i++)
        values += dp_named_tensor_count(&r->tensors[i]);

    dp_text_add(out, "%s, %zu tensors of %zu values%s%s%s%s\n", dp_checkpoint_format(c),
                r->count, values, source[0] ? ", under " : "", source,
                prefix[0] ? ", without the prefix " : "", prefix);
    add_values(out, meta, root, source, 0);
    for (size_t i = 0; i < r->count; i++) {
        const dp_named_tensor *t = &r->tensors[i];
        char shape[200];
        dp_named_tensor_format_shape(shape, sizeof shape, t->rank, t->shape);
        dp_text_add(out, "  %-4s %-22s ", dp_checkpoint_type(c, t)->name, shape);
        add_name(out, t->name);
        dp_text_add(out, "\n");
    }
    add_not_read(out, c);
    if (r->checked > 0)
        dp_text_add(out, "%zu checksums are right\n", r->checked);
    add_fit(out, r, why);
}

/* ---- as JSON ------------------------------------------------------------------- */

static void add_names(dp_text *out, const report *r, const char *key,
                      dp_mismatch_kind kind)
{
    bool first = true;
    dp_text_add(out, "\"%s\": [", key);
    for (size_t i = 0; i < r->mismatches.count; i++) {
        const dp_mismatch *x = &r->mismatches.list[i];
        if (x->kind != kind)
            continue;
        dp_text_add(out, first ? "" : ", ");
        dp_text_add_quoted(out, x->name);
        first = false;
    }
    dp_text_add(out, "]");
}

static void add_tensors_json(dp_text *out, const report *r)
{
    dp_text_add(out, " \"tensors\": [");
    for (size_t i = 0; i < r->count; i++) {
        const dp_named_tensor *t = &r->tensors[i];
        char shape[200];
        dp_named_tensor_format_shape(shape, sizeof shape, t->rank, t->shape);
        dp_text_add(out, "%s\n  {\"name\": ", i ? "," : "");
        dp_text_add_quoted(out, t->name);
        dp_text_add(out, ", \"dtype\": \"%s\", \"shape\": %s}",
                    dp_checkpoint_type(r->checkpoint, t)->name, shape);
    }
    dp_text_add(out, "],\n");
}

static void format_json(dp_text *out, const report *r)
{
    const dp_checkpoint *c = r->checkpoint;
    dp_text_add(out, "{\"format\": \"%s\", \"source\": ", dp_checkpoint_format(c));
    dp_text_add_quoted(out, dp_checkpoint_source(c));
    dp_text_add(out, ",\n");
    add_tensors_json(out, r);
    size_t count;
    const char *const *globals = dp_checkpoint_globals(c, &count);
    dp_text_add(out, " \"refused\": [");
    for (size_t i = 0; i < count; i++) {
        dp_text_add(out, i ? ", " : "");
        dp_text_add_quoted(out, globals[i]);
    }
    dp_text_add(out, "]");
    if (r->model) {
        dp_text_add(out, ",\n \"model\": {");
        add_names(out, r, "missing", DP_MISMATCH_MISSING);
        dp_text_add(out, ", ");
        add_names(out, r, "unexpected", DP_MISMATCH_UNEXPECTED);
        dp_text_add(out, ", ");
        add_names(out, r, "mismatched", DP_MISMATCH_SHAPE);
        dp_text_add(out, "}");
    }
    dp_text_add(out, "}\n");
}

/* ---- the command ---------------------------------------------------------------- */

/* Build the model for its mismatches only. The status of a model that could be compared
 * is in r->fit; what comes back is that of one that could not. */
static dp_status compare(report *r, dp_context *ctx, const dp_common_options *common)
{
    dp_config *config;
    dp_model *model = NULL;
    dp_renamed renamed = {0};
    dp_status st = dp_cli_open_config(&ctx->err, &config, r->model, common);
    if (st == DP_OK)
        st = dp_names_apply(&ctx->err, &renamed, config, r->tensors, r->count);
    if (st == DP_OK) {
        snprintf(r->names, sizeof r->names, "%s", renamed.name);
        st = dp_model_build(ctx, &model, config,
                            &(dp_model_weights){.tensors = renamed.tensors,
                                                .count = renamed.count,
                                                .counting = true},
                            &r->mismatches);
        r->fit = st;
    }
    dp_model_free(model);
    dp_names_done(&renamed);
    dp_config_free(config);
    return st == DP_ESHAPE ? DP_OK : st;
}

/* Without a model, any of the maps that ship may be the checkpoint's. Nobody asked for
 * them where --configs was not given: what there is to tell does not need them. */
static dp_status recognise_names(dp_error *err, report *r, const char *configs)
{
    dp_name_map *map;
    dp_status st = dp_cli_find_name_map(err, &map, configs, r->tensors, r->count);
    if (st == DP_ECONFIG && !configs) {
        *err = (dp_error){0};
        st = DP_OK;
    }
    if (map)
        snprintf(r->names, sizeof r->names, "%s", dp_name_map_name(map));
    dp_name_map_free(map);
    return st;
}

/* Nobody asked for the shipped configs: without them nothing is said of them. */
static void find_fit(report *r, dp_context *ctx, const char *configs)
{
    dp_error err = {0};
    dp_fit fit;
    if (dp_fit_find(ctx, &err, &fit, dp_cli_configs(configs), r->tensors, r->count,
                    NULL) != DP_OK)
        return;
    if (fit.model && !fit.changes->child)
        snprintf(r->fits, sizeof r->fits, "%s", fit.model);
    else if (fit.model)
        snprintf(r->fits, sizeof r->fits,
                 "%s with changes; densepred config --from writes them", fit.model);
    dp_fit_done(&fit);
}

static int print(const report *r, dp_context *ctx, const char *json)
{
    dp_error err = {0};
    dp_text text = {.err = &err}, numbers = {.err = &err};
    format_json(&numbers, r);
    format_text(&text, r, ctx->err.text);
    const int status =
        text.status == DP_OK && numbers.status == DP_OK
            ? dp_cli_print(dp_text_get(&text), dp_text_get(&numbers), json)
            : dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    dp_text_done(&text);
    dp_text_done(&numbers);
    return status;
}

static int inspect(dp_context *ctx, const dp_arguments *args,
                   const dp_common_options *common, bool all, bool verify,
                   const char *json)
{
    dp_checkpoint *checkpoint;
    dp_error *err = &ctx->err;
    report r = {.model = args->count > 1 ? args->item[1] : NULL,
                .verbose = common->verbose};
    if (dp_checkpoint_open(err, &checkpoint, args->item[0]) != DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_MODEL);
    r.checkpoint = checkpoint;
    r.tensors = dp_checkpoint_tensors(checkpoint, &r.count);
    dp_status st = DP_OK;
    if (verify)
        st = dp_checkpoint_verify(err, checkpoint, &r.checked);
    if (st == DP_OK && r.model)
        st = compare(&r, ctx, common);
    else if (st == DP_OK)
        st = recognise_names(err, &r, common->configs);
    if (st == DP_OK && !json && (!r.model || r.fit != DP_OK))
        find_fit(&r, ctx, common->configs);
    if (st == DP_OK && all) {
        r.tensors = dp_checkpoint_list_all(err, checkpoint, &r.count);
        st = r.tensors ? DP_OK : err->code;
    }
    int status =
        st == DP_OK ? print(&r, ctx, json) : dp_cli_fail(err, DP_SUBJECT_MODEL);
    if (status == DP_EXIT_OK && r.fit != DP_OK)
        status = DP_EXIT_MODEL;
    dp_mismatches_done(&r.mismatches);
    dp_checkpoint_close(checkpoint);
    return status;
}

int dp_cli_inspect(int argc, char **argv)
{
    dp_common_options common = {0};
    bool all = false, verify = false;
    const char *json = NULL;
    const dp_option options[] = {
        DP_FLAG("all", 0, &all, "every tensor of the file, an optimizer's too"),
        DP_FLAG("verify", 0, &verify, "compare the checksums that the file has"),
        DP_OPTION_JSON(&json),
        DP_OPTION_VERBOSE(&common),
        DP_OPTION_SET(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE("inspect", "CHECKPOINT [MODEL]", 1, 2, options,
                 "Lists a checkpoint's tensors, what of it is not read, and with MODEL "
                 "which of its names and shapes do not fit.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    dp_context *ctx;
    status = dp_cli_start(&ctx, &(dp_common_options){.threads = 1});
    if (status != DP_EXIT_OK)
        return status;
    status = inspect(ctx, &args, &common, all, verify, json);
    dp_context_free(ctx);
    return status;
}
