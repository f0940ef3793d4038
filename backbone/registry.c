#include "backbone/backbone.h"

#include <string.h>

static const dp_backbone_def *const all[] = {
    &dp_backbone_convnext,
    &dp_backbone_convnext_iso,
    &dp_backbone_resnet,
    &dp_backbone_swin,
    NULL,
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
