#define _POSIX_C_SOURCE 200809L
#include "cli/configs.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "base/text.h"
#include "core/config.h"
#include "core/limits.h"

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

/* *folder is `start` + `rest` when that is a folder, else stays NULL. */
static dp_status try_folder(dp_error *err, char **folder, const char *start,
                            const char *rest)
{
    dp_text text = {.err = err};
    dp_text_add(&text, "%s%s", start, rest);
    if (text.status == DP_OK && !is_folder(dp_text_get(&text))) {
        dp_text_done(&text);
        return DP_OK;
    }
    return take_text(err, folder, &text);
}

static dp_status find_near_program(dp_error *err, char **folder)
{
    static const char *const places[] = {"/configs", "/../configs", "/../../configs",
                                         "/../share/densepred/configs"};
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return DP_OK;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return DP_OK;
    *slash = '\0';
    dp_status st = DP_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places && st == DP_OK && !*folder;
         i++)
        st = try_folder(err, folder, program, places[i]);
    return st;
}

static dp_status find_folder(dp_error *err, char **folder, const char *configs)
{
    *folder = NULL;
    const char *given = configs ? configs : getenv("DENSEPRED_CONFIGS");
    if (given) {
        const dp_status st = try_folder(err, folder, given, "");
        if (st != DP_OK || *folder)
            return st;
        return dp_fail(err, DP_ECONFIG, "%s: found no such folder, expected configs",
                       given);
    }
    dp_status st = find_near_program(err, folder);
    if (st == DP_OK && !*folder)
        st = try_folder(err, folder, DP_DATADIR "/configs", "");
    if (st == DP_OK && !*folder)
        st = dp_fail(err, DP_ECONFIG,
                     "configs: found neither beside the program nor in %s; name their "
                     "folder with --configs or DENSEPRED_CONFIGS",
                     DP_DATADIR);
    return st;
}

/* ---- the models in it ------------------------------------------------------ */

static dp_status append(dp_error *err, dp_config_names *names, const char *path,
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

static dp_status scan_folder(dp_error *err, dp_config_names *names, const char *inside,
                             int depth);

/* An entry of folder `inside` ("" or "coco/"): a model, or a folder of models. */
static dp_status scan_entry(dp_error *err, dp_config_names *names, const char *inside,
                            const char *entry, int depth)
{
    static const char suffix[] = ".json";
    if (entry[0] == '.' || entry[0] == '_' ||
        (!*inside && (strcmp(entry, "datasets") == 0 || strcmp(entry, "names") == 0)))
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

static dp_status scan_folder(dp_error *err, dp_config_names *names, const char *inside,
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

dp_status dp_config_names_load(dp_error *err, dp_config_names *names,
                               const char *configs)
{
    *names = (dp_config_names){0};
    dp_status st = find_folder(err, &names->folder, configs);
    if (st == DP_OK)
        st = scan_folder(err, names, "", 0);
    if (st != DP_OK)
        dp_config_names_done(names);
    else if (names->count)
        qsort(names->name, names->count, sizeof *names->name, compare_names);
    return st;
}

void dp_config_names_done(dp_config_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        dp_free(names->name[i]);
    dp_free(names->name);
    dp_free(names->folder);
    *names = (dp_config_names){0};
}

/* ---- a model --------------------------------------------------------------- */

static dp_status no_such_model(dp_error *err, const dp_config_names *names,
                               const char *model)
{
    dp_nearest nearest = {.word = model};
    for (size_t i = 0; i < names->count; i++)
        dp_nearest_offer(&nearest, names->name[i]);
    if (nearest.best)
        return dp_fail(err, DP_ECONFIG, "%s: unknown model, did you mean %s?", model,
                       nearest.best);
    return dp_fail(err, DP_ECONFIG,
                   "%s: found neither a file nor a model of %s, expected one of "
                   "`densepred models`",
                   model, names->folder);
}

dp_status dp_cli_find_model(dp_error *err, char **path, const char *model,
                            const char *configs)
{
    *path = NULL;
    if (access(model, F_OK) == 0 && !is_folder(model))
        return dp_strdup(err, path, model);

    dp_config_names names;
    dp_status st = dp_config_names_load(err, &names, configs);
    if (st != DP_OK)
        return st;
    bool known = false;
    for (size_t i = 0; i < names.count; i++)
        known = known || strcmp(names.name[i], model) == 0;
    if (known) {
        dp_text text = {.err = err};
        dp_text_add(&text, "%s/%s.json", names.folder, model);
        st = take_text(err, path, &text);
    } else {
        st = no_such_model(err, &names, model);
    }
    dp_config_names_done(&names);
    return st;
}

dp_status dp_cli_find_weights(dp_error *err, char **path, const char *config_path)
{
    dp_config *config;
    *path = NULL;
    dp_status st = dp_config_load(err, &config, config_path);
    if (st != DP_OK)
        return st;
    const cJSON *published =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "published");
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(published, "weights");
    if (cJSON_IsString(file))
        st = dp_config_resolve(err, path, config, file);
    if (*path && access(*path, F_OK) != 0) {
        dp_free(*path);
        *path = NULL;
    }
    dp_config_free(config);
    return st;
}
