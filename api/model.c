/* include/densepred/model.h: what a model is, and which there are. Loading, planning and
 * freeing one are in model/. */
#include "model/model.h"
#include "base/memory.h"
#include "model/shipped.h"

enum { GREY = 128 };

dp_task dp_model_task(const dp_model *m)
{
    return m->def->task;
}

const char *dp_model_type(const dp_model *m)
{
    return m->def->module.name;
}

const char *dp_model_dataset(const dp_model *m)
{
    return m->dataset.name;
}

int dp_model_class_count(const dp_model *m)
{
    return m->dataset.count;
}

const char *dp_model_class_name(const dp_model *m, int label)
{
    return label >= 0 && label < m->dataset.count ? m->dataset.list[label].name : NULL;
}

int dp_model_class_id(const dp_model *m, int label)
{
    return label >= 0 && label < m->dataset.count ? m->dataset.list[label].id : -1;
}

void dp_model_class_colour(const dp_model *m, int label, uint8_t rgb[3])
{
    const bool known = label >= 0 && label < m->dataset.count;
    for (int i = 0; i < 3; i++)
        rgb[i] = known ? m->dataset.list[label].colour[i] : GREY;
}

/* ---- the models that ship --------------------------------------------------------- */

struct dp_model_list {
    dp_shipped names;
};

dp_status dp_model_list_load(dp_context *ctx, dp_model_list **out, const char *configs)
{
    void *memory;
    dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_model_list), "a list of models");
    *out = memory;
    if (st == DP_OK)
        st = dp_shipped_load(&ctx->err, &(*out)->names, configs);
    if (st != DP_OK) {
        dp_free(memory);
        *out = NULL;
    }
    return st;
}

void dp_model_list_free(dp_model_list *list)
{
    if (!list)
        return;
    dp_shipped_done(&list->names);
    dp_free(list);
}

size_t dp_model_list_count(const dp_model_list *list)
{
    return list->names.count;
}

const char *dp_model_list_get(const dp_model_list *list, size_t i)
{
    return i < list->names.count ? list->names.name[i] : NULL;
}
