#include "model/fit.h"

#include "base/memory.h"
#include "model/backbone_scan.h"
#include "model/model.h"
#include "model/names.h"
#include "model/shipped.h"

#include <stdio.h>
#include <string.h>

/* A shipped config beside the tensors. */
typedef struct candidate {
    const char *name; /* borrowed */
    dp_config *config;
    const dp_module *backbone_module;
    cJSON *backbone; /* what the tensors tell of it */
    cJSON *changes;
    int classes;
    int rank; /* of those that fit, the lowest is the best */
    bool fits;
    dp_mismatches mismatches;
} candidate;

typedef struct search {
    dp_context *ctx;
    dp_error *err;
    const char *configs;
    const dp_named_tensor *tensors;
    size_t count;
    dp_fit_hints hints;
    candidate *list; /* those that fit */
    size_t found, room;
    candidate nearest; /* of those that do not */
} search;

static void candidate_done(candidate *c)
{
    dp_config_free(c->config);
    cJSON_Delete(c->backbone);
    cJSON_Delete(c->changes);
    dp_mismatches_done(&c->mismatches);
    *c = (candidate){0};
}

/* ---- classes --------------------------------------------------------------- */

/* The tensors that tell how many classes there are; some have a row for the background. */
static const struct {
    const char *name;
    int background;
} class_tensors[] = {
    {"roi_head.bbox_head.fc_cls.weight", 1},
    {"roi_head.bbox_head.0.fc_cls.weight", 1},
    {"decode_head.conv_seg.weight", 0},
    {"head.weight", 0},
};

static int count_classes(const dp_named_tensor *tensors, size_t count)
{
    for (size_t k = 0; k < sizeof class_tensors / sizeof *class_tensors; k++)
        for (size_t i = 0; i < count; i++)
            if (tensors[i].rank > 0 && tensors[i].shape[0] <= DP_MAX_CLASSES &&
                strcmp(tensors[i].name, class_tensors[k].name) == 0)
                return (int)tensors[i].shape[0] - class_tensors[k].background;
    return 0;
}

/* ---- changes --------------------------------------------------------------- */

/* changes.SECTION.KEY = a copy of value. */
static void change(cJSON *changes, const char *section, const char *key,
                   const cJSON *value)
{
    cJSON *into = cJSON_GetObjectItemCaseSensitive(changes, section);
    if (!into)
        into = cJSON_AddObjectToObject(changes, section);
    cJSON_DeleteItemFromObjectCaseSensitive(into, key);
    cJSON_AddItemToObject(into, key, cJSON_Duplicate(value, true));
}

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* The number of classes, in every section that has one. */
static bool change_classes(candidate *c)
{
    bool changed = false;
    for (const cJSON *s = dp_config_root(c->config)->child; s && c->classes > 0;
         s = s->next) {
        const cJSON *old = get(s, "num_classes");
        if (!cJSON_IsObject(s) || !cJSON_IsNumber(old) || old->valueint == c->classes)
            continue;
        cJSON *number = cJSON_CreateNumber(c->classes);
        change(c->changes, s->string, "num_classes", number);
        cJSON_Delete(number);
        changed = true;
    }
    return changed;
}

/* Tensors whose first extent is a key of a head or the neck. */
static const struct {
    const char *name, *section, *key;
} width_tensors[] = {
    {"neck.lateral_convs.0.conv.weight", "neck", "out_channels"},
    {"rpn_head.rpn_conv.weight", "rpn_head", "feat_channels"},
    {"roi_head.bbox_head.shared_fcs.0.weight", "bbox_head", "fc_out_channels"},
    {"roi_head.bbox_head.0.shared_fcs.0.weight", "bbox_head", "fc_out_channels"},
    {"roi_head.bbox_head.0.shared_convs.0.conv.weight", "bbox_head",
     "conv_out_channels"},
    {"roi_head.mask_head.convs.0.conv.weight", "mask_head", "conv_out_channels"},
    {"roi_head.mask_head.0.convs.0.conv.weight", "mask_head", "conv_out_channels"},
    {"decode_head.fpn_bottleneck.conv.weight", "decode_head", "channels"},
};

/* The widths that the config has otherwise; how many. */
static int change_widths(candidate *c, const dp_named_tensor *tensors, size_t count)
{
    int changed = 0;
    for (size_t k = 0; k < sizeof width_tensors / sizeof *width_tensors; k++)
        for (size_t i = 0; i < count; i++) {
            const cJSON *old =
                get(get(dp_config_root(c->config), width_tensors[k].section),
                    width_tensors[k].key);
            if (strcmp(tensors[i].name, width_tensors[k].name) != 0 ||
                !cJSON_IsNumber(old) || old->valuedouble == (double)tensors[i].shape[0])
                continue;
            cJSON *width = cJSON_CreateNumber((double)tensors[i].shape[0]);
            change(c->changes, width_tensors[k].section, width_tensors[k].key, width);
            cJSON_Delete(width);
            changed++;
        }
    return changed;
}

/* Whether the default of a key is this value; a table without the key has none. */
static bool is_default(const dp_param *table, const cJSON *value)
{
    bool same = false;
    for (const dp_param *p = table; p->key; p++) {
        if (strcmp(p->key, value->string) != 0 || !p->initial)
            continue;
        cJSON *initial = cJSON_Parse(p->initial);
        same = cJSON_Compare(initial, value, true);
        cJSON_Delete(initial);
    }
    return same;
}

/* The keys of `from` that the section has otherwise; how many. A key that the section does
 * not state has the default of the table; NULL: it stays out. */
static int change_section(candidate *c, const char *section, const cJSON *from,
                          const dp_param *table)
{
    const cJSON *old = get(dp_config_root(c->config), section);
    int changed = 0;
    for (const cJSON *v = from ? from->child : NULL; v && cJSON_IsObject(old);
         v = v->next) {
        const cJSON *is = get(old, v->string);
        if (is ? cJSON_Compare(is, v, true) : !table || is_default(table, v))
            continue;
        change(c->changes, section, v->string, v);
        changed++;
    }
    return changed;
}

/* Other inputs are normalised from 0 to 1, and a classifier's has a size of its own. */
static bool input_is_fitted(const candidate *c)
{
    const cJSON *resize = get(get(dp_config_root(c->config), "input"), "resize");
    return !resize || strcmp(cJSON_GetStringValue(resize), "fit") == 0;
}

/* What the training had otherwise. Of backbones only a ResNet has what it tells: a style. */
static int change_settings(candidate *c, const cJSON *settings)
{
    int changed = 0;
    if (!input_is_fitted(c))
        return 0;
    for (const cJSON *s = settings ? settings->child : NULL; s; s = s->next) {
        const bool backbone = strcmp(s->string, "backbone") == 0;
        if (!backbone || strcmp(c->backbone_module->name, "resnet") == 0)
            changed += change_section(c, s->string, s,
                                      backbone ? c->backbone_module->params : NULL);
    }
    return changed;
}

static dp_status lay(dp_error *err, candidate *c)
{
    char *text = cJSON_PrintUnformatted(c->changes);
    const dp_status st = text ? dp_config_lay(err, c->config, text, "changes")
                              : dp_fail(err, DP_ENOMEM, "out of memory: a config");
    cJSON_free(text);
    return st;
}

/* ---- one config ------------------------------------------------------------ */

/* Build for names and shapes only. DP_ESHAPE when they differ. */
static dp_status compare(dp_error *err, candidate *c, dp_context *ctx,
                         const dp_model_def *def, const dp_renamed *renamed)
{
    static const dp_feature_specs image = {.count = 1, .spec = {{"image", 3, 1}}};
    dp_store store = {0};
    dp_builder b;
    dp_part backbone, task;
    dp_mismatches_done(&c->mismatches);
    dp_status st = dp_builder_init(err, &b, &store, &ctx->kernels, renamed->tensors,
                                   renamed->count);
    if (st != DP_OK)
        return st;
    b.config = c->config;
    dp_builder_compare(&b);
    const size_t outer = dp_builder_enter(&b, "%s", def->scope);
    st = dp_module_build(&b, &backbone, DP_MODULE_BACKBONE, &image);
    dp_builder_leave(&b, outer);
    if (st == DP_OK) {
        const dp_feature_specs maps = dp_backbone_describe(&backbone);
        st = dp_module_make(&b, &task, &def->module, &maps);
    }
    if (st == DP_OK)
        st = dp_builder_finish(&b);
    c->mismatches = b.mismatches;
    b.mismatches = (dp_mismatches){0};
    dp_builder_done(&b);
    dp_store_done(&store);
    return st;
}

static bool has_mark(const dp_renamed *renamed, const char *scope, const char *mark)
{
    char name[DP_MAX_TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s", scope, mark);
    for (size_t i = 0; i < renamed->count; i++)
        if (strcmp(renamed->tensors[i].name, name) == 0)
            return true;
    return false;
}

/* Whether the file has the name that the config's weights were published under. */
static bool is_published_name(const candidate *c, const char *file_name)
{
    const cJSON *published = get(dp_config_root(c->config), "published");
    const char *weights = cJSON_GetStringValue(get(published, "weights"));
    return weights && file_name && strcmp(weights, file_name) == 0;
}

/* A model of small made-up images: nobody's own, so only its very shapes are its. */
static bool is_demo(const char *name)
{
    return strncmp(name, "toytown/", 8) == 0;
}

/* With the backbone as it is, and where that does not fit with what the tensors tell. */
static dp_status lay_beside(dp_error *err, candidate *c, search *s,
                            const dp_renamed *renamed)
{
    const dp_module *module, *backbone;
    dp_status st = dp_module_choose(err, &module, c->config, DP_MODULE_MODEL);
    if (st == DP_OK)
        st = dp_module_choose(err, &backbone, c->config, DP_MODULE_BACKBONE);
    if (st != DP_OK)
        return st;
    const dp_model_def *def = dp_model_def_of(module);
    const char *mark = dp_backbone_def_of(backbone)->mark;
    if (mark && !has_mark(renamed, def->scope, mark))
        return DP_EARG; /* of another family */
    c->backbone_module = backbone;
    c->backbone =
        dp_backbone_scan(backbone->name, def->scope, renamed->tensors, renamed->count);
    c->classes = count_classes(renamed->tensors, renamed->count);
    c->rank = change_classes(c) + 4 * change_settings(c, s->hints.settings);
    c->rank += is_published_name(c, s->hints.file_name) ? 0 : 2;
    st = lay(err, c);
    if (st == DP_OK)
        st = compare(err, c, s->ctx, def, renamed);
    if (st != DP_ESHAPE || is_demo(c->name))
        return st;
    const int changed = change_section(c, "backbone", c->backbone, backbone->params) +
                        change_widths(c, renamed->tensors, renamed->count);
    if (changed == 0)
        return st;
    c->rank += 1000 * changed;
    st = lay(err, c);
    return st == DP_OK ? compare(err, c, s->ctx, def, renamed) : st;
}

/* Keep it when it fits, or is nearer than all before. */
static dp_status keep(search *s, candidate *c, dp_status st)
{
    void *list = s->list;
    if (st == DP_OK) {
        st = dp_grow(s->err, &list, &s->room, s->found + 1, sizeof *s->list,
                     "a list of configs");
        s->list = list;
        if (st == DP_OK) {
            s->list[s->found++] = *c;
            *c = (candidate){0};
        }
        return st;
    }
    if (st == DP_ESHAPE &&
        (!s->nearest.name || c->mismatches.count < s->nearest.mismatches.count)) {
        candidate_done(&s->nearest);
        s->nearest = *c;
        *c = (candidate){0};
    }
    return st == DP_ENOMEM ? st : DP_OK;
}

static dp_status try(search *s, const char *name)
{
    dp_error err = {0};
    dp_renamed renamed = {0};
    candidate c = {.name = name, .changes = cJSON_CreateObject()};
    dp_status st = c.changes ? dp_shipped_open(&err, &c.config, name, s->configs)
                             : dp_fail(&err, DP_ENOMEM, "out of memory: a config");
    if (st == DP_OK)
        st = dp_names_apply(&err, &renamed, c.config, s->tensors, s->count);
    if (st == DP_OK)
        st = lay_beside(&err, &c, s, &renamed);
    st = keep(s, &c, st);
    if (st != DP_OK && err.code == DP_ENOMEM)
        *s->err = err;
    candidate_done(&c);
    dp_names_done(&renamed);
    return st;
}

/* ---- the best ---------------------------------------------------------------- */

static bool is_setting(const char *section)
{
    return strcmp(section, "published") != 0 && strcmp(section, "names") != 0 &&
           strcmp(section, "dataset") != 0 && strcmp(section, "train") != 0;
}

/* Append " KEY" for each key of an object that the other has otherwise. */
static int add_differences(dp_text *text, const cJSON *a, const cJSON *b,
                           const char *section, bool once)
{
    int count = 0;
    for (const cJSON *v = a ? a->child : NULL; v; v = v->next) {
        const cJSON *other = get(b, v->string);
        if (other && (once || cJSON_Compare(v, other, true)))
            continue;
        dp_text_add(text, "%s %s.%s", count ? "," : "", section, v->string);
        count++;
    }
    return count;
}

/* The line of a config that fits as well; nothing when it says the same as the best. */
static void add_other(dp_text *out, const candidate *best, const candidate *c)
{
    dp_text keys = {.err = out->err};
    for (const cJSON *s = dp_config_root(c->config)->child; s; s = s->next) {
        const cJSON *mine = get(dp_config_root(best->config), s->string);
        if (!is_setting(s->string) || cJSON_Compare(s, mine, true))
            continue;
        if (keys.size > 0)
            dp_text_add(&keys, ",");
        if (add_differences(&keys, s, mine, s->string, false) == 0)
            add_differences(&keys, mine, s, s->string, true);
    }
    if (keys.size > 0)
        dp_text_add(out, "%s:%s\n", c->name, keys.data);
    if (out->status == DP_OK)
        out->status = keys.status;
    dp_text_done(&keys);
}

/* Of equals the one with the plainest name: without "_caffe", "_22k", "_3x". */
static bool is_better(const candidate *a, const candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : strlen(a->name) < strlen(b->name);
}

static dp_status take_best(search *s, dp_fit *fit)
{
    candidate *best = s->list;
    for (size_t i = 1; i < s->found; i++)
        if (is_better(&s->list[i], best))
            best = &s->list[i];
    dp_text others = {.err = s->err};
    for (size_t i = 0; i < s->found; i++)
        if (&s->list[i] != best && s->list[i].rank <= best->rank + 3)
            add_other(&others, best, &s->list[i]);
    dp_status st = others.status;
    if (st == DP_OK)
        st = dp_strdup(s->err, &fit->others, dp_text_get(&others));
    if (st == DP_OK)
        st = dp_strdup(s->err, &fit->model, best->name);
    dp_text_done(&others);
    fit->config = best->config;
    fit->changes = best->changes;
    best->config = NULL;
    best->changes = NULL;
    return st;
}

/* What is known of the backbone, from the best or the nearest. */
static dp_status take_backbone(search *s, dp_fit *fit)
{
    candidate *from = s->found ? s->list : &s->nearest;
    for (size_t i = 0; i < s->found; i++)
        if (strcmp(s->list[i].name, fit->model) == 0)
            from = &s->list[i];
    fit->classes = from->classes;
    fit->backbone = from->backbone;
    from->backbone = NULL;
    return from->backbone_module
               ? dp_strdup(s->err, &fit->type, from->backbone_module->name)
               : DP_OK;
}

dp_status dp_fit_find(dp_context *ctx, dp_error *err, dp_fit *fit, const char *configs,
                      const dp_named_tensor *tensors, size_t count,
                      const dp_fit_hints *hints)
{
    search s = {
        .ctx = ctx, .err = err, .configs = configs, .tensors = tensors, .count = count};
    dp_shipped names;
    *fit = (dp_fit){0};
    if (hints)
        s.hints = *hints;
    dp_status st = dp_shipped_load(err, &names, configs);
    for (size_t i = 0; i < names.count && st == DP_OK; i++)
        st = try(&s, names.name[i]);
    if (st == DP_OK && s.found)
        st = take_best(&s, fit);
    if (st == DP_OK)
        st = take_backbone(&s, fit);
    if (st == DP_OK && !s.found && s.nearest.name) {
        fit->mismatches = s.nearest.mismatches;
        s.nearest.mismatches = (dp_mismatches){0};
        st = dp_strdup(err, &fit->nearest, s.nearest.name);
    }
    for (size_t i = 0; i < s.found; i++)
        candidate_done(&s.list[i]);
    candidate_done(&s.nearest);
    dp_free(s.list);
    dp_shipped_done(&names);
    if (st != DP_OK)
        dp_fit_done(fit);
    return st;
}

void dp_fit_done(dp_fit *fit)
{
    dp_free(fit->model);
    dp_free(fit->others);
    dp_free(fit->type);
    dp_free(fit->nearest);
    dp_config_free(fit->config);
    cJSON_Delete(fit->changes);
    cJSON_Delete(fit->backbone);
    dp_mismatches_done(&fit->mismatches);
    *fit = (dp_fit){0};
}
