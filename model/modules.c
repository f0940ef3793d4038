/* The list of modules (core/module.h), kind by kind. */
#include "backbone/backbone.h"
#include "heads/head.h"
#include "model/model.h"
#include "necks/neck.h"

const dp_module *const dp_modules[] = {
    &dp_backbone_convnext.module,
    &dp_backbone_convnext_iso.module,
    &dp_backbone_resnet.module,
    &dp_backbone_roadmap.module,
    &dp_backbone_swin.module,

    &dp_neck_fpn.module,

    &dp_proposal_head_rpn.module,
    &dp_proposal_head_torchvision.module,

    &dp_box_head_shared_2fc.module,
    &dp_box_head_shared_4conv_1fc.module,
    &dp_box_head_cascade.module,
    &dp_box_head_torchvision_2fc.module,
    &dp_box_head_torchvision_4conv_1fc.module,

    &dp_mask_head_fcn.module,
    &dp_mask_head_cascade_fcn.module,
    &dp_mask_head_torchvision.module,

    &dp_decode_head_upernet.module,
    &dp_auxiliary_head_fcn.module,

    &dp_class_head_pooled_linear.module,
    &dp_class_head_normed_linear.module,

    &dp_model_mask_rcnn.module,
    &dp_model_torchvision_rcnn.module,
    &dp_model_upernet.module,
    &dp_model_classifier.module,

    NULL,
};
