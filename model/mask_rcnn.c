/* Mask R-CNN: He et al. 2017, as the original's detectors run it at test time: proposals,
 * boxes, and masks of the boxes that are left. Also without masks, when the config has no
 * "mask_head" (Faster R-CNN), and in three stages, with the cascade's heads (Cascade Mask
 * R-CNN).
 */
#include "model/detector.h"
#include "model/detector_parts.h"
#include "postprocess/mask_paste.h"
#include "postprocess/multiclass.h"
#include "postprocess/softmax.h"

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
             "probability from which on a pixel belongs to the mask"),
    DP_PARAM_END,
};

typedef struct mask_rcnn {
    dp_detector_parts parts;
    test_settings *test;
} mask_rcnn;

static dp_status build(dp_model *m, void *task, dp_builder *b, const dp_config *config,
                       const dp_feature_specs *maps)
{
    (void)m;
    mask_rcnn *net = task;
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
    return dp_detector_parts_classes(&((const mask_rcnn *)task)->parts);
}

/* Detections of the box head's predictions; a dry run has as many as are allowed. */
static int select_detections(const mask_rcnn *net, dp_run *r, const dp_frame *frame,
                             dp_box_predictions p, dp_detection *out)
{
    const int K = classes(net);
    const size_t mark = dp_run_mark(r);
    void *scratch =
        dp_run_take(r, dp_multiclass_scratch(p.count, K, net->test->max_per_img), 1);
    int count = net->test->max_per_img;
    if (!r->dry) {
        dp_softmax_rows(p.logits.data, p.logits.data, (size_t)p.count, K + 1);
        const dp_multiclass rule = {.K = K,
                                    .std = {p.stds[0], p.stds[1], p.stds[2], p.stds[3]},
                                    .score_thr = net->test->score_thr,
                                    .iou_thr = net->test->nms_iou_threshold,
                                    .max_per_img = net->test->max_per_img,
                                    .skip_padding = p.skip_padding};
        const dp_region_scores regions = {.rois = p.rois,
                                          .scores = p.logits.data,
                                          .deltas = p.deltas.data,
                                          .agnostic = p.deltas.C == 4,
                                          .R = p.count,
                                          .input = frame->resized,
                                          .scale_x = frame->scale_x,
                                          .scale_y = frame->scale_y};
        count = dp_multiclass_run(out, &rule, regions, r->kernels, scratch);
    }
    dp_run_rewind(r, mark);
    return count;
}

/* Probabilities (count, S, S, 1): regions are the final boxes, in the network's pixels. */
static dp_tensor run_masks(const mask_rcnn *net, dp_run *r, const dp_frame *frame,
                           const dp_features *maps, const dp_detection *list, int count)
{
    dp_box *rois = dp_run_take(r, (size_t)count, sizeof *rois);
    int *labels = dp_run_take(r, (size_t)count, sizeof *labels);
    for (int i = 0; i < count && !r->dry; i++) {
        const dp_box b = list[i].box;
        rois[i] = (dp_box){b.x1 * frame->scale_x, b.y1 * frame->scale_y,
                           b.x2 * frame->scale_x, b.y2 * frame->scale_y};
        labels[i] = list[i].label;
    }
    return net->parts.mask_def->forward(net->parts.mask, r, maps, rois, labels, count);
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, void *result)
{
    const mask_rcnn *net = m->task;
    const dp_frame frame = dp_input_frame(&m->input, original);
    dp_detector_result *out = result;
    *out = (dp_detector_result){.image = original,
                                .paste = &dp_paste_sampled,
                                .threshold = net->test->mask_thr_binary};
    out->list = dp_run_take(r, (size_t)net->test->max_per_img, sizeof *out->list);

    const dp_tensor input = dp_input_run(r, &m->input, &frame, pixels);
    dp_features maps;
    const dp_box_predictions boxes =
        dp_detector_parts_run(&net->parts, r, m, &frame, input, &maps);
    out->count = select_detections(net, r, &frame, boxes, out->list);
    if (net->parts.mask_def && !r->boxes_only) {
        out->side = net->parts.mask_def->side(net->parts.mask);
        out->masks = run_masks(net, r, &frame, &maps, out->list, out->count).data;
        dp_detector_paste(r, out);
    }
}

const dp_model_def dp_model_mask_rcnn = {
    .name = "mask_rcnn",
    .summary = "Mask R-CNN, He et al. 2017, and Cascade Mask R-CNN",
    .task = DP_TASK_DETECT,
    .size = sizeof(mask_rcnn),
    .scope = "backbone.",
    .test = test_params,
    .test_size = sizeof(test_settings),
    .build = build,
    .classes = classes,
    .forward = forward,
};
