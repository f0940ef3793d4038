#define _POSIX_C_SOURCE 200809L
#include "model/shipped.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/text.h"
#include "core/config.h"
#include "core/limits.h"
#include "model/upstream_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* The text as a string of the caller's; the text is released. */
static dp_status take_text(dp_error *err, char **out, dp_text *text)
{
    *out = NULL;
    const dp_status st =
        text->status == DP_OK ? dp_strdup(err, out, dp_text_get(text)) : text->status;
    dp_text_done(text);
    return st;
}

/* ---- the folder ------------------------------------------------------------ */

/* *folder is a copy of `path` when that is a folder, else stays NULL. */
static dp_status try_folder(dp_error *err, char **folder, const char *path)
{
    return is_folder(path) ? dp_strdup(err, folder, path) : DP_OK;
}

static dp_status find_folder(dp_error *err, char **folder, const char *configs)
{
    *folder = NULL;
    const dp_status st =
        try_folder(err, folder, configs ? configs : DP_DATADIR "/configs");
    if (st != DP_OK || *folder)
        return st;
    if (configs)
        return dp_fail(err, DP_ECONFIG, "%s: no such folder of configs", configs);
    return dp_fail(err, DP_ECONFIG,
                   "no configs in " DP_DATADIR "/configs; name the folder that holds "
                   "them (configs)");
}

/* ---- the models in it ------------------------------------------------------ */

static dp_status append(dp_error *err, dp_shipped *names, const char *path,
                        size_t length)
{
    void *list = names->name;
    dp_status st = dp_grow(err, &list, &names->capacity, names->count + 1,
                           sizeof *names->name, "the list of configs");
    names->name = list;
    if (st != DP_OK)
        return st;
    dp_text text = {.err = err};
    dp_text_add(&text, "%.*s", (int)length, path);
    st = take_text(err, &names->name[names->count], &text);
    if (st == DP_OK)
        names->count++;
    return st;
}

static dp_status scan_folder(dp_error *err, dp_shipped *names, const char *inside,
                             int depth);

/* Class files, name maps, recipes of training, and the configs of the tests. */
static bool holds_no_models(const char *folder)
{
    static const char *const others[] = {"datasets", "names", "recipes", "golden"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(folder, others[i]) == 0)
            return true;
    return false;
}

/* An entry of folder `inside` ("" or "coco/"): a model, or a folder of models. */
static dp_status scan_entry(dp_error *err, dp_shipped *names, const char *inside,
                            const char *entry, int depth)
{
    static const char suffix[] = ".json";
    if (entry[0] == '.' || entry[0] == '_' || (!*inside && holds_no_models(entry)))
        return DP_OK;

    dp_text full = {.err = err}, name = {.err = err};
    dp_text_add(&full, "%s/%s%s", names->folder, inside, entry);
    dp_text_add(&name, "%s%s", inside, entry);
    dp_status st = full.status != DP_OK ? full.status : name.status;
    if (st == DP_OK && is_folder(full.data)) {
        dp_text_add(&name, "/");
        st = name.status != DP_OK ? name.status
                                  : scan_folder(err, names, name.data, depth + 1);
    } else if (st == DP_OK && name.size > sizeof suffix - 1 &&
               strcmp(name.data + name.size - (sizeof suffix - 1), suffix) == 0) {
        st = append(err, names, name.data, name.size - (sizeof suffix - 1));
    }
    dp_text_done(&full);
    dp_text_done(&name);
    return st;
}

static dp_status scan_folder(dp_error *err, dp_shipped *names, const char *inside,
                             int depth)
{
    if (depth > DP_MAX_CONFIG_FOLDERS) /* a link to its own parent, most likely */
        return DP_OK;
    dp_text full = {.err = err};
    dp_text_add(&full, "%s/%s", names->folder, inside);
    if (full.status != DP_OK)
        return full.status;
    DIR *dir = opendir(full.data);
    dp_status st = DP_OK;
    if (!dir)
        st = dp_fail(err, DP_EIO, "%s: cannot open: %s", full.data, strerror(errno));
    struct dirent *entry;
    while (st == DP_OK && (entry = readdir(dir)))
        st = scan_entry(err, names, inside, entry->d_name, depth);
    if (dir)
        closedir(dir);
    dp_text_done(&full);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

dp_status dp_shipped_load(dp_error *err, dp_shipped *names, const char *configs)
{
    *names = (dp_shipped){0};
    dp_status st = find_folder(err, &names->folder, configs);
    if (st == DP_OK)
        st = scan_folder(err, names, "", 0);
    if (st != DP_OK)
        dp_shipped_done(names);
    else if (names->count)
        qsort(names->name, names->count, sizeof *names->name, compare_names);
    return st;
}

void dp_shipped_done(dp_shipped *names)
{
    for (size_t i = 0; i < names->count; i++)
        dp_free(names->name[i]);
    dp_free(names->name);
    dp_free(names->folder);
    *names = (dp_shipped){0};
}

/* ---- a model --------------------------------------------------------------- */

static dp_status no_such_model(dp_error *err, const dp_shipped *names,
                               const cJSON *upstream, const char *model)
{
    dp_nearest nearest = {.word = model};
    for (size_t i = 0; i < names->count; i++)
        dp_nearest_offer(&nearest, names->name[i]);
    dp_upstream_names_offer(upstream, &nearest);
    if (nearest.best)
        return dp_fail(err, DP_ECONFIG, "unknown model '%s'; did you mean '%s'?", model,
                       nearest.best);
    return dp_fail(err, DP_ECONFIG, "unknown model '%s'; run 'densepred models'",
                   model);
}

/* `ours`: the model of that name; NULL: none is known. */
static dp_status python_config(dp_error *err, const char *model, const char *ours)
{
    if (ours)
        return dp_fail(
            err, DP_ECONFIG,
            "%s: a Python config, which is not read; the model of that name is "
            "'%s' here: give that name, and with --set what you changed",
            model, ours);
    return dp_fail(err, DP_ECONFIG,
                   "%s: a Python config, which is not read; 'densepred config --from "
                   "CHECKPOINT' writes a config for its checkpoint, 'densepred models' "
                   "lists those that ship",
                   model);
}

/* A name leads to no entry that begins with "_" or ".". */
static bool is_name(const char *model)
{
    for (const char *at = model; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strchr("_./", *at)) /* its end too */
            return false;
    }
    return true;
}

/* Bytes of a name without the ".json" of its file. */
static size_t name_size(const char *name)
{
    static const char suffix[] = ".json";
    const size_t size = strlen(name), end = sizeof suffix - 1;
    return size > end && strcmp(name + size - end, suffix) == 0 ? size - end : size;
}

/* The path of a name's file in the folder; *path stays NULL when it is not there. */
static dp_status find_in_folder(dp_error *err, char **path, const dp_shipped *names,
                                const char *name)
{
    dp_text text = {.err = err};
    *path = NULL;
    dp_text_add(&text, "%s/%.*s.json", names->folder, (int)name_size(name), name);
    if (text.status != DP_OK || access(text.data, F_OK) == 0)
        return take_text(err, path, &text);
    dp_text_done(&text);
    return DP_OK;
}

/* The file of a name of ours, or of upstream's. */
static dp_status find_name(dp_error *err, char **path, const dp_shipped *names,
                           const char *model)
{
    cJSON *upstream;
    dp_status st = dp_upstream_names_load(err, &upstream, names->folder);
    const char *ours = dp_upstream_names_find(upstream, model);
    *path = NULL;
    if (st == DP_OK && dp_upstream_name_is_python(model))
        st = python_config(err, model, ours);
    if (st == DP_OK)
        st = find_in_folder(err, path, names, ours ? ours : model);
    if (st == DP_OK && !*path && !model[name_size(model)])
        st = no_such_model(err, names, upstream, model);
    cJSON_Delete(upstream);
    return st;
}

static dp_status find_shipped(dp_error *err, char **path, const char *model,
                              const char *configs)
{
    dp_shipped names;
    dp_status st = dp_shipped_load(err, &names, configs);
    if (st != DP_OK)
        return dp_upstream_name_is_python(model) ? python_config(err, model, NULL) : st;
    st = is_name(model) || dp_upstream_name_is_python(model)
             ? find_name(err, path, &names, model)
             : no_such_model(err, &names, NULL, model);
    dp_shipped_done(&names);
    return st;
}

/* The config in a folder: *path stays NULL when `model` is none, or has none. */
static dp_status find_in_model_folder(dp_error *err, char **path, const char *model)
{
    *path = NULL;
    if (!is_folder(model))
        return DP_OK;
    const dp_status st = dp_path_join(err, path, model, "config.json");
    if (st == DP_OK && access(*path, F_OK) != 0) {
        dp_free(*path);
        *path = NULL;
    }
    return st;
}

dp_status dp_shipped_find(dp_error *err, char **path, const char *model,
                          const char *configs)
{
    const bool is_file = access(model, F_OK) == 0 && !is_folder(model);
    const dp_status st = find_in_model_folder(err, path, model);
    if (st != DP_OK || *path)
        return st;
    if (dp_upstream_name_is_python(model))
        return find_shipped(err, path, model, configs);
    return is_file || model[name_size(model)] ? dp_strdup(err, path, model)
                                              : find_shipped(err, path, model, configs);
}

/* ---- a config -------------------------------------------------------------- */

/* Whether it may be a name below the folder of configs: "coco/x", "_base_/x.json". */
static bool is_base_name(const char *base)
{
    return base[0] && !strchr("./", base[0]) && !strstr(base, "/.") &&
           !strstr(base, "//");
}

typedef struct base_search {
    const char *configs;
} base_search;

static dp_status find_base(dp_error *err, char **path, const char *base, void *arg)
{
    const base_search *search = arg;
    dp_shipped names;
    *path = NULL;
    if (!is_base_name(base))
        return DP_OK;
    dp_status st = dp_shipped_load(err, &names, search->configs);
    if (st != DP_OK)
        return st;
    st = find_name(err, path, &names, base);
    dp_shipped_done(&names);
    return st;
}

dp_status dp_shipped_open(dp_error *err, dp_config **out, const char *model,
                          const char *configs)
{
    base_search search = {configs};
    const dp_config_finder finder = {find_base, &search};
    char *path;
    *out = NULL;
    dp_status st = dp_shipped_find(err, &path, model, configs);
    if (st == DP_OK)
        st = dp_config_load_with(err, out, path, &finder);
    dp_free(path);
    return st;
}

dp_status dp_shipped_find_weights(dp_error *err, char **path, const dp_config *config)
{
    const cJSON *published =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "published");
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(published, "weights");
    *path = NULL;
    if (!cJSON_IsString(file))
        return DP_OK;
    const dp_status st = dp_config_resolve(err, path, config, file);
    if (st == DP_OK && access(*path, F_OK) != 0) {
        dp_free(*path);
        *path = NULL;
    }
    return st;
}
