#include "core/dataset.h"

#include "base/json.h"
#include "base/memory.h"
#include "core/limits.h"
#include "core/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The row of a class, as the file has it. */
typedef struct class_row {
    char name[DP_MAX_CLASS_NAME + 1];
    int id;
    int colour[3];
} class_row;

static const dp_param params[] = {
    DP_PARAM(class_row, name, NULL, 0, 0, "what images and reports call it"),
    DP_PARAM(class_row, id, NULL, 0, 2147483647, "the data set's own number"),
    DP_PARAM(class_row, colour, "[128, 128, 128]", 0, 255, "red, green, blue"),
    DP_PARAM_END,
};

static int compare_ids(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static dp_status check_ids(dp_error *err, const dp_dataset *d)
{
    void *memory;
    dp_status st = dp_alloc(err, &memory, (size_t)d->count, sizeof(int), "class ids");
    if (st != DP_OK)
        return st;
    int *ids = memory;
    for (int i = 0; i < d->count; i++)
        ids[i] = d->list[i].id;
    qsort(ids, (size_t)d->count, sizeof *ids, compare_ids);
    for (int i = 1; i < d->count && st == DP_OK; i++)
        if (ids[i - 1] == ids[i])
            st = dp_fail(err, DP_ECONFIG, "classes: id %d stands twice", ids[i]);
    dp_free(ids);
    return st;
}

static dp_status parse_class(dp_error *err, dp_class *c, const cJSON *object, int index)
{
    class_row row;
    char where[32];
    snprintf(where, sizeof where, "classes[%d]", index);
    if (!cJSON_IsObject(object))
        return dp_fail(err, DP_ECONFIG, "%s: must be an object", where);
    dp_status st = dp_params_parse(err, params, &row, object, NULL, where);
    if (st == DP_OK)
        st = dp_strdup(err, &c->name, row.name);
    if (st != DP_OK)
        return st;
    c->id = row.id;
    for (int k = 0; k < 3; k++)
        c->colour[k] = (uint8_t)row.colour[k];
    return DP_OK;
}

static dp_status parse_classes(dp_error *err, dp_dataset *d, const cJSON *classes)
{
    const int count = cJSON_IsArray(classes) ? cJSON_GetArraySize(classes) : 0;
    if (count < 1 || count > DP_MAX_CLASSES)
        return dp_fail(err, DP_ECONFIG, "classes: found a list of %d, expected 1 to %d",
                       count, DP_MAX_CLASSES);
    dp_status st = dp_alloc(err, &d->list, (size_t)count, sizeof *d->list, "classes");
    for (const cJSON *c = classes->child; c && st == DP_OK; c = c->next) {
        st = parse_class(err, &d->list[d->count], c, d->count);
        if (st == DP_OK)
            d->count++;
    }
    return st == DP_OK ? check_ids(err, d) : st;
}

static dp_status count_classes(dp_error *err, dp_dataset *d, const cJSON *count)
{
    const double n = cJSON_IsNumber(count) ? count->valuedouble : 0;
    if (!(n >= 1 && n <= DP_MAX_CLASSES) || fabs(n - floor(n)) > 0)
        return dp_fail(err, DP_ECONFIG,
                       "count: found %g, expected an integer of 1 to %d", n,
                       DP_MAX_CLASSES);
    dp_status st = dp_alloc(err, &d->list, (size_t)n, sizeof *d->list, "classes");
    while (st == DP_OK && d->count < (int)n) {
        char name[32];
        snprintf(name, sizeof name, "class %d", d->count);
        dp_class *c = &d->list[d->count];
        *c = (dp_class){.id = d->count, .colour = {128, 128, 128}};
        st = dp_strdup(err, &c->name, name);
        d->count += st == DP_OK;
    }
    return st;
}

static dp_status parse_document(dp_error *err, dp_dataset *d, const cJSON *root)
{
    if (!cJSON_IsObject(root))
        return dp_fail(err, DP_ECONFIG, "must be an object");
    for (const cJSON *v = root->child; v; v = v->next)
        if (strcmp(v->string, "name") != 0 && strcmp(v->string, "comment") != 0 &&
            strcmp(v->string, "classes") != 0 && strcmp(v->string, "count") != 0)
            return dp_fail(
                err, DP_ECONFIG,
                "%s: unknown key; the keys are name, comment, classes and count",
                v->string);
    const char *name =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "name"));
    if (!name)
        return dp_fail(err, DP_ECONFIG, "name: must be a text, the data set's name");
    const dp_status st = dp_strdup(err, &d->name, name);
    if (st != DP_OK)
        return st;
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(root, "classes");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(root, "count");
    if (classes && number)
        return dp_fail(err, DP_ECONFIG,
                       "count: stands beside classes; give one of them");
    return number ? count_classes(err, d, number) : parse_classes(err, d, classes);
}

dp_status dp_dataset_load(dp_error *err, dp_dataset *d, const char *path)
{
    cJSON *root;
    *d = (dp_dataset){0};
    dp_status st = dp_json_load(err, &root, path);
    if (st != DP_OK)
        return st;
    st = parse_document(err, d, root);
    cJSON_Delete(root);
    if (st != DP_OK) {
        dp_dataset_done(d);
        dp_fail_while(err, "%s", path);
    }
    return st;
}

void dp_dataset_done(dp_dataset *d)
{
    for (int i = 0; i < d->count; i++)
        dp_free(d->list[i].name);
    dp_free(d->list);
    dp_free(d->name);
    *d = (dp_dataset){0};
}
