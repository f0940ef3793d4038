#include "io/checkpoint/name_map.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/name_index.h"
#include "io/checkpoint/name_rule.h"

#include <cjson/cJSON.h>
#include <string.h>

struct dp_name_map {
    cJSON *root; /* owns every text */
    const char *name;
    const cJSON *marks;
    dp_name_rule *rules;
    size_t count;
};

/* ---- reading ----------------------------------------------------------------------- */

static dp_status text_of(dp_error *err, const char **out, const cJSON *object,
                         const char *key, const char *path)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(value))
        return dp_fail(err, DP_ECONFIG, "%s: %s: must be a text", path, key);
    *out = value->valuestring;
    return DP_OK;
}

static dp_status read_map(dp_error *err, dp_name_map *map, const char *path)
{
    static const char *const known[] = {"name", "source", "marks", "rules"};
    const cJSON *item;
    cJSON_ArrayForEach(item, map->root)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(item->string, known[i]) == 0;
        if (!found)
            return dp_fail(err, DP_ECONFIG, "%s: %s: unknown key", path, item->string);
    }
    const cJSON *rules = cJSON_GetObjectItemCaseSensitive(map->root, "rules");
    map->marks = cJSON_GetObjectItemCaseSensitive(map->root, "marks");
    if (!cJSON_IsArray(rules) || !cJSON_IsArray(map->marks) || !map->marks->child)
        return dp_fail(err, DP_ECONFIG, "%s: marks, rules: must be lists", path);
    cJSON_ArrayForEach(item, map->marks)
    {
        if (!cJSON_IsString(item))
            return dp_fail(err, DP_ECONFIG, "%s: marks: must be texts", path);
    }

    dp_status st = text_of(err, &map->name, map->root, "name", path);
    if (st == DP_OK)
        st = dp_alloc(err, &map->rules, (size_t)cJSON_GetArraySize(rules),
                      sizeof *map->rules, "a name map");
    if (st != DP_OK)
        return st;
    cJSON_ArrayForEach(item, rules)
    {
        st = dp_name_rule_read(err, &map->rules[map->count], item, path);
        if (st != DP_OK)
            return st;
        map->count++;
    }
    return DP_OK;
}

dp_status dp_name_map_load(dp_error *err, dp_name_map **out, const char *path)
{
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(err, &memory, 1, sizeof(dp_name_map), "a name map");
    if (st != DP_OK)
        return st;
    dp_name_map *map = memory;
    st = dp_json_load(err, &map->root, path);
    if (st == DP_OK && !cJSON_IsObject(map->root))
        st = dp_fail(err, DP_ECONFIG, "%s: must be an object", path);
    if (st == DP_OK)
        st = read_map(err, map, path);
    if (st != DP_OK)
        dp_name_map_free(map);
    else
        *out = map;
    return st;
}

void dp_name_map_free(dp_name_map *map)
{
    if (!map)
        return;
    cJSON_Delete(map->root);
    dp_free(map->rules);
    dp_free(map);
}

const char *dp_name_map_name(const dp_name_map *map)
{
    return map->name;
}

/* ---- use --------------------------------------------------------------------------- */

bool dp_name_map_fits(const dp_name_map *map, const dp_named_tensor *tensors,
                      size_t count)
{
    const cJSON *mark;
    cJSON_ArrayForEach(mark, map->marks)
    {
        size_t i = 0;
        while (i < count && strcmp(tensors[i].name, mark->valuestring) != 0)
            i++;
        if (i == count)
            return false;
    }
    return true;
}

/* The first rule for the name, and which of its pieces has it. */
static const dp_name_rule *find_rule(const dp_name_map *map, dp_name_match *m,
                                     int *piece, const char *name)
{
    for (size_t i = 0; i < map->count; i++) {
        *piece = dp_name_rule_match(&map->rules[i], m, name);
        if (*piece >= 0)
            return &map->rules[i];
    }
    return NULL;
}

/* What is renamed, and where it goes: `tensors` is NULL while sizes are counted. */
typedef struct renaming {
    const dp_name_map *map;
    const dp_named_tensor *from;
    dp_name_index index; /* of their names */
    dp_error *err;

    dp_named_tensor *tensors;
    char *names;
    unsigned char *data;
    size_t count, name_bytes, data_bytes;
} renaming;

/* The tensor of the name that the pattern and the match make; NULL when there is none. */
static const dp_named_tensor *find_piece(const renaming *n, const char *pattern,
                                         const dp_name_match *m)
{
    char name[DP_MAX_TENSOR_NAME];
    if (dp_name_expand(NULL, pattern, m) >= sizeof name)
        return NULL;
    dp_name_expand(name, pattern, m);
    const ptrdiff_t place = dp_name_index_find(&n->index, dp_name_from(name));
    return place == DP_NAME_NONE ? NULL : &n->from[place];
}

static dp_status find_pieces(const renaming *n, dp_named_tensor *pieces,
                             const dp_name_rule *r, const dp_name_match *m,
                             const char *name)
{
    for (int p = 0; p < r->pieces; p++) {
        const dp_named_tensor *t = find_piece(n, r->from[p], m);
        if (!t)
            return dp_fail(
                n->err, DP_EFORMAT,
                "tensor %.100s: no %.100s to join it to, as %s's names have it", name,
                r->from[p], n->map->name);
        pieces[p] = *t;
    }
    return DP_OK;
}

/* A tensor with bytes of its own. */
static dp_status make_tensor(renaming *n, dp_named_tensor *whole, const dp_name_rule *r,
                             const dp_named_tensor *pieces)
{
    unsigned char *data = n->tensors ? n->data + n->data_bytes : NULL;
    dp_status st = dp_name_rule_make(n->err, r, whole, data, pieces);
    whole->data = data;
    for (int p = 0; p < r->pieces && st == DP_OK; p++)
        if (!dp_add_size(&n->data_bytes, n->data_bytes,
                         dp_named_tensor_count(&pieces[p]) *
                             dp_dtype_size(pieces[p].dtype)))
            st = dp_fail(n->err, DP_ENOMEM, "tensor %.100s: too large to be joined",
                         pieces[p].name);
    return st;
}

/* The new name's bytes are counted with their end. */
static dp_status name_tensor(renaming *n, dp_named_tensor *t, const dp_name_rule *r,
                             const dp_name_match *m)
{
    const size_t size = r ? dp_name_expand(NULL, r->to, m) : strlen(t->name);
    if (size >= DP_MAX_TENSOR_NAME)
        return dp_fail(n->err, DP_EFORMAT,
                       "tensor %.60s...: found a new name of %zu bytes, "
                       "expected less than %d",
                       t->name, size, DP_MAX_TENSOR_NAME);
    if (n->tensors) {
        char *name = n->names + n->name_bytes;
        if (r)
            dp_name_expand(name, r->to, m);
        else
            memcpy(name, t->name, size + 1);
        t->name = name;
    }
    n->name_bytes += size + 1;
    return DP_OK;
}

static dp_status add_tensor(renaming *n, dp_named_tensor t)
{
    dp_name_match m;
    int piece = 0;
    dp_named_tensor pieces[DP_NAME_RULE_PIECES];
    dp_status st = DP_OK;
    const dp_name_rule *r = find_rule(n->map, &m, &piece, t.name);
    if (r && !dp_name_rule_keeps_bytes(r)) {
        st = find_pieces(n, pieces, r, &m, t.name);
        if (st == DP_OK && piece == 0)
            st = make_tensor(n, &t, r, pieces);
    }
    if (st != DP_OK || piece > 0)
        return st; /* the first piece stands for the others */
    if (r)
        dp_name_rule_shape(r, &t);
    st = name_tensor(n, &t, r, &m);
    if (n->tensors)
        n->tensors[n->count] = t;
    n->count++;
    return st;
}

/* Go through the tensors: the first time to count, the second to write. */
static dp_status add_tensors(renaming *n)
{
    dp_status st = DP_OK;
    n->count = n->name_bytes = n->data_bytes = 0;
    for (size_t i = 0; i < n->index.count && st == DP_OK; i++)
        st = add_tensor(n, n->from[i]);
    return st;
}

/* One block: the tensors, the bytes of those made, and the names. */
static dp_status make_room(renaming *n)
{
    void *memory;
    const size_t head = n->count * sizeof *n->tensors;
    size_t bytes = head;
    if (!dp_add_size(&bytes, bytes, n->data_bytes) ||
        !dp_add_size(&bytes, bytes, n->name_bytes))
        return dp_fail(n->err, DP_ENOMEM, "renamed tensors: too large");
    const dp_status st = dp_alloc(n->err, &memory, bytes, 1, "renamed tensors");
    if (st != DP_OK)
        return st;
    n->tensors = memory;
    n->data = (unsigned char *)memory + head;
    n->names = (char *)n->data + n->data_bytes;
    return DP_OK;
}

dp_status dp_name_map_apply(dp_error *err, const dp_name_map *map,
                            dp_named_tensor **out, size_t *out_count,
                            const dp_named_tensor *tensors, size_t count)
{
    void *memory;
    *out = NULL;
    *out_count = 0;
    dp_status st = dp_alloc(err, &memory, count, sizeof(dp_name), "names of tensors");
    if (st != DP_OK)
        return st;
    dp_name *names = memory;
    for (size_t i = 0; i < count; i++)
        names[i] = dp_name_from(tensors[i].name);
    renaming n = {.map = map, .from = tensors, .err = err};
    st = dp_name_index_init(err, &n.index, names, count);
    if (st == DP_OK)
        st = add_tensors(&n);
    if (st == DP_OK)
        st = make_room(&n);
    if (st == DP_OK)
        st = add_tensors(&n);
    dp_name_index_done(&n.index);
    dp_free(names);
    if (st != DP_OK) {
        dp_free(n.tensors);
        return st;
    }
    *out = n.tensors;
    *out_count = n.count;
    return DP_OK;
}
