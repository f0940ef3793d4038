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

static dp_status build_neck(dp_detector_parts *net, dp_builder *b,
                            const dp_config *config, const dp_feature_specs *maps)
{
    const char *type;
    dp_status st = dp_model_part_type(b, &type, config, "neck", NULL);
    if (st != DP_OK)
        return st;
    net->neck_def = dp_neck_find(type);
    if (!net->neck_def)
        return dp_model_no_such_part(b, config, "neck", type);
    st = dp_model_take_part(b, &net->neck, config, "neck", net->neck_def->size,
                            net->neck_def->params);
    if (st != DP_OK)
        return st;
    const size_t outer = dp_builder_enter(b, "neck.");
    st = net->neck_def->build(net->neck, b, maps);
    dp_builder_leave(b, outer);
    return st;
}

/* The heads differ in kind; what is done to build one is the same. */
static dp_status build_head(dp_builder *b, void **instance, const dp_head_def *head,
                            const dp_config *config, const char *key, const char *scope,
                            const dp_feature_specs *maps)
{
    dp_status st =
        dp_model_take_part(b, instance, config, key, head->size, head->params);
    if (st != DP_OK)
        return st;
    const size_t outer = dp_builder_enter(b, "%s", scope);
    st = head->build(*instance, b, maps);
    dp_builder_leave(b, outer);
    return st;
}

static dp_status build_rpn(dp_detector_parts *net, dp_builder *b,
                           const dp_config *config, const dp_feature_specs *maps)
{
    const char *type;
    const dp_status st = dp_model_part_type(b, &type, config, "rpn_head", "rpn");
    if (st != DP_OK)
        return st;
    net->rpn_def = dp_proposal_head_find(type);
    if (!net->rpn_def)
        return dp_model_no_such_part(b, config, "rpn_head", type);
    return build_head(b, &net->rpn, &net->rpn_def->head, config, "rpn_head",
                      "rpn_head.", maps);
}

static dp_status build_box(dp_detector_parts *net, dp_builder *b,
                           const dp_config *config, const dp_feature_specs *maps)
{
    const char *type;
    const dp_status st = dp_model_part_type(b, &type, config, "bbox_head", NULL);
    if (st != DP_OK)
        return st;
    net->box_def = dp_box_head_find(type);
    if (!net->box_def)
        return dp_model_no_such_part(b, config, "bbox_head", type);
    return build_head(b, &net->box, &net->box_def->head, config, "bbox_head",
                      "roi_head.bbox_head.", maps);
}

static dp_status build_mask(dp_detector_parts *net, dp_builder *b,
                            const dp_config *config, const dp_feature_specs *maps)
{
    const char *type;
    if (!cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "mask_head"))
        return DP_OK;
    dp_status st = dp_model_part_type(b, &type, config, "mask_head", "fcn");
    if (st != DP_OK)
        return st;
    net->mask_def = dp_mask_head_find(type);
    if (!net->mask_def)
        return dp_model_no_such_part(b, config, "mask_head", type);
    st = build_head(b, &net->mask, &net->mask_def->head, config, "mask_head",
                    "roi_head.mask_head.", maps);
    const int found = st == DP_OK ? net->mask_def->classes(net->mask) : 0;
    const int expected = net->box_def->classes(net->box);
    if (st == DP_OK && found != expected)
        st = dp_fail(b->err, DP_ECONFIG,
                     "%s: mask_head.num_classes: found %d, expected bbox_head's %d",
                     dp_config_path(config), found, expected);
    return st;
}

dp_status dp_detector_parts_build(dp_model *m, void *parts, dp_builder *b,
                                  const dp_config *config, const dp_feature_specs *maps)
{
    (void)m;
    dp_detector_parts *net = parts;
    net->levels = maps->count;
    dp_status st = build_neck(net, b, config, maps);
    if (st != DP_OK)
        return st;
    const dp_feature_specs pyramid = net->neck_def->describe(net->neck);
    st = build_rpn(net, b, config, &pyramid);
    if (st == DP_OK)
        st = build_box(net, b, config, &pyramid);
    if (st == DP_OK)
        st = build_mask(net, b, config, &pyramid);
    void *test = NULL;
    if (st == DP_OK)
        st = dp_model_take_part(b, &test, config, "test", sizeof(dp_detector_test),
                                dp_detector_test_params);
    net->test = test;
    return st;
}

int dp_detector_parts_classes(const void *parts)
{
    const dp_detector_parts *net = parts;
    return net->box_def->classes(net->box);
}

dp_box_predictions dp_detector_parts_run(const dp_detector_parts *net, dp_run *r,
                                         const dp_model *m, const dp_frame *frame,
                                         const uint8_t *pixels, dp_features *maps)
{
    const dp_tensor input = dp_input_run(r, &m->input, frame, pixels);
    const dp_features stages = m->backbone_def->forward(m->backbone, r, input);
    *maps = net->neck_def->forward(net->neck, r, &stages);
    r->module = net->rpn_def->head.name;
    const dp_proposals proposals = net->rpn_def->forward(net->rpn, r, frame, maps);
    r->module = NULL;
    maps->count = net->levels; /* the coarser ones serve proposals only */
    return net->box_def->forward(net->box, r, frame, maps, proposals.boxes,
                                 proposals.count);
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
    out->side = net->mask_def->side(net->mask);
    out->masks =
        net->mask_def->forward(net->mask, r, maps, rois, labels, out->count).data;
}
