#include "core/module.h"

#include "base/nearest.h"

#include <string.h>

/* Where a kind is found in a config, and its weights in a checkpoint. */
static const struct {
    const char *name;
    const char *section;
    const char *scope;
    const char *fallback; /* the type when the section does not say; NULL: it must */
} kinds[] = {
    [DP_MODULE_BACKBONE] = {"backbone", "backbone", "", NULL},
    [DP_MODULE_NECK] = {"neck", "neck", "neck.", NULL},
    [DP_MODULE_PROPOSAL_HEAD] = {"proposal head", "rpn_head", "rpn_head.", "rpn"},
    [DP_MODULE_BOX_HEAD] = {"box head", "bbox_head", "roi_head.bbox_head.", NULL},
    [DP_MODULE_MASK_HEAD] = {"mask head", "mask_head", "roi_head.mask_head.", "fcn"},
    [DP_MODULE_DECODE_HEAD] = {"decode head", "decode_head", "decode_head.", NULL},
    [DP_MODULE_AUXILIARY_HEAD] = {"auxiliary head", "auxiliary_head", "auxiliary_head.",
                                  "fcn"},
    [DP_MODULE_CLASS_HEAD] = {"class head", "cls_head", "", NULL},
    [DP_MODULE_MODEL] = {"model", "test", "", NULL},
};

const char *dp_module_kind_name(dp_module_kind kind)
{
    return kinds[kind].name;
}

const char *dp_module_kind_section(dp_module_kind kind)
{
    return kinds[kind].section;
}

const dp_module *dp_module_find(dp_module_kind kind, const char *name)
{
    for (const dp_module *const *m = dp_modules; *m; m++)
        if ((*m)->kind == kind && strcmp((*m)->name, name) == 0)
            return *m;
    return NULL;
}

static dp_status fail_unknown(dp_error *err, const dp_config *config,
                              dp_module_kind kind, const cJSON *type)
{
    const bool root = kind == DP_MODULE_MODEL;
    dp_nearest nearest = {.word = type->valuestring};
    for (const dp_module *const *m = dp_modules; *m; m++)
        if ((*m)->kind == kind)
            dp_nearest_offer(&nearest, (*m)->name);
    return dp_fail(err, DP_ECONFIG, "%s: %s%stype: unknown %s \"%s\"%s%s%s",
                   dp_config_origin(config, type), root ? "" : kinds[kind].section,
                   root ? "" : ".", kinds[kind].name, type->valuestring,
                   nearest.best ? ", did you mean \"" : "",
                   nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

dp_status dp_module_choose(dp_error *err, const dp_module **out,
                           const dp_config *config, dp_module_kind kind)
{
    const bool root = kind == DP_MODULE_MODEL;
    const cJSON *section = dp_config_root(config);
    const char *name = kinds[kind].fallback;
    dp_status st = DP_OK;
    *out = NULL;
    if (!root)
        st = dp_config_section(err, &section, config, kinds[kind].section);
    if (st != DP_OK)
        return st;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(section, "type");
    if (type || !name)
        st = dp_config_text(err, &name, config, section,
                            root ? "" : kinds[kind].section, "type");
    if (st != DP_OK)
        return st;
    *out = dp_module_find(kind, name);
    if (*out)
        return DP_OK;
    return type ? fail_unknown(err, config, kind, type)
                : dp_fail(err, DP_ECONFIG, "%s: %s: needs a \"type\"",
                          dp_config_path(config), kinds[kind].section);
}

/* Keys beside "base" that are no module's section. */
static const char *const other_keys[] = {"type",         "dataset",   "names", "input",
                                         "test_ms_flip", "published", "train", NULL};

static dp_status fail_unknown_key(dp_error *err, const dp_config *config,
                                  const cJSON *value)
{
    dp_nearest nearest = {.word = value->string};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        dp_nearest_offer(&nearest, kinds[i].section);
    for (const char *const *key = other_keys; *key; key++)
        dp_nearest_offer(&nearest, *key);
    return dp_fail(err, DP_ECONFIG, "%s: %s: unknown key%s%s%s",
                   dp_config_origin(config, value), value->string,
                   nearest.best ? ", did you mean \""
                                : "; docs/configs.md lists the keys",
                   nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

static bool is_known_key(const char *key)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].section, key) == 0)
            return true;
    for (const char *const *other = other_keys; *other; other++)
        if (strcmp(*other, key) == 0)
            return true;
    return false;
}

dp_status dp_module_check_keys(dp_error *err, const dp_config *config)
{
    for (const cJSON *v = dp_config_root(config)->child; v; v = v->next)
        if (!is_known_key(v->string))
            return fail_unknown_key(err, config, v);
    return DP_OK;
}

dp_status dp_module_check_sections(const dp_builder *b)
{
    const cJSON *root = dp_config_root(b->config);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const cJSON *section = cJSON_GetObjectItemCaseSensitive(root, kinds[i].section);
        if (section && !(b->kinds >> i & 1))
            return dp_fail(
                b->err, DP_ECONFIG,
                "%s: %s: a model of type \"%s\" has no %s; remove the section",
                dp_config_origin(b->config, section), kinds[i].section,
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "type")),
                kinds[i].name);
    }
    return DP_OK;
}

/* The instance, from its section. */
static dp_status parse(dp_builder *b, dp_part *out, const dp_module *module)
{
    const char *key = kinds[module->kind].section;
    const cJSON *section;
    *out = (dp_part){.module = module};
    b->kinds |= 1u << module->kind;
    const dp_status st = dp_config_section(b->err, &section, b->config, key);
    if (st != DP_OK)
        return st;
    out->self = dp_builder_take(b, 1, module->size);
    return out->self ? dp_params_parse(b->err, module->params, out->self, section,
                                       b->config, key)
                     : b->status;
}

dp_status dp_module_make(dp_builder *b, dp_part *out, const dp_module *module,
                         const dp_feature_specs *in)
{
    dp_status st = parse(b, out, module);
    if (st != DP_OK)
        return st;
    const size_t outer = dp_builder_enter(b, "%s", kinds[module->kind].scope);
    st = module->build(out->self, module, b, in);
    dp_builder_leave(b, outer);
    return st;
}

dp_status dp_module_build(dp_builder *b, dp_part *out, dp_module_kind kind,
                          const dp_feature_specs *in)
{
    const dp_module *module;
    const dp_status st = dp_module_choose(b->err, &module, b->config, kind);
    return st == DP_OK ? dp_module_make(b, out, module, in) : st;
}

dp_status dp_module_skip(dp_builder *b, dp_module_kind kind)
{
    const dp_module *module;
    dp_part part;
    dp_builder_skip(b, kinds[kind].scope);
    if (!dp_module_is_wanted(b, kind))
        return DP_OK;
    const dp_status st = dp_module_choose(b->err, &module, b->config, kind);
    return st == DP_OK ? parse(b, &part, module) : st;
}

bool dp_module_is_wanted(const dp_builder *b, dp_module_kind kind)
{
    return cJSON_GetObjectItemCaseSensitive(dp_config_root(b->config),
                                            kinds[kind].section) != NULL;
}
