#include "backbone/backbone.h"

#include <string.h>

static const dp_backbone_def *const all[] = {
    &dp_backbone_convnext, &dp_backbone_convnext_iso, &dp_backbone_resnet,
    &dp_backbone_roadmap,  &dp_backbone_swin,         NULL,
};

const dp_backbone_def *const *dp_backbone_all(void)
{
    return all;
}

const dp_backbone_def *dp_backbone_find(const char *name)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n == m ? strcmp(name, end) == 0
                  : n > m && name[n - m - 1] == '.' && strcmp(name + n - m, end) == 0;
}

const dp_backbone_def *dp_backbone_recognise(const dp_named_tensor *tensors,
                                             size_t count)
{
    for (size_t i = 0; all[i]; i++)
        for (size_t k = 0; k < count; k++)
            if (all[i]->mark && ends_with(tensors[k].name, all[i]->mark))
                return all[i];
    return NULL;
}
