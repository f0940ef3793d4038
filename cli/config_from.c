#define _XOPEN_SOURCE 700 /* realpath, strncasecmp */
#include "cli/config_from.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/misfit.h"
#include "cli/session.h"
#include "core/dataset.h"
#include "model/checkpoint_meta.h"
#include "model/fit.h"
#include "model/model.h"
#include "model/upstream_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { STEM = 256, MOST_OTHERS = 5 };

/* What is written, and from what. */
typedef struct source {
    dp_error err;
    const char *path; /* of the checkpoint */
    dp_checkpoint *checkpoint;
    dp_checkpoint_meta meta;
    cJSON *settings; /* of its training */
    bool from_zero;
    dp_fit fit;
    dp_dataset base;     /* the classes of the shipped config */
    bool named;          /* the checkpoint names its classes  */
    bool own_classes;    /* other ones than the base's        */
    int first_id;        /* of own classes; -1: the base's ids */
    char *out, *classes; /* owned; files to write */
} source;

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- classes ------------------------------------------------------------------- */

/* The class of the base with this name; NULL when there is none. */
static const dp_class *find_class(const dp_dataset *d, dp_name name)
{
    for (int i = 0; i < d->count; i++)
        if (strlen(d->list[i].name) == name.size &&
            strncasecmp(d->list[i].name, name.text, name.size) == 0)
            return &d->list[i];
    return NULL;
}

static dp_status load_base_classes(source *s)
{
    const dp_config *config = s->fit.config;
    const cJSON *file =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "dataset");
    char *path = NULL;
    if (!cJSON_IsString(file))
        return dp_fail(&s->err, DP_ECONFIG, "%s: dataset: must be a path",
                       s->fit.model);
    dp_status st = dp_config_resolve(&s->err, &path, config, file);
    if (st == DP_OK)
        st = dp_dataset_load(&s->err, &s->base, path);
    dp_free(path);
    return st;
}

static dp_task task_of(source *s)
{
    const dp_module *module;
    dp_error err = {0};
    return dp_module_choose(&err, &module, s->fit.config, DP_MODULE_MODEL) == DP_OK
               ? dp_model_def_of(module)->task
               : DP_TASK_DETECT;
}

/* Whether the classes are the base's, and what numbers they have. COCO's are known by
 * their names; other detectors' count from 1, as annotation tools do. */
static void judge_classes(source *s)
{
    const size_t count = dp_checkpoint_meta_count(&s->meta);
    bool known = true, same = s->fit.classes == s->base.count;
    s->named = count > 0 && (int)count == s->fit.classes;
    for (size_t i = 0; s->named && i < count; i++) {
        const dp_name name = dp_checkpoint_meta_class(&s->meta, i);
        const dp_class *c = find_class(&s->base, name);
        known = known && c;
        same = same && c == &s->base.list[i];
    }
    s->own_classes = !same;
    s->first_id = s->named && known                ? -1
                  : task_of(s) == DP_TASK_DETECT   ? 1
                  : task_of(s) == DP_TASK_CLASSIFY ? 0
                                                   : !s->from_zero;
}

static void add_class(dp_text *out, const source *s, int i)
{
    const dp_name name = dp_checkpoint_meta_class(&s->meta, (size_t)i);
    const dp_class *known = s->first_id < 0 ? find_class(&s->base, name) : NULL;
    const dp_class *like = known ? known : &s->base.list[i % s->base.count];
    int rgb[3] = {like->colour[0], like->colour[1], like->colour[2]};
    char text[DP_MAX_CLASS_NAME + 1];
    snprintf(text, sizeof text, "%.*s",
             (int)(name.size < DP_MAX_CLASS_NAME ? name.size : DP_MAX_CLASS_NAME),
             name.text);
    dp_checkpoint_meta_colour(&s->meta, (size_t)i, rgb);
    dp_text_add(out, "%s\n    {\"name\": ", i ? "," : "");
    dp_text_add_quoted(out, text);
    dp_text_add(out, ", \"id\": %d, \"colour\": [%d, %d, %d]}",
                known ? known->id : s->first_id + i, rgb[0], rgb[1], rgb[2]);
}

static void format_classes(dp_text *out, const source *s)
{
    char stem[STEM];
    dp_path_stem(stem, sizeof stem, s->path);
    dp_text_add(out, "{\n  \"name\": ");
    dp_text_add_quoted(out, stem);
    if (s->named) {
        dp_text_add(out, ",\n  \"classes\": [");
        for (int i = 0; i < s->fit.classes; i++)
            add_class(out, s, i);
        dp_text_add(out, "\n  ]\n}\n");
    } else {
        dp_text_add(out, ",\n  \"classes\": [");
        for (int i = 0; i < s->fit.classes; i++)
            dp_text_add(out, "%s\n    {\"name\": \"class %d\", \"id\": %d}",
                        i ? "," : "", s->first_id + i, s->first_id + i);
        dp_text_add(out, "\n  ]\n}\n");
    }
}

/* ---- the config ------------------------------------------------------------------ */

/* What is published of the base is not of this checkpoint, unless it is the published one.
 * Its weights are the file itself, so that a run needs no --weights. */
static void add_published(cJSON *root, const source *s, const char *weights)
{
    const cJSON *old =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(s->fit.config), "published");
    cJSON *published = cJSON_AddObjectToObject(root, "published");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(old, "weights");
    const bool is_it =
        cJSON_IsString(name) && strcmp(name->valuestring, file_name(s->path)) == 0;
    for (const cJSON *v = old ? old->child : NULL; v && !is_it; v = v->next)
        if (strcmp(v->string, "weights") != 0)
            cJSON_AddNullToObject(published, v->string);
    cJSON_AddStringToObject(published, "weights", weights);
}

static void format_config(dp_text *out, const source *s, const char *weights)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "base", s->fit.model);
    if (s->own_classes)
        cJSON_AddStringToObject(root, "dataset", file_name(s->classes));
    for (const cJSON *v = s->fit.changes->child; v; v = v->next)
        cJSON_AddItemToObject(root, v->string, cJSON_Duplicate(v, true));
    add_published(root, s, weights);
    char *json = cJSON_Print(root);
    dp_text_add(out, "%s\n", json ? json : "");
    if (!json && out->status == DP_OK)
        out->status = dp_fail(out->err, DP_ENOMEM, "out of memory: a config");
    cJSON_free(json);
    cJSON_Delete(root);
}

/* ---- files ------------------------------------------------------------------------- */

static dp_status save(dp_error *err, const char *path, const dp_text *text)
{
    dp_atomic_file f;
    if (text->status != DP_OK)
        return text->status;
    dp_status st = dp_atomic_file_open(err, &f, path);
    if (st != DP_OK)
        return st;
    st = dp_atomic_file_write(err, &f, text->data, text->size);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &f);
    dp_atomic_file_abandon(&f);
    return st;
}

/* STEM.json and STEM_classes.json beside it. */
static dp_status name_files(source *s, const char *out)
{
    char stem[STEM];
    dp_text config = {.err = &s->err}, classes = {.err = &s->err};
    dp_path_stem(stem, sizeof stem, out ? out : s->path);
    if (out)
        dp_text_add(&config, "%s", out);
    else
        dp_text_add(&config, "%s.json", stem);
    const int folder = out ? (int)(file_name(out) - out) : 0;
    dp_text_add(&classes, "%.*s%s_classes.json", folder, out ? out : "", stem);
    dp_status st = config.status != DP_OK ? config.status : classes.status;
    if (st == DP_OK)
        st = dp_strdup(&s->err, &s->out, config.data);
    if (st == DP_OK)
        st = dp_strdup(&s->err, &s->classes, classes.data);
    dp_text_done(&config);
    dp_text_done(&classes);
    return st;
}

static dp_status write_files(source *s)
{
    dp_text config = {.err = &s->err}, classes = {.err = &s->err};
    char *whole = realpath(s->path, NULL);
    dp_status st = DP_OK;
    if (s->own_classes) {
        format_classes(&classes, s);
        st = save(&s->err, s->classes, &classes);
    }
    format_config(&config, s, whole ? whole : s->path);
    if (st == DP_OK)
        st = save(&s->err, s->out, &config);
    free(whole);
    dp_text_done(&config);
    dp_text_done(&classes);
    return st;
}

/* ---- what is said ------------------------------------------------------------------ */

/* "section.key, section.key" of what differs from the base. */
static void add_changes(dp_text *out, const cJSON *changes)
{
    const char *comma = "";
    for (const cJSON *section = changes->child; section; section = section->next)
        for (const cJSON *v = section->child; v; v = v->next, comma = ", ")
            dp_text_add(out, "%s%s.%s", comma, section->string, v->string);
}

static void add_class_note(dp_text *out, const source *s)
{
    const int last = s->first_id + s->fit.classes - 1;
    if (!s->named)
        dp_text_add(out, "  the checkpoint names no classes; %s\n",
                    s->own_classes ? "write their names into the class file"
                                   : "those of the base are taken");
    if (s->own_classes && s->first_id >= 0)
        dp_text_add(
            out,
            "  class ids are %d to %d; change them in %s where your annotations "
            "have others\n",
            s->first_id, last, s->classes);
}

static void add_others(dp_text *out, const char *others)
{
    int lines = 0;
    if (*others)
        dp_text_add(out,
                    "  the same shapes, but other settings, have (make one of them "
                    "the base if it is yours):\n");
    while (*others && lines++ < MOST_OTHERS) {
        const size_t size = strcspn(others, "\n");
        dp_text_add(out, "    %.*s\n", (int)size, others);
        others += size + (others[size] == '\n');
    }
    if (*others)
        dp_text_add(out, "    and more\n");
}

static void report(dp_text *out, const source *s)
{
    dp_text_add(out, "%s: %s", s->out, s->fit.model);
    if (s->own_classes)
        dp_text_add(out, ", %d classes (%s)", s->fit.classes, s->classes);
    dp_text_add(out, "\n  backbone ");
    dp_misfit_add_backbone(out, &s->fit);
    dp_text_add(out, "\n");
    if (s->fit.changes->child) {
        dp_text_add(out, "  other than the base: ");
        add_changes(out, s->fit.changes);
        dp_text_add(out, "\n");
    }
    add_class_note(out, s);
    add_others(out, s->fit.others);
}

/* ---- the command ------------------------------------------------------------------- */

static dp_status read_source(source *s, dp_context *ctx, const char *configs)
{
    size_t count;
    dp_status st = dp_checkpoint_open(&s->err, &s->checkpoint, s->path);
    if (st != DP_OK)
        return st;
    const dp_named_tensor *tensors = dp_checkpoint_tensors(s->checkpoint, &count);
    s->meta = dp_checkpoint_meta_find(s->checkpoint);
    st = dp_upstream_config_parse(&s->err, &s->settings, &s->from_zero,
                                  s->meta.config.text, s->meta.config.size);
    const dp_fit_hints hints = {.file_name = file_name(s->path),
                                .settings = s->settings};
    if (st == DP_OK)
        st = dp_fit_find(ctx, &s->err, &s->fit, dp_cli_configs(configs), tensors, count,
                         &hints);
    return st;
}

static int write_config(source *s, const char *out)
{
    dp_status st = load_base_classes(s);
    if (st == DP_OK)
        st = name_files(s, out);
    if (st != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_MODEL);
    judge_classes(s);
    const char *there = access(s->out, F_OK) == 0                         ? s->out
                        : s->own_classes && access(s->classes, F_OK) == 0 ? s->classes
                                                                          : NULL;
    if (there)
        return dp_cli_usage("config: %s is there already; give another name (--out "
                            "FILE)",
                            there);
    st = write_files(s);
    dp_text text = {.err = &s->err};
    report(&text, s);
    if (st == DP_OK)
        st = text.status;
    if (st == DP_OK)
        fputs(dp_text_get(&text), stdout);
    dp_text_done(&text);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
}

int dp_cli_config_from(const char *checkpoint, const dp_common_options *common)
{
    source s = {.path = checkpoint};
    dp_context *ctx;
    int status = dp_cli_start(&ctx, &(dp_common_options){.threads = 1});
    if (status != DP_EXIT_OK)
        return status;
    if (read_source(&s, ctx, common->configs) != DP_OK)
        status = dp_cli_fail(&s.err, DP_SUBJECT_MODEL);
    else if (s.fit.model)
        status = write_config(&s, common->out);
    else
        status = dp_misfit_say(checkpoint, &s.fit);
    dp_fit_done(&s.fit);
    dp_dataset_done(&s.base);
    cJSON_Delete(s.settings);
    dp_checkpoint_close(s.checkpoint);
    dp_context_free(ctx);
    dp_free(s.out);
    dp_free(s.classes);
    return status;
}
