#include "core/config.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct config_file {
    char *path;
    struct stat id;  /* st_dev and st_ino tell whether two paths are one file */
    cJSON *document; /* until it is merged                                    */
} config_file;

/* Where a value is from. The table is ordered by address. */
typedef struct origin {
    const cJSON *value;
    const char *name; /* a file's path, or of a layer */
} origin;

struct dp_config {
    int files;
    config_file file[DP_MAX_CONFIG_BASES]; /* each one's base follows it */
    cJSON *root;
    origin *origins;
    size_t origin_count, origin_room;
    char **layers; /* names of the texts laid over the files */
    size_t layer_count, layer_room;
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

/* Set f[1].path to the base of f: a file beside it, or what the finder knows. */
static dp_status find_base(dp_error *err, config_file *f, const char *base,
                           const dp_config_finder *finder)
{
    struct stat s;
    dp_status st = path_beside(err, &f[1].path, f->path, base);
    if (st != DP_OK || !finder || stat(f[1].path, &s) == 0)
        return st;
    char *found = NULL;
    st = finder->find(err, &found, base, finder->arg);
    if (st != DP_OK)
        return dp_fail_while(err, "%s: base", f->path);
    if (found) {
        dp_free(f[1].path);
        f[1].path = found;
    }
    return DP_OK;
}

static dp_status load_chain(dp_error *err, dp_config *c, const char *path,
                            const dp_config_finder *finder)
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
        st = find_base(err, f, base->valuestring, finder);
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

static void note_origin(dp_config *c, const cJSON *value, const char *name)
{
    c->origins[c->origin_count++] = (origin){value, name};
    for (const cJSON *child = value->child; child; child = child->next)
        note_origin(c, child, name);
}

static int compare_origins(const void *a, const void *b)
{
    const origin *x = a, *y = b;
    const uintptr_t p = (uintptr_t)x->value, q = (uintptr_t)y->value;
    return (p > q) - (p < q);
}

/* Room for `count` more. */
static dp_status grow_origins(dp_error *err, dp_config *c, size_t count)
{
    void *table = c->origins;
    const dp_status st = dp_grow(err, &table, &c->origin_room, c->origin_count + count,
                                 sizeof *c->origins, "the origins of a config");
    c->origins = table;
    return st;
}

static void sort_origins(dp_config *c)
{
    qsort(c->origins, c->origin_count, sizeof *c->origins, compare_origins);
}

/* Before the merge, while all documents live, so that no address stands for two values. The
 * merge moves values and makes none. */
static dp_status note_origins(dp_error *err, dp_config *c)
{
    size_t count = 0;
    for (int i = 0; i < c->files; i++)
        count += count_values(c->file[i].document);
    const dp_status st = grow_origins(err, c, count);
    if (st != DP_OK)
        return st;
    for (int i = 0; i < c->files; i++)
        note_origin(c, c->file[i].document, c->file[i].path);
    sort_origins(c);
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
    return dp_config_load_with(err, out, path, NULL);
}

dp_status dp_config_load_with(dp_error *err, dp_config **out, const char *path,
                              const dp_config_finder *finder)
{
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(err, &memory, 1, sizeof(dp_config), "a config");
    if (st != DP_OK)
        return st;
    dp_config *c = memory;
    st = load_chain(err, c, path, finder);
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
    for (size_t i = 0; i < config->layer_count; i++)
        dp_free(config->layers[i]);
    cJSON_Delete(config->root);
    dp_free(config->layers);
    dp_free(config->origins);
    dp_free(config);
}

/* ---- laying over ------------------------------------------------------------- */

static origin *find_origin(const dp_config *c, const cJSON *value)
{
    const origin wanted = {value, NULL};
    return bsearch(&wanted, c->origins, c->origin_count, sizeof wanted,
                   compare_origins);
}

/* Forget values whose addresses are taken by those of a new document: the merge freed
 * them. */
static void forget(dp_config *c, const cJSON *value)
{
    origin *old = find_origin(c, value);
    if (old)
        old->name = NULL;
    for (const cJSON *child = value->child; child; child = child->next)
        forget(c, child);
}

static void drop_forgotten(dp_config *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->origin_count; i++)
        if (c->origins[i].name)
            c->origins[kept++] = c->origins[i];
    c->origin_count = kept;
}

/* The config's copy of a layer's name. */
static dp_status name_layer(dp_error *err, dp_config *c, const char **out,
                            const char *name)
{
    for (size_t i = 0; i < c->layer_count; i++)
        if (strcmp(c->layers[i], name) == 0) {
            *out = c->layers[i];
            return DP_OK;
        }
    void *list = c->layers;
    dp_status st = dp_grow(err, &list, &c->layer_room, c->layer_count + 1,
                           sizeof *c->layers, "the layers of a config");
    c->layers = list;
    if (st == DP_OK)
        st = dp_strdup(err, &c->layers[c->layer_count], name);
    if (st == DP_OK)
        *out = c->layers[c->layer_count++];
    return st;
}

static dp_status lay_object(dp_error *err, dp_config *c, cJSON *object,
                            const char *name)
{
    const char *layer;
    if (cJSON_GetObjectItemCaseSensitive(object, "base"))
        return dp_fail(err, DP_ECONFIG, "%s: base: only a file has one", name);
    dp_status st = name_layer(err, c, &layer, name);
    if (st == DP_OK)
        st = grow_origins(err, c, count_values(object));
    if (st != DP_OK)
        return st;
    forget(c, object);
    drop_forgotten(c);
    note_origin(c, object, layer);
    sort_origins(c);
    merge(c->root, object);
    drop_nulls(c->root);
    return DP_OK;
}

dp_status dp_config_lay(dp_error *err, dp_config *config, const char *text,
                        const char *name)
{
    cJSON *document;
    dp_status st = dp_json_parse(err, &document, text, strlen(text), name);
    if (st != DP_OK)
        return st;
    st = cJSON_IsObject(document)
             ? lay_object(err, config, document, name)
             : dp_fail(err, DP_ECONFIG, "%s: must be an object", name);
    cJSON_Delete(document);
    return st;
}

/* ---- one value ---------------------------------------------------------------- */

/* The value as JSON: itself, or quoted. What begins like JSON must be JSON. */
static dp_status add_value(dp_error *err, dp_text *text, const char *value)
{
    cJSON *document;
    dp_error why = {0};
    dp_status st = dp_json_parse(&why, &document, value, strlen(value), "--set");
    cJSON_Delete(document);
    if (st == DP_OK)
        dp_text_add(text, "%s", value);
    else if (st == DP_ENOMEM || (*value && strchr("{[\"", *value)))
        return dp_fail(err, st == DP_ENOMEM ? st : DP_EARG, "%s", why.text);
    else
        dp_text_add_quoted(text, value);
    return text->status;
}

/* {"test": {"score_thr": 0.1}}, of keys that end before `end`. */
static dp_status add_assignment(dp_error *err, dp_text *text, const char *keys,
                                const char *end, const char *value)
{
    int depth = 0;
    for (const char *key = keys; key <= end; depth++) {
        const char *point = memchr(key, '.', (size_t)(end - key));
        const int size = (int)((point ? point : end) - key);
        char name[DP_MAX_CONFIG_KEY + 1];
        if (size == 0 || size > DP_MAX_CONFIG_KEY)
            return dp_fail(err, DP_EARG,
                           "--set %s: expected KEY=VALUE, keys joined with points",
                           keys);
        snprintf(name, sizeof name, "%.*s", size, key);
        dp_text_add(text, "{");
        dp_text_add_quoted(text, name);
        dp_text_add(text, ": ");
        key += size + 1;
    }
    const dp_status st = add_value(err, text, value);
    for (; depth > 0; depth--)
        dp_text_add(text, "}");
    return st == DP_OK ? text->status : st;
}

static dp_status set(dp_error *err, dp_config *config, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return dp_fail(err, DP_EARG,
                       "--set %s: expected KEY=VALUE, such as test.score_thr=0.1",
                       assignment);
    dp_text text = {.err = err};
    dp_status st = add_assignment(err, &text, assignment, equals, equals + 1);
    if (st == DP_OK)
        st = dp_config_lay(err, config, dp_text_get(&text), "--set");
    dp_text_done(&text);
    return st;
}

dp_status dp_config_set(dp_error *err, dp_config *config,
                        const char *const *assignments, size_t count)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < count && st == DP_OK; i++)
        st = set(err, config, assignments[i]);
    return st;
}

/* ---- sections -------------------------------------------------------------- */

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
    return found ? found->name : config->file[0].path;
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
