#include "core/config.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct config_file {
    char *path;
    struct stat id;  /* st_dev and st_ino tell whether two paths are one file */
    cJSON *document; /* until it is merged                                    */
} config_file;

/* A value's file. The table is ordered by address. */
typedef struct origin {
    const cJSON *value;
    int file;
} origin;

struct dp_config {
    int files;
    config_file file[DP_MAX_CONFIG_BASES]; /* each one's base follows it */
    cJSON *root;
    origin *origins;
    size_t origin_count;
};

/* ---- files ----------------------------------------------------------------- */

/* `name` as seen from the folder of `file`. */
static dp_status path_beside(dp_error *err, char **path, const char *file,
                             const char *name)
{
    const char *slash = strrchr(file, '/');
    dp_text text = {.err = err};
    *path = NULL;
    if (slash && name[0] != '/')
        dp_text_add(&text, "%.*s/", (int)(slash - file), file);
    dp_text_add(&text, "%s", name);
    const dp_status st =
        text.status == DP_OK ? dp_strdup(err, path, text.data) : text.status;
    dp_text_done(&text);
    return st;
}

/* Read file[c->files], whose path is set, and count it. */
static dp_status load_file(dp_error *err, dp_config *c)
{
    config_file *f = &c->file[c->files++];
    dp_status st = dp_json_load(err, &f->document, f->path);
    if (st != DP_OK)
        return st;
    if (!cJSON_IsObject(f->document))
        return dp_fail(err, DP_ECONFIG, "%s: must be an object", f->path);
    if (stat(f->path, &f->id) != 0)
        return dp_fail(err, DP_EIO, "%s: cannot be read twice", f->path);
    for (config_file *g = c->file; g < f; g++)
        if (g->id.st_dev == f->id.st_dev && g->id.st_ino == f->id.st_ino)
            return dp_fail(err, DP_ECONFIG,
                           "%s: base: \"%s\" stands in the chain already", f[-1].path,
                           f->path);
    return DP_OK;
}

static dp_status load_chain(dp_error *err, dp_config *c, const char *path)
{
    dp_status st = dp_strdup(err, &c->file[0].path, path);
    while (st == DP_OK) {
        st = load_file(err, c);
        if (st != DP_OK)
            break;
        config_file *f = &c->file[c->files - 1];
        const cJSON *base = cJSON_GetObjectItemCaseSensitive(f->document, "base");
        if (!base || cJSON_IsNull(base))
            break;
        if (!cJSON_IsString(base))
            return dp_fail(err, DP_ECONFIG, "%s: base: must be a path", f->path);
        if (c->files == DP_MAX_CONFIG_BASES)
            return dp_fail(err, DP_ECONFIG,
                           "%s: base: the chain has more than %d files", f->path,
                           DP_MAX_CONFIG_BASES);
        st = path_beside(err, &f[1].path, f->path, base->valuestring);
    }
    return st;
}

/* ---- origins --------------------------------------------------------------- */

static size_t count_values(const cJSON *value)
{
    size_t count = 1;
    for (const cJSON *child = value->child; child; child = child->next)
        count += count_values(child);
    return count;
}

static void note_origin(dp_config *c, const cJSON *value, int file)
{
    c->origins[c->origin_count++] = (origin){value, file};
    for (const cJSON *child = value->child; child; child = child->next)
        note_origin(c, child, file);
}

static int compare_origins(const void *a, const void *b)
{
    const origin *x = a, *y = b;
    const uintptr_t p = (uintptr_t)x->value, q = (uintptr_t)y->value;
    return (p > q) - (p < q);
}

/* Before the merge, while all documents live, so that no address stands for two values. The
 * merge moves values and makes none. */
static dp_status note_origins(dp_error *err, dp_config *c)
{
    size_t count = 0;
    for (int i = 0; i < c->files; i++)
        count += count_values(c->file[i].document);
    void *table;
    const dp_status st =
        dp_alloc(err, &table, count, sizeof *c->origins, "the origins of a config");
    if (st != DP_OK)
        return st;
    c->origins = table;
    for (int i = 0; i < c->files; i++)
        note_origin(c, c->file[i].document, i);
    qsort(c->origins, c->origin_count, sizeof *c->origins, compare_origins);
    return DP_OK;
}

/* ---- merging --------------------------------------------------------------- */

/* Lay the object `from` over the object `into`; `from` is left empty. */
static void merge(cJSON *into, cJSON *from)
{
    while (from->child) {
        cJSON *value = cJSON_DetachItemViaPointer(from, from->child);
        cJSON *old = cJSON_GetObjectItemCaseSensitive(into, value->string);
        if (old && cJSON_IsObject(old) && cJSON_IsObject(value)) {
            merge(old, value);
            cJSON_Delete(value);
        } else if (old) {
            cJSON_ReplaceItemViaPointer(into, old, value);
        } else {
            cJSON_AddItemToArray(into, value); /* keeps the key that it has */
        }
    }
}

/* Remove the members that are null, at any depth of objects. */
static void drop_nulls(cJSON *object)
{
    cJSON *next;
    for (cJSON *value = object->child; value; value = next) {
        next = value->next;
        if (cJSON_IsNull(value))
            cJSON_Delete(cJSON_DetachItemViaPointer(object, value));
        else if (cJSON_IsObject(value))
            drop_nulls(value);
    }
}

static void merge_chain(dp_config *c)
{
    c->root = c->file[c->files - 1].document;
    c->file[c->files - 1].document = NULL;
    for (int i = c->files - 2; i >= 0; i--) {
        merge(c->root, c->file[i].document);
        cJSON_Delete(c->file[i].document);
        c->file[i].document = NULL;
    }
    drop_nulls(c->root);
    cJSON_DeleteItemFromObjectCaseSensitive(c->root, "base");
}

dp_status dp_config_load(dp_error *err, dp_config **out, const char *path)
{
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(err, &memory, 1, sizeof(dp_config), "a config");
    if (st != DP_OK)
        return st;
    dp_config *c = memory;
    st = load_chain(err, c, path);
    if (st == DP_OK)
        st = note_origins(err, c);
    if (st == DP_OK) {
        merge_chain(c);
        *out = c;
    } else {
        dp_config_free(c);
    }
    return st;
}

void dp_config_free(dp_config *config)
{
    if (!config)
        return;
    for (int i = 0; i < DP_MAX_CONFIG_BASES; i++) {
        dp_free(config->file[i].path);
        cJSON_Delete(config->file[i].document);
    }
    cJSON_Delete(config->root);
    dp_free(config->origins);
    dp_free(config);
}

/* ---- laying over ------------------------------------------------------------- */

static origin *find_origin(const dp_config *c, const cJSON *value)
{
    const origin wanted = {value, 0};
    return bsearch(&wanted, c->origins, c->origin_count, sizeof wanted,
                   compare_origins);
}

/* New values may have the addresses of old ones that the merge freed. */
static void claim(dp_config *c, const cJSON *value)
{
    origin *old = find_origin(c, value);
    if (old)
        old->file = 0;
    for (const cJSON *child = value->child; child; child = child->next)
        claim(c, child);
}

dp_status dp_config_lay(dp_error *err, dp_config *config, const char *text,
                        const char *name)
{
    cJSON *document;
    const dp_status st = dp_json_parse(err, &document, text, strlen(text), name);
    if (st != DP_OK)
        return st;
    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        return dp_fail(err, DP_ECONFIG, "%s: must be an object", name);
    }
    claim(config, document);
    merge(config->root, document);
    cJSON_Delete(document);
    drop_nulls(config->root);
    return DP_OK;
}

dp_status dp_config_lay_section(dp_error *err, dp_config *config, const char *over,
                                const char *from)
{
    const cJSON *section;
    dp_status st = dp_config_section(err, &section, config, over);
    if (st == DP_OK)
        st = dp_config_section(err, &section, config, from);
    if (st != DP_OK)
        return st;
    cJSON *upper = cJSON_DetachItemFromObjectCaseSensitive(config->root, from);
    merge(cJSON_GetObjectItemCaseSensitive(config->root, over), upper);
    cJSON_Delete(upper);
    return DP_OK;
}

/* ---- asking ---------------------------------------------------------------- */

const char *dp_config_path(const dp_config *config)
{
    return config->file[0].path;
}

const cJSON *dp_config_root(const dp_config *config)
{
    return config->root;
}

const char *dp_config_origin(const dp_config *config, const cJSON *value)
{
    const origin *found = find_origin(config, value);
    return config->file[found ? found->file : 0].path;
}

static dp_status wrong(dp_error *err, const dp_config *config, const cJSON *value,
                       const char *where, const char *key, const char *expected)
{
    return dp_fail(err, DP_ECONFIG, "%s: %s%s%s: %s %s",
                   dp_config_origin(config, value), where, *where ? "." : "", key,
                   value ? "must be" : "missing; must be", expected);
}

dp_status dp_config_section(dp_error *err, const cJSON **out, const dp_config *config,
                            const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(config->root, key);
    *out = value;
    return cJSON_IsObject(value) ? DP_OK
                                 : wrong(err, config, value, "", key, "an object");
}

dp_status dp_config_text(dp_error *err, const char **out, const dp_config *config,
                         const cJSON *object, const char *where, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    *out = cJSON_GetStringValue(value);
    return *out ? DP_OK : wrong(err, config, value, where, key, "a text");
}

dp_status dp_config_resolve(dp_error *err, char **path, const dp_config *config,
                            const cJSON *value)
{
    return path_beside(err, path, dp_config_origin(config, value), value->valuestring);
}

/* ---- dumps ----------------------------------------------------------------- */

static void add_json(dp_text *text, const cJSON *value, bool pretty)
{
    char *json = pretty ? cJSON_Print(value) : cJSON_PrintUnformatted(value);
    if (json)
        dp_text_add(text, "%s", json);
    else if (text->status == DP_OK)
        text->status = dp_fail(text->err, DP_ENOMEM, "out of memory: a dump");
    cJSON_free(json);
}

void dp_config_format(const dp_config *config, dp_text *text)
{
    add_json(text, config->root, true);
    dp_text_add(text, "\n");
}

void dp_config_format_without(const dp_config *config, const char *key, dp_text *text)
{
    for (const cJSON *value = config->root->child; value; value = value->next) {
        if (strcmp(value->string, key) == 0)
            continue;
        dp_text_add(text, "%s: ", value->string);
        add_json(text, value, false);
        dp_text_add(text, "\n");
    }
}

/* `keys` are those on the way to `object`, outermost first. */
static void add_origins(const dp_config *config, dp_text *text, const cJSON *object,
                        const cJSON **keys, int depth)
{
    for (const cJSON *value = object->child; value; value = value->next) {
        keys[depth] = value;
        if (cJSON_IsObject(value)) {
            add_origins(config, text, value, keys, depth + 1);
            continue;
        }
        for (int i = 0; i <= depth; i++)
            dp_text_add(text, "%s%s", i ? "." : "", keys[i]->string);
        dp_text_add(text, " = ");
        add_json(text, value, false);
        dp_text_add(text, " (%s)\n", dp_config_origin(config, value));
    }
}

void dp_config_format_origins(const dp_config *config, dp_text *text)
{
    const cJSON *keys[DP_MAX_JSON_DEPTH];
    add_origins(config, text, config->root, keys, 0);
}
