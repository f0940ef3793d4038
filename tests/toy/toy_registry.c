/* backbone/registry.c with one line more. It takes the place of the library's. */
#include "tests/toy/toy_backbone.h"

#include <string.h>

static const dp_backbone_def *const all[] = {
    &dp_backbone_convnext,
    &dp_backbone_toy,
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

const dp_backbone_def *dp_backbone_recognise(const dp_named_tensor *tensors,
                                             size_t count)
{
    (void)tensors;
    (void)count;
    return NULL;
}
