/* Mask R-CNN as torchvision runs it (release 0.14, maskrcnn_resnet50_fpn). The network is
 * that of mask_rcnn.c; here are the rules of its GeneralizedRCNN and RoIHeads: detections
 * are chosen in pixels of the network's input, masks cut there, and boxes scaled to the
 * image at the end.
 */
#include "model/detector_parts.h"
#include "postprocess/mask_resize.h"
#include "postprocess/softmax.h"
#include "postprocess/torchvision.h"

/* Detections in pixels of the network's input; a dry run has as many as are allowed. */
static int select_detections(const dp_detector_parts *net, dp_run *r,
                             const dp_frame *frame, dp_box_predictions p,
                             dp_detection *out)
{
    const int K = dp_detector_parts_classes(net);
    const size_t mark = dp_run_mark(r);
    void *scratch =
        dp_run_take(r, dp_torchvision_scratch(p.count, K, net->test.max_per_img), 1);
    int count = net->test.max_per_img;
    if (!r->dry) {
        dp_softmax_rows(p.logits.data, p.logits.data, (size_t)p.count, K + 1);
        const dp_torchvision_rule rule = {.K = K,
                                          .weight = {10, 10, 5, 5},
                                          .score_thr = net->test.score_thr,
                                          .iou_thr = net->test.nms_iou_threshold,
                                          .max_per_img = net->test.max_per_img};
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

/* Boxes in pixels of the image. */
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
    const dp_detector_parts *net = m->task;
    const dp_frame frame = dp_input_frame(&m->input, original);
    dp_detector_result *out = result;
    *out = (dp_detector_result){.image = original,
                                .paste = &dp_paste_resized,
                                .threshold = net->test.mask_thr_binary};
    out->list = dp_run_take(r, (size_t)net->test.max_per_img, sizeof *out->list);

    dp_features maps;
    const dp_box_predictions boxes =
        dp_detector_parts_run(net, r, m, &frame, pixels, &maps);
    out->count = select_detections(net, r, &frame, boxes, out->list);
    const bool masks = net->mask.module && !r->boxes_only;
    if (masks)
        dp_detector_parts_mask(net, r, out, &maps, 1, 1);
    if (!r->dry)
        scale_boxes(out->list, out->count, &frame);
    if (masks)
        dp_detector_paste(r, out);
}

const dp_model_def dp_model_torchvision_rcnn = {
    .module = {.kind = DP_MODULE_MODEL,
               .name = "torchvision_rcnn",
               .summary = "Mask R-CNN by torchvision's rules",
               .size = sizeof(dp_detector_parts),
               .params = dp_detector_test_params,
               .build = dp_detector_parts_build},
    .task = DP_TASK_DETECT,
    .scope = "backbone.",
    .classes = dp_detector_parts_classes,
    .forward = forward,
};
