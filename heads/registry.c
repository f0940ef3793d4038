#include "heads/head.h"

#include <string.h>

static const dp_head_def *const all[] = {
    &dp_proposal_head_rpn.head,
    &dp_proposal_head_torchvision.head,
    &dp_box_head_shared_2fc.head,
    &dp_box_head_shared_4conv_1fc.head,
    &dp_box_head_cascade.head,
    &dp_box_head_torchvision_2fc.head,
    &dp_box_head_torchvision_4conv_1fc.head,
    &dp_mask_head_fcn.head,
    &dp_mask_head_cascade_fcn.head,
    &dp_mask_head_torchvision.head,
    &dp_decode_head_upernet.head,
    &dp_class_head_pooled_linear.head,
    &dp_class_head_normed_linear.head,
    NULL,
};

static const dp_proposal_head_def *const proposal_heads[] = {
    &dp_proposal_head_rpn,
    &dp_proposal_head_torchvision,
};
static const dp_box_head_def *const box_heads[] = {
    &dp_box_head_shared_2fc,
    &dp_box_head_shared_4conv_1fc,
    &dp_box_head_cascade,
    &dp_box_head_torchvision_2fc,
    &dp_box_head_torchvision_4conv_1fc,
};
static const dp_mask_head_def *const mask_heads[] = {
    &dp_mask_head_fcn,
    &dp_mask_head_cascade_fcn,
    &dp_mask_head_torchvision,
};
static const dp_decode_head_def *const decode_heads[] = {
    &dp_decode_head_upernet,
};
static const dp_class_head_def *const class_heads[] = {
    &dp_class_head_pooled_linear,
    &dp_class_head_normed_linear,
};

const dp_head_def *const *dp_head_all(void)
{
    return all;
}

/* Each kind has its own type, so the search is written once as a macro. */
#define FIND(list, name)                                        \
    for (size_t i = 0; i < sizeof(list) / sizeof(list)[0]; i++) \
        if (strcmp((list)[i]->head.name, name) == 0)            \
            return (list)[i];                                   \
    return NULL

const dp_proposal_head_def *dp_proposal_head_find(const char *name)
{
    FIND(proposal_heads, name);
}

const dp_box_head_def *dp_box_head_find(const char *name)
{
    FIND(box_heads, name);
}

const dp_mask_head_def *dp_mask_head_find(const char *name)
{
    FIND(mask_heads, name);
}

const dp_decode_head_def *dp_decode_head_find(const char *name)
{
    FIND(decode_heads, name);
}

const dp_class_head_def *dp_class_head_find(const char *name)
{
    FIND(class_heads, name);
}
