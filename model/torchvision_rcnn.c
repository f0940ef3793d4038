/* Mask R-CNN as torchvision runs it (release 0.14, maskrcnn_resnet50_fpn). The network is
 * that of mask_rcnn.c; here are the rules of its GeneralizedRCNN and RoIHeads: detections
 * are chosen in pixels of the network's input, masks cut there, and boxes scaled to the
 * picture at the end.
 */
#include "model/detector.h"
#include "model/detector_parts.h"
#include "postprocess/mask_resize.h"
#include "postprocess/softmax.h"
#include "postprocess/torchvision.h"

typedef struct test_settings {
    float score_thr;
    float nms_iou_threshold;
    int max_per_img;
    float mask_thr_binary;
} test_settings;

static const dp_param test_params[] = {
    DP_PARAM(test_settings, score_thr, "0.05", 0, 1,
             "a detection's score is above this"),
    DP_PARAM(test_settings, nms_iou_threshold, "0.5", 0, 1,
             "overlap above which a detection of the same class yields"),
    DP_PARAM(test_settings, max_per_img, "100", 1, 10000, "detections at most"),
    DP_PARAM(test_settings, mask_thr_binary, "0.5", 0, 1,
             "probability above which a pixel belongs to the mask"),
    DP_PARAM_END,
};

typedef struct torchvision_rcnn {
    dp_detector_parts parts;
    test_settings *test;
} torchvision_rcnn;

static dp_status build(dp_model *m, void *task, dp_builder *b, const dp_config *config,
                       const dp_feature_specs *maps)
{
    (void)m;
    torchvision_rcnn *net = task;
    dp_status st = dp_detector_parts_build(&net->parts, b, config, maps);
    void *test = NULL;
    if (st == DP_OK)
        st = dp_model_take_part(b, &test, config, "test", sizeof(test_settings),
                                test_params);
    net->test = test;
    return st;
}

static int classes(const void *task)
{
    return dp_detector_parts_classes(&((const torchvision_rcnn *)task)->parts);
}

/* Detections in pixels of the network's input; a dry run has as many as are allowed. */
static int select_detections(const torchvision_rcnn *net, dp_run *r,
                             const dp_frame *frame, dp_box_predictions p,
                             dp_detection *out)
{
    const int K = classes(net);
    const size_t mark = dp_run_mark(r);
    void *scratch =
        dp_run_take(r, dp_torchvision_scratch(p.count, K, net->test->max_per_img), 1);
    int count = net->test->max_per_img;
    if (!r->dry) {
        dp_softmax_rows(p.logits.data, p.logits.data, (size_t)p.count, K + 1);
        const dp_torchvision_rule rule = {.K = K,
                                          .weight = {10, 10, 5, 5},
                                          .score_thr = net->test->score_thr,
                                          .iou_thr = net->test->nms_iou_threshold,
                                          .max_per_img = net->test->max_per_img};
        const dp_torchvision_regions regions = {.rois = p.rois,
                                                .scores = p.logits.data,
                                                .deltas = p.deltas.data,
                                                .R = p.count,
                                                .input = frame->resized};
        count = dp_torchvision_select(out, &rule, &regions, r->kernels, scratch);
    }
    dp_run_rewind(r, mark);
    return count;
}

/* Probabilities (count, S, S, 1). */
static dp_tensor run_masks(const torchvision_rcnn *net, dp_run *r,
                           const dp_features *maps, const dp_detection *list, int count)
{
    dp_box *rois = dp_run_take(r, (size_t)count, sizeof *rois);
    int *labels = dp_run_take(r, (size_t)count, sizeof *labels);
    for (int i = 0; i < count && !r->dry; i++) {
        rois[i] = list[i].box;
        labels[i] = list[i].label;
    }
    return net->parts.mask_def->forward(net->parts.mask, r, maps, rois, labels, count);
}

/* Boxes in pixels of the picture. */
static void scale_boxes(dp_detection *list, int count, const dp_frame *frame)
{
    const float x = (float)frame->original.w / (float)frame->resized.w;
    const float y = (float)frame->original.h / (float)frame->resized.h;
    for (int i = 0; i < count; i++) {
        const dp_box b = list[i].box;
        list[i].box = (dp_box){b.x1 * x, b.y1 * y, b.x2 * x, b.y2 * y};
    }
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, void *result)
{
    const torchvision_rcnn *net = m->task;
    const dp_frame frame = dp_input_frame(&m->input, original);
    dp_detector_result *out = result;
    *out = (dp_detector_result){.image = original,
                                .paste = &dp_paste_resized,
                                .threshold = net->test->mask_thr_binary};
    out->list = dp_run_take(r, (size_t)net->test->max_per_img, sizeof *out->list);

    const dp_tensor input = dp_input_run(r, &m->input, &frame, pixels);
    dp_features maps;
    const dp_box_predictions boxes =
        dp_detector_parts_run(&net->parts, r, m, &frame, input, &maps);
    out->count = select_detections(net, r, &frame, boxes, out->list);
    const bool masks = net->parts.mask_def && !r->boxes_only;
    if (masks) {
        out->side = net->parts.mask_def->side(net->parts.mask);
        out->masks = run_masks(net, r, &maps, out->list, out->count).data;
    }
    if (!r->dry)
        scale_boxes(out->list, out->count, &frame);
    if (masks)
        dp_detector_paste(r, out);
}

const dp_model_def dp_model_torchvision_rcnn = {
    .name = "torchvision_rcnn",
    .summary = "Mask R-CNN by torchvision's rules",
    .task = DP_TASK_DETECT,
    .size = sizeof(torchvision_rcnn),
    .scope = "backbone.",
    .test = test_params,
    .test_size = sizeof(test_settings),
    .build = build,
    .classes = classes,
    .forward = forward,
};
