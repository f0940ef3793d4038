/* Mask R-CNN: He et al. 2017, as upstream's detectors run it at test time: proposals,
 * boxes, and masks of the boxes that are left. Also without masks, when the config has no
 * "mask_head" (Faster R-CNN), and in three stages, with the cascade's heads (Cascade Mask
 * R-CNN). mmdetection and torchvision differ in their rules (postprocess/rules.h).
 */
#include "heads/head.h"
#include "model/detector.h"
#include "necks/neck.h"
#include "postprocess/select_detections.h"
#include "postprocess/softmax.h"

#include <math.h>

typedef struct rcnn {
    dp_selection selection; /* first: with mask_thr_binary the keys of "test" */
    float mask_thr_binary;

    const dp_detector_rules *rules;
    int levels; /* maps that regions are cut from: the backbone's number of maps */
    dp_part neck;
    dp_part rpn;
    dp_part box;
    dp_part mask; /* its module is NULL: boxes only */
} rcnn;

static const dp_param params[] = {
    DP_PARAM(dp_selection, score_thr, "0.05", 0, 1,
             "a detection's score is above this"),
    DP_PARAM(dp_selection, nms_iou_threshold, "0.5", 0, 1,
             "overlap above which a detection of the same class is suppressed"),
    DP_PARAM(dp_selection, max_per_img, "100", 1, DP_MAX_DETECTIONS,
             "detections at most"),
    DP_PARAM(rcnn, mask_thr_binary, "0.5", 0, 1,
             "probability from which on, by torchvision's rules above which, a pixel "
             "belongs to the mask"),
    DP_PARAM_END,
};

static int classes(const void *self)
{
    const rcnn *net = self;
    return dp_box_head_def_of(net->box.module)->classes(net->box.self);
}

static dp_status build_mask(rcnn *net, dp_builder *b, const dp_feature_specs *pyramid)
{
    if (!dp_module_is_wanted(b, DP_MODULE_MASK_HEAD))
        return DP_OK;
    const dp_status st = dp_module_build(b, &net->mask, DP_MODULE_MASK_HEAD, pyramid);
    if (st != DP_OK)
        return st;
    const int found = dp_mask_head_def_of(net->mask.module)->classes(net->mask.self);
    if (found == classes(net))
        return DP_OK;
    return dp_fail(b->err, DP_ECONFIG,
                   "%s: mask_head.num_classes: found %d, expected bbox_head's %d",
                   dp_config_path(b->config), found, classes(net));
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    rcnn *net = self;
    net->rules = module == &dp_model_torchvision_rcnn.module ? &dp_rules_torchvision
                                                             : &dp_rules_mmdetection;
    net->levels = in->count;
    dp_status st = dp_module_build(b, &net->neck, DP_MODULE_NECK, in);
    if (st != DP_OK)
        return st;
    const dp_feature_specs pyramid = dp_neck_describe(&net->neck);
    st = dp_module_build(b, &net->rpn, DP_MODULE_PROPOSAL_HEAD, &pyramid);
    if (st == DP_OK)
        st = dp_module_build(b, &net->box, DP_MODULE_BOX_HEAD, &pyramid);
    if (st == DP_OK)
        st = build_mask(net, b, &pyramid);
    return st;
}

/* From the image to what the box head says; *maps receives the maps that regions are cut
 * from. */
static dp_box_predictions predict_boxes(const rcnn *net, dp_run *r, const dp_model *m,
                                        const dp_frame *frame, const uint8_t *pixels,
                                        dp_features *maps)
{
    const dp_tensor input = dp_input_run(r, &m->input, frame, pixels);
    const dp_features stages = dp_backbone_run(&m->backbone, r, input);
    *maps = dp_neck_run(&net->neck, r, &stages);
    r->module = net->rpn.module->name;
    const dp_proposals proposals = dp_proposal_head_def_of(net->rpn.module)
                                       ->forward(net->rpn.self, r, frame, maps);
    r->module = NULL;
    maps->count = net->levels; /* the coarser ones serve proposals only */
    return dp_box_head_def_of(net->box.module)
        ->forward(net->box.self, r, frame, maps, proposals.boxes, proposals.count);
}

/* Probabilities of the masks of out's detections. */
static void predict_masks(const rcnn *net, dp_run *r, dp_detector_result *out,
                          const dp_features *maps, const dp_frame *frame)
{
    const dp_mask_head_def *def = dp_mask_head_def_of(net->mask.module);
    dp_box *rois = dp_run_take(r, (size_t)out->count, sizeof *rois);
    int *labels = dp_run_take(r, (size_t)out->count, sizeof *labels);
    dp_detections_to_regions(r, net->rules, rois, labels, out->list, out->count, frame);
    out->paste = (dp_mask_paste){.side = def->side(net->mask.self),
                                 .threshold = net->mask_thr_binary,
                                 .image = frame->original};
    out->masks = def->forward(net->mask.self, r, maps, rois, labels, out->count).data;
}

/* The config's, but for what is asked to let more pass. A score passes that is above a
 * threshold: from `score_thr` on is above the number before it. */
static dp_selection select_more(const rcnn *net, const dp_model_options *options)
{
    dp_selection s = net->selection;
    if (options->score_thr > 0 && options->score_thr <= s.score_thr)
        s.score_thr = nextafterf(options->score_thr, -1.0f);
    if (options->max_per_img > s.max_per_img)
        s.max_per_img = options->max_per_img;
    return s;
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, const dp_model_options *options,
                    void *result)
{
    const rcnn *net = m->task;
    const dp_frame frame = dp_input_frame(&m->input, original);
    const bool masks = net->mask.module && !options->boxes_only;
    dp_detector_result *out = result;
    *out = (dp_detector_result){.image = original, .rule = net->rules->paste};
    const dp_selection selection = select_more(net, options);
    out->list = dp_run_take(r, (size_t)selection.max_per_img, sizeof *out->list);

    dp_features maps;
    const dp_box_predictions boxes = predict_boxes(net, r, m, &frame, pixels, &maps);
    dp_softmax_run(r, boxes.logits);
    out->count =
        dp_select_detections(r, net->rules, out->list, &selection, boxes, &frame);
    if (masks)
        predict_masks(net, r, out, &maps, &frame);
    dp_detections_to_image(r, net->rules, out->list, out->count, &frame);
    if (masks)
        out->pasted = dp_paste_masks_run(r, out->rule, &out->paste, out->masks,
                                         out->list, out->count);
}

const dp_model_def dp_model_mask_rcnn = {
    .module = DP_MODULE(DP_MODULE_MODEL, "mask_rcnn",
                        "Mask R-CNN, He et al. 2017, and Cascade Mask R-CNN", rcnn,
                        params, build),
    .task = DP_TASK_DETECT,
    .scope = "backbone.",
    .classes = classes,
    .forward = forward,
};

const dp_model_def dp_model_torchvision_rcnn = {
    .module = DP_MODULE(DP_MODULE_MODEL, "torchvision_rcnn",
                        "Mask R-CNN by torchvision's rules", rcnn, params, build),
    .task = DP_TASK_DETECT,
    .scope = "backbone.",
    .classes = classes,
    .forward = forward,
};
