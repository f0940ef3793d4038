/* Mask R-CNN: He et al. 2017, as upstream's detectors run it at test time: proposals,
 * boxes, and masks of the boxes that are left. Also without masks, when the config has no
 * "mask_head" (Faster R-CNN), and in three stages, with the cascade's heads (Cascade Mask
 * R-CNN).
 */
#include "model/detector_parts.h"
#include "postprocess/mask_paste.h"
#include "postprocess/select_detections.h"
#include "postprocess/softmax.h"

/* Detections of the box head's predictions; a dry run has as many as are allowed. */
static int select_detections(const dp_detector_parts *net, dp_run *r,
                             const dp_frame *frame, dp_box_predictions p,
                             dp_detection *out)
{
    const int K = dp_detector_parts_classes(net);
    const size_t mark = dp_run_mark(r);
    void *scratch =
        dp_run_take(r, dp_multiclass_scratch(p.count, K, net->test.max_per_img), 1);
    int count = net->test.max_per_img;
    if (!r->dry) {
        dp_softmax_rows(p.logits.data, p.logits.data, (size_t)p.count, K + 1);
        const dp_multiclass rule = {.K = K,
                                    .std = {p.stds[0], p.stds[1], p.stds[2], p.stds[3]},
                                    .score_thr = net->test.score_thr,
                                    .iou_thr = net->test.nms_iou_threshold,
                                    .max_per_img = net->test.max_per_img,
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

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, void *result)
{
    const dp_detector_parts *net = m->task;
    const dp_frame frame = dp_input_frame(&m->input, original);
    dp_detector_result *out = result;
    *out = (dp_detector_result){.image = original,
                                .paste = &dp_paste_sampled,
                                .threshold = net->test.mask_thr_binary};
    out->list = dp_run_take(r, (size_t)net->test.max_per_img, sizeof *out->list);

    dp_features maps;
    const dp_box_predictions boxes =
        dp_detector_parts_run(net, r, m, &frame, pixels, &maps);
    out->count = select_detections(net, r, &frame, boxes, out->list);
    if (net->mask.module && !r->boxes_only) {
        dp_detector_parts_mask(net, r, out, &maps, frame.scale_x, frame.scale_y);
        dp_detector_paste(r, out);
    }
}

const dp_model_def dp_model_mask_rcnn = {
    .module = {.kind = DP_MODULE_MODEL,
               .name = "mask_rcnn",
               .summary = "Mask R-CNN, He et al. 2017, and Cascade Mask R-CNN",
               .size = sizeof(dp_detector_parts),
               .params = dp_detector_test_params,
               .build = dp_detector_parts_build},
    .task = DP_TASK_DETECT,
    .scope = "backbone.",
    .classes = dp_detector_parts_classes,
    .forward = forward,
};
