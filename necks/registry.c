#include "necks/neck.h"

#include <string.h>

static const dp_neck_def *const all[] = {
    &dp_neck_fpn,
    NULL,
};

const dp_neck_def *const *dp_neck_all(void)
{
    return all;
}

const dp_neck_def *dp_neck_find(const char *name)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
