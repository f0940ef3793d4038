#include "model/detector_parts.h"

const dp_param dp_detector_test_params[] = {
    DP_PARAM(dp_detector_test, score_thr, "0.05", 0, 1,
             "a detection's score is above this"),
    DP_PARAM(dp_detector_test, nms_iou_threshold, "0.5", 0, 1,
             "overlap above which a detection of the same class yields"),
    DP_PARAM(dp_detector_test, max_per_img, "100", 1, 10000, "detections at most"),
    DP_PARAM(dp_detector_test, mask_thr_binary, "0.5", 0, 1,
             "probability from which on, by torchvision's rules above which, a pixel "
             "belongs to the mask"),
    DP_PARAM_END,
};

static dp_status build_mask(dp_detector_parts *net, dp_builder *b,
                            const dp_feature_specs *pyramid)
{
    if (!dp_module_is_wanted(b, DP_MODULE_MASK_HEAD))
        return DP_OK;
    const dp_status st = dp_module_build(b, &net->mask, DP_MODULE_MASK_HEAD, pyramid);
    if (st != DP_OK)
        return st;
    const int found = dp_mask_head_def_of(&net->mask)->classes(net->mask.self);
    const int expected = dp_detector_parts_classes(net);
    if (found == expected)
        return DP_OK;
    return dp_fail(b->err, DP_ECONFIG,
                   "%s: mask_head.num_classes: found %d, expected bbox_head's %d",
                   dp_config_path(b->config), found, expected);
}

dp_status dp_detector_parts_build(void *self, const dp_module *module, dp_builder *b,
                                  const dp_feature_specs *in)
{
    (void)module;
    dp_detector_parts *net = self;
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

int dp_detector_parts_classes(const void *parts)
{
    const dp_detector_parts *net = parts;
    return dp_box_head_def_of(&net->box)->classes(net->box.self);
}

dp_box_predictions dp_detector_parts_run(const dp_detector_parts *net, dp_run *r,
                                         const dp_model *m, const dp_frame *frame,
                                         const uint8_t *pixels, dp_features *maps)
{
    const dp_tensor input = dp_input_run(r, &m->input, frame, pixels);
    const dp_features stages = dp_backbone_run(&m->backbone, r, input);
    *maps = dp_neck_run(&net->neck, r, &stages);
    r->module = net->rpn.module->name;
    const dp_proposals proposals =
        dp_proposal_head_def_of(&net->rpn)->forward(net->rpn.self, r, frame, maps);
    r->module = NULL;
    maps->count = net->levels; /* the coarser ones serve proposals only */
    return dp_box_head_def_of(&net->box)->forward(net->box.self, r, frame, maps,
                                                  proposals.boxes, proposals.count);
}

void dp_detector_parts_mask(const dp_detector_parts *net, dp_run *r,
                            dp_detector_result *out, const dp_features *maps,
                            float scale_x, float scale_y)
{
    dp_box *rois = dp_run_take(r, (size_t)out->count, sizeof *rois);
    int *labels = dp_run_take(r, (size_t)out->count, sizeof *labels);
    for (int i = 0; i < out->count && !r->dry; i++) {
        const dp_box b = out->list[i].box;
        rois[i] =
            (dp_box){b.x1 * scale_x, b.y1 * scale_y, b.x2 * scale_x, b.y2 * scale_y};
        labels[i] = out->list[i].label;
    }
    out->side = dp_mask_head_def_of(&net->mask)->side(net->mask.self);
    out->masks = dp_mask_head_def_of(&net->mask)
                     ->forward(net->mask.self, r, maps, rois, labels, out->count)
                     .data;
}
