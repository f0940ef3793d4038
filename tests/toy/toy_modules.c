/* The list of modules of this test: it takes the place of the library's. */
#include "tests/toy/toy_modules.h"

#include "model/model.h"
#include "necks/neck.h"

const dp_module *const dp_modules[] = {
    &dp_backbone_toy.module,
    &dp_neck_fpn.module,
    &dp_proposal_head_rpn.module,
    &dp_box_head_shared_2fc.module,
    &dp_box_head_mean.module,
    &dp_mask_head_fcn.module,
    &dp_decode_head_upernet.module,
    &dp_auxiliary_head_fcn.module,
    &dp_model_mask_rcnn.module,
    &dp_model_upernet.module,
    NULL,
};
