/* Box heads of one stage: shared layers, then scores and deltas. With two fully connected
 * layers as in He et al. 2017, figure 4 left (mmdetection's Shared2FCBBoxHead), or with
 * four convolutions and one (Shared4Conv1FCBBoxHead). torchvision's two have the same
 * layers and rules of their own.
 */
#include "heads/conv_fc.h"
#include "heads/head.h"

typedef struct box_head {
    dp_conv_fc_spec spec; /* first: what DP_CONV_FC_PARAMS fills */
    float target_stds[4];

    dp_conv_fc layers;
} box_head;

/* The heads differ in their defaults. */
#define PARAMS(convs, fcs, classes)                                            \
    {                                                                          \
        DP_CONV_FC_PARAMS(convs, fcs, classes),                                \
            DP_PARAM(box_head, target_stds, "[0.1, 0.1, 0.2, 0.2]", 1e-6, 100, \
                     "what predicted dx dy dw dh are multiplied by"),          \
            DP_PARAM_END                                                       \
    }

static const dp_param shared_2fc[] = PARAMS("0", "2", "80");
static const dp_param shared_4conv_1fc[] = PARAMS("4", "1", "80");
static const dp_param torchvision_2fc[] = PARAMS("0", "2", "90");
static const dp_param torchvision_4conv_1fc[] = PARAMS("4", "1", "90");

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    box_head *head = self;
    dp_conv_fc_build(b, &head->layers, &head->spec, dp_box_head_def_of(module)->rules,
                     in->spec[0].channels);
    return b->status;
}

static int classes(const void *self)
{
    return ((const box_head *)self)->spec.num_classes;
}

static dp_box_predictions forward(const void *self, dp_run *r, const dp_frame *frame,
                                  const dp_features *maps, dp_box *rois, int count)
{
    (void)frame;
    const box_head *head = self;
    dp_box_predictions out =
        dp_conv_fc_take(r, &head->spec, rois, count, head->target_stds);
    out.skip_padding = head->layers.rules->skips_padding;
    dp_conv_fc_run(r, &head->layers, out, maps, "");
    return out;
}

#define BOX_HEAD(type, text, table, which)                                           \
    {                                                                                \
        .module = DP_MODULE(DP_MODULE_BOX_HEAD, type, text, box_head, table, build), \
        .rules = &(which), .classes = classes, .forward = forward,                   \
    }

const dp_box_head_def dp_box_head_shared_2fc =
    BOX_HEAD("shared_2fc", "box head of Mask R-CNN: two shared fully connected layers",
             shared_2fc, dp_rules_mmdetection);
const dp_box_head_def dp_box_head_shared_4conv_1fc = BOX_HEAD(
    "shared_4conv_1fc", "box head: four shared convolutions, a fully connected layer",
    shared_4conv_1fc, dp_rules_mmdetection);
const dp_box_head_def dp_box_head_torchvision_2fc =
    BOX_HEAD("torchvision_2fc", "box head of torchvision's Mask R-CNN", torchvision_2fc,
             dp_rules_torchvision);
const dp_box_head_def dp_box_head_torchvision_4conv_1fc =
    BOX_HEAD("torchvision_4conv_1fc", "box head of torchvision's second Mask R-CNN",
             torchvision_4conv_1fc, dp_rules_torchvision);
