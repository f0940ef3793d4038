#include "io/name_map.h"

#include "core/json.h"
#include "core/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { HOLES = 8 /* {x} in a pattern, and its * */ };

typedef struct rule {
    const char *from, *to; /* of the map's tree */
    bool squeeze, unsqueeze;
} rule;

struct dp_name_map {
    cJSON *root; /* owns every text */
    const char *name;
    const cJSON *marks;
    rule *rules;
    size_t count;
};

/* ---- patterns --------------------------------------------------------------------- */

/* What a hole of a pattern stands for in a name. */
typedef struct capture {
    const char *key; /* of {key}; "*" for the rest */
    size_t key_size;
    const char *text;
    size_t size;
} capture;

typedef struct match {
    capture captures[HOLES];
    int count;
} match;

static bool add_capture(match *m, const char *key, size_t key_size, const char *text,
                        size_t size)
{
    if (m->count == HOLES)
        return false;
    m->captures[m->count++] = (capture){key, key_size, text, size};
    return true;
}

static const capture *find_capture(const match *m, const char *key, size_t size)
{
    for (int i = 0; i < m->count; i++)
        if (m->captures[i].key_size == size &&
            memcmp(m->captures[i].key, key, size) == 0)
            return &m->captures[i];
    return NULL;
}

/* Whether `pattern` is the whole of `name`; fills m. */
static bool match_pattern(match *m, const char *pattern, const char *name)
{
    m->count = 0;
    while (*pattern) {
        if (*pattern == '*')
            return add_capture(m, pattern, 1, name, strlen(name));
        if (*pattern != '{') {
            if (*pattern++ != *name++)
                return false;
            continue;
        }
        const size_t key = strcspn(pattern, "}");
        const size_t digits = strspn(name, "0123456789");
        if (digits == 0 || !add_capture(m, pattern + 1, key - 1, name, digits))
            return false;
        pattern += key + 1;
        name += digits;
    }
    return *name == '\0';
}

/* The size of the new name; writes it, with its end, when `out` is not NULL. */
static size_t expand(char *out, const char *to, const match *m)
{
    size_t n = 0;
    while (*to) {
        const size_t key = *to == '{' ? strcspn(to, "}") - 1 : 1;
        const capture *c = NULL;
        if (*to == '{' || *to == '*')
            c = find_capture(m, *to == '{' ? to + 1 : to, key);
        const size_t size = c ? c->size : 1;
        if (out)
            memcpy(out + n, c ? c->text : to, size);
        n += size;
        to += *to == '{' ? key + 2 : 1;
    }
    if (out)
        out[n] = '\0';
    return n;
}

/* NULL when the pattern is well formed; else what is wrong. */
static const char *check_pattern(const char *p)
{
    int holes = 0;
    for (; *p; p++) {
        if (*p == '*' && p[1] != '\0')
            return "found * before the end";
        if (*p == '{') {
            const size_t key = strcspn(p, "}");
            if (p[key] != '}' || key < 2)
                return "found { without a name and }";
            p += key;
        }
        if (*p == '*' || *p == '}')
            holes++;
    }
    return holes > HOLES ? "found too many holes" : NULL;
}

/* Whether every hole of `to` is one of `from`. */
static bool holes_agree(const char *from, const char *to)
{
    for (; *to; to++) {
        char hole[64] = "*";
        if (*to == '{')
            snprintf(hole, sizeof hole, "%.*s", (int)strcspn(to, "}") + 1, to);
        if ((*to == '{' || *to == '*') && !strstr(from, hole))
            return false;
    }
    return true;
}

/* ---- reading ----------------------------------------------------------------------- */

static dp_status text_of(dp_error *err, const char **out, const cJSON *object,
                         const char *key, const char *path)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(value))
        return dp_fail(err, DP_ECONFIG, "%s: %s: expected a text", path, key);
    *out = value->valuestring;
    return DP_OK;
}

static dp_status read_rule(dp_error *err, rule *r, const cJSON *item, const char *path)
{
    dp_status st = text_of(err, &r->from, item, "from", path);
    if (st == DP_OK)
        st = text_of(err, &r->to, item, "to", path);
    if (st != DP_OK)
        return st;
    r->squeeze = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "squeeze"));
    r->unsqueeze = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "unsqueeze"));
    const char *wrong = check_pattern(r->from);
    if (!wrong)
        wrong = check_pattern(r->to);
    if (!wrong && !holes_agree(r->from, r->to))
        wrong = "found in \"to\" what \"from\" lacks";
    return wrong ? dp_fail(err, DP_ECONFIG, "%s: rule %s: %s", path, r->from, wrong)
                 : DP_OK;
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
        return dp_fail(err, DP_ECONFIG, "%s: marks, rules: expected lists", path);
    cJSON_ArrayForEach(item, map->marks)
    {
        if (!cJSON_IsString(item))
            return dp_fail(err, DP_ECONFIG, "%s: marks: expected texts", path);
    }

    void *memory;
    dp_status st = text_of(err, &map->name, map->root, "name", path);
    if (st == DP_OK)
        st = dp_alloc(err, &memory, (size_t)cJSON_GetArraySize(rules),
                      sizeof *map->rules, "a name map");
    if (st != DP_OK)
        return st;
    map->rules = memory;
    cJSON_ArrayForEach(item, rules)
    {
        st = read_rule(err, &map->rules[map->count], item, path);
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
        st = dp_fail(err, DP_ECONFIG, "%s: expected an object", path);
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

static const rule *find_rule(const dp_name_map *map, match *m, const char *name)
{
    for (size_t i = 0; i < map->count; i++)
        if (match_pattern(m, map->rules[i].from, name))
            return &map->rules[i];
    return NULL;
}

static void squeeze(dp_named_tensor *t)
{
    int rank = 0;
    for (int d = 0; d < t->rank; d++)
        if (t->shape[d] != 1) {
            t->shape[rank] = t->shape[d];
            t->stride[rank++] = t->stride[d];
        }
    t->rank = rank;
}

/* A vector becomes (1, 1, 1, K). */
static void unsqueeze(dp_named_tensor *t)
{
    if (t->rank != 1)
        return;
    t->rank = 4;
    t->shape[3] = t->shape[0];
    t->stride[3] = t->stride[0];
    for (int d = 0; d < 3; d++) {
        t->shape[d] = 1;
        t->stride[d] = t->shape[3];
    }
}

dp_status dp_name_map_apply(const dp_name_map *map, dp_error *err,
                            dp_named_tensor **out, const dp_named_tensor *tensors,
                            size_t count)
{
    match m;
    size_t bytes = count * sizeof **out;
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        const rule *r = find_rule(map, &m, tensors[i].name);
        const size_t size = r ? expand(NULL, r->to, &m) : strlen(tensors[i].name);
        if (size >= DP_MAX_TENSOR_NAME)
            return dp_fail(err, DP_EFORMAT,
                           "tensor %.60s...: found a new name of %zu bytes, "
                           "expected less than %d",
                           tensors[i].name, size, DP_MAX_TENSOR_NAME);
        bytes += size + 1;
    }
    void *memory;
    const dp_status st = dp_alloc(err, &memory, bytes, 1, "renamed tensors");
    if (st != DP_OK)
        return st;
    dp_named_tensor *renamed = memory;
    char *name = (char *)(renamed + count);
    for (size_t i = 0; i < count; i++) {
        const rule *r = find_rule(map, &m, tensors[i].name);
        renamed[i] = tensors[i];
        renamed[i].name = name;
        if (r && r->squeeze)
            squeeze(&renamed[i]);
        if (r && r->unsqueeze)
            unsqueeze(&renamed[i]);
        name +=
            1 + (r ? expand(name, r->to, &m)
                   : (size_t)snprintf(name, DP_MAX_TENSOR_NAME, "%s", tensors[i].name));
    }
    *out = renamed;
    return DP_OK;
}
