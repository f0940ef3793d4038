#include "cli/classes.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* Append the classes of this name. */
static int find_class(const dp_model *model, const char *name, int *labels,
                      size_t *count)
{
    const size_t before = *count;
    dp_nearest nearest = {.word = name};
    for (int i = 0; i < dp_model_class_count(model); i++) {
        bool listed = false;
        dp_nearest_offer(&nearest, dp_model_class_name(model, i));
        if (strcmp(dp_model_class_name(model, i), name) != 0)
            continue;
        for (size_t k = 0; k < before; k++)
            listed = listed || labels[k] == i;
        if (listed)
            return DP_EXIT_OK;
        labels[(*count)++] = i;
    }
    if (*count > before)
        return DP_EXIT_OK;
    if (nearest.best)
        return dp_cli_usage("--classes: %s has no class '%s'; did you mean '%s'?",
                            dp_model_dataset(model), name, nearest.best);
    return dp_cli_usage("--classes: %s has no class '%s'", dp_model_dataset(model),
                        name);
}

int dp_cli_find_classes(const dp_model *model, const char *list, int **labels,
                        size_t *count)
{
    dp_error err = {0};
    void *memory;
    int status = DP_EXIT_OK;
    *labels = NULL;
    *count = 0;
    if (dp_alloc(&err, &memory, (size_t)dp_model_class_count(model), sizeof **labels,
                 "classes") != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    *labels = memory;
    while (*list && status == DP_EXIT_OK) {
        char name[128];
        const size_t size = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)size, list);
        status = find_class(model, name, *labels, count);
        list += size + (list[size] == ',');
    }
    return status;
}
