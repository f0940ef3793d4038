#include "tests/support/renamed.h"

#include "io/checkpoint/checkpoint.h"
#include "io/checkpoint/name_map.h"
#include "io/checkpoint/safetensors.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QKV = 3, NAME = 200 };

/* What makes the rule's order of axes undone. */
static void reverse_order(cJSON *reorder)
{
    const cJSON *extents = json_get(reorder, "extents");
    const cJSON *order = json_get(reorder, "order");
    const int n = cJSON_GetArraySize(order);
    int back[8], extent[8];
    for (int i = 0; i < n; i++) {
        const int from = cJSON_GetArrayItem(order, i)->valueint;
        extent[i] = cJSON_GetArrayItem(extents, from)->valueint;
        back[from] = i;
    }
    cJSON_ReplaceItemInObject(reorder, "extents", cJSON_CreateIntArray(extent, n));
    cJSON_ReplaceItemInObject(reorder, "order", cJSON_CreateIntArray(back, n));
}

/* Part `piece` of a tensor goes by the rule's name before it was joined. */
static cJSON *part_rule(const cJSON *rule, int piece)
{
    char from[NAME];
    cJSON *part = cJSON_CreateObject();
    snprintf(from, sizeof from, "%d#%s", piece, json_text(rule, "to"));
    cJSON_AddStringToObject(part, "from", from);
    cJSON_AddStringToObject(
        part, "to", cJSON_GetArrayItem(json_get(rule, "from"), piece)->valuestring);
    return part;
}

static cJSON *reverse_rule(const cJSON *rule)
{
    cJSON *back = cJSON_Duplicate(rule, true);
    cJSON *from = cJSON_DetachItemFromObject(back, "from");
    cJSON *to = cJSON_DetachItemFromObject(back, "to");
    cJSON_AddItemToObject(back, "from", to);
    cJSON_AddItemToObject(back, "to", from);
    cJSON_DeleteItemFromObject(back, "squeeze");
    cJSON *shape = cJSON_DetachItemFromObject(back, "unsqueeze");
    if (shape)
        cJSON_AddItemToObject(back, "squeeze", shape);
    cJSON *reorder = cJSON_GetObjectItem(back, "reorder");
    if (reorder)
        reverse_order(reorder);
    return back;
}

/* The map backwards, as a file; *joins when it joins tensors. */
static const char *reversed(const char *map, bool *joins)
{
    cJSON *root = json_load(map);
    cJSON *rules = cJSON_DetachItemFromObject(root, "rules");
    cJSON *back = cJSON_AddArrayToObject(root, "rules");
    const cJSON *rule;
    *joins = false;
    cJSON_ArrayForEach(rule, rules)
    {
        if (!cJSON_IsArray(json_get(rule, "from"))) {
            cJSON_AddItemToArray(back, reverse_rule(rule));
            continue;
        }
        *joins = true;
        for (int p = 0; p < QKV; p++)
            cJSON_AddItemToArray(back, part_rule(rule, p));
    }
    char *text = cJSON_Print(root);
    const char *path = scratch_file("reversed.json", text, strlen(text));
    free(text);
    cJSON_Delete(rules);
    cJSON_Delete(root);
    return path;
}

/* The tensors, with "0#NAME", "1#NAME", "2#NAME" for the rows of each NAME with ".qkv.":
 * the only ones that a map joins. One block, the caller's to free. */
static dp_named_tensor *split(const dp_named_tensor *tensors, size_t *count)
{
    const size_t most = *count * QKV;
    dp_named_tensor *list = malloc(most * (sizeof *list + NAME));
    char *names = (char *)(list + most);
    size_t n = 0;
    for (size_t i = 0; i < *count; i++) {
        const dp_named_tensor *t = &tensors[i];
        const int parts = strstr(t->name, ".qkv.") ? QKV : 1;
        for (int p = 0; p < parts; p++, n++) {
            list[n] = *t;
            if (parts == 1)
                continue;
            const size_t bytes =
                dp_named_tensor_count(t) / QKV * dp_dtype_size(t->dtype);
            ck_assert(dp_named_tensor_is_dense(t) && t->shape[0] % QKV == 0);
            snprintf(names, NAME, "%d#%s", p, t->name);
            list[n].name = names;
            list[n].shape[0] /= QKV;
            list[n].data = (const unsigned char *)t->data + (size_t)p * bytes;
            names += NAME;
        }
    }
    *count = n;
    return list;
}

void renamed_write(const char *out, const char *weights, const char *map)
{
    dp_error err = {0};
    dp_checkpoint *file;
    dp_name_map *names;
    dp_named_tensor *parts = NULL, *renamed;
    size_t count, renamed_count, changed = 0;
    bool joins;
    const char *backwards = reversed(map, &joins);
    ck_assert_int_eq(dp_checkpoint_open(&err, &file, weights), DP_OK);
    const dp_named_tensor *tensors = dp_checkpoint_tensors(file, &count);
    if (joins)
        tensors = parts = split(tensors, &count);
    ck_assert_msg(dp_name_map_load(&err, &names, backwards) == DP_OK, "%s", err.text);
    ck_assert_msg(dp_name_map_apply(&err, names, &renamed, &renamed_count, tensors,
                                    count) == DP_OK,
                  "%s", err.text);
    ck_assert_uint_eq(renamed_count, count);
    for (size_t i = 0; i < count; i++)
        changed += strcmp(renamed[i].name, tensors[i].name) != 0;
    ck_assert_uint_gt(changed, 10);
    ck_assert_int_eq(dp_safetensors_save(&err, out, renamed, count, NULL), DP_OK);
    dp_name_map_free(names);
    free(renamed);
    free(parts);
    dp_checkpoint_close(file);
}

/* Row-major; the caller's to free. */
static void *bytes_of(const dp_named_tensor *t, size_t *size)
{
    *size = dp_named_tensor_count(t) * dp_dtype_size(t->dtype);
    void *bytes = malloc(*size + 1);
    dp_named_tensor_copy(t, bytes);
    return bytes;
}

static void check_same(const dp_named_tensor *a, const dp_named_tensor *b)
{
    size_t a_size, b_size;
    ck_assert_msg(a->dtype == b->dtype && a->rank == b->rank &&
                      memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) ==
                          0,
                  "%s: another shape", a->name);
    void *a_bytes = bytes_of(a, &a_size), *b_bytes = bytes_of(b, &b_size);
    ck_assert_msg(a_size == b_size && memcmp(a_bytes, b_bytes, a_size) == 0,
                  "%s: other values", a->name);
    free(a_bytes);
    free(b_bytes);
}

void renamed_check(const char *file, const char *map, const char *weights)
{
    dp_error err = {0};
    dp_checkpoint *ours, *theirs;
    dp_name_map *names = NULL;
    dp_named_tensor *renamed = NULL;
    size_t count, want;
    ck_assert_int_eq(dp_checkpoint_open(&err, &ours, weights), DP_OK);
    ck_assert_int_eq(dp_checkpoint_open(&err, &theirs, file), DP_OK);
    dp_checkpoint_tensors(ours, &want);
    const dp_named_tensor *list = dp_checkpoint_tensors(theirs, &count);
    if (map) {
        ck_assert_int_eq(dp_name_map_load(&err, &names, map), DP_OK);
        ck_assert(dp_name_map_fits(names, list, count));
        ck_assert_msg(dp_name_map_apply(&err, names, &renamed, &count, list, count) ==
                          DP_OK,
                      "%s", err.text);
        list = renamed;
    }
    ck_assert_uint_eq(count, want);
    for (size_t i = 0; i < count; i++) {
        const dp_named_tensor *t = dp_checkpoint_find(ours, list[i].name);
        ck_assert_msg(t, "%s is no upstream name", list[i].name);
        check_same(&list[i], t);
    }
    dp_name_map_free(names);
    free(renamed);
    dp_checkpoint_close(theirs);
    dp_checkpoint_close(ours);
}
