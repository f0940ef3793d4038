#include "model/upstream_names.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"

#include <string.h>
#include <unistd.h>

enum { NAME = 256 };

static dp_status check(dp_error *err, const cJSON *table, const char *path)
{
    if (!cJSON_IsObject(table))
        return dp_fail(err, DP_ECONFIG, "%s: must be an object", path);
    for (const cJSON *v = table->child; v; v = v->next)
        if (!cJSON_IsString(v))
            return dp_fail(err, DP_ECONFIG, "%s: %s: must be a text", path, v->string);
    return DP_OK;
}

dp_status dp_upstream_names_load(dp_error *err, cJSON **out, const char *folder)
{
    char *path;
    *out = NULL;
    dp_status st = dp_path_join(err, &path, folder, "_upstream.json");
    if (st == DP_OK && access(path, F_OK) == 0)
        st = dp_json_load(err, out, path);
    if (st == DP_OK && *out)
        st = check(err, *out, path);
    if (st != DP_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    dp_free(path);
    return st;
}

bool dp_upstream_name_is_python(const char *name)
{
    const size_t size = strlen(name);
    return size > 3 && strcmp(name + size - 3, ".py") == 0;
}

const char *dp_upstream_names_find(const cJSON *table, const char *name)
{
    char stem[NAME];
    const cJSON *found = NULL;
    if (dp_upstream_name_is_python(name)) {
        dp_path_stem(stem, sizeof stem, name);
        found = cJSON_GetObjectItemCaseSensitive(table, stem);
    } else {
        found = cJSON_GetObjectItemCaseSensitive(table, name);
    }
    return cJSON_GetStringValue(found);
}

void dp_upstream_names_offer(const cJSON *table, dp_nearest *nearest)
{
    for (const cJSON *v = table ? table->child : NULL; v; v = v->next)
        dp_nearest_offer(nearest, v->string);
}
