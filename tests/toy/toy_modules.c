/* The list of modules of this test: it takes the place of the library's. */
#include "backbone/backbone.h"
#include "heads/head.h"
#include "model/model.h"
#include "necks/neck.h"
#include "tests/toy/toy_backbone.h"

const dp_module *const dp_modules[] = {
    &dp_backbone_toy.module,
    &dp_neck_fpn.module,
    &dp_proposal_head_rpn.module,
    &dp_box_head_shared_2fc.module,
    &dp_mask_head_fcn.module,
    &dp_decode_head_upernet.module,
    &dp_model_mask_rcnn.module,
    &dp_model_upernet.module,
    NULL,
};
