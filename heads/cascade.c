/* Cascade R-CNN: Cai and Vasconcelos 2018; mmdetection's CascadeRoIHead at test time.
 * Three box heads in a row, each on the boxes that the one before has made of its own.
 *
 * The answer is the mean of the three stages' class logits, and the last stage's deltas.
 * The cascade's mask heads are in mask_head.c.
 */
#include "heads/conv_fc.h"
#include "heads/head.h"
#include "postprocess/mean.h"
#include "postprocess/trace_boxes.h"

#include <stdio.h>

enum { STAGES = 3 };

typedef struct cascade {
    dp_conv_fc_spec spec; /* first: what DP_CONV_FC_PARAMS fills */
    float target_stds[STAGES * 4];

    dp_conv_fc stages[STAGES];
} cascade;

static const dp_param params[] = {
    DP_CONV_FC_PARAMS("4", "1", "80"),
    DP_PARAM(cascade, target_stds,
             "[0.1, 0.1, 0.2, 0.2, 0.05, 0.05, 0.1, 0.1, 0.033, 0.033, 0.067, 0.067]",
             1e-6, 100,
             "what predicted dx dy dw dh are multiplied by, stage after stage"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    cascade *head = self;
    for (int s = 0; s < STAGES; s++) {
        const size_t outer = dp_builder_enter(b, "%d.", s);
        dp_conv_fc_build(b, &head->stages[s], &head->spec,
                         dp_box_head_def_of(module)->rules, in->spec[0].channels);
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static int classes(const void *self)
{
    return ((const cascade *)self)->spec.num_classes;
}

/* Stage s on the regions; then, but for the last, the regions that the next one is on. */
static void run_stage(const cascade *head, dp_run *r, int s, const dp_frame *frame,
                      const dp_features *maps, dp_box_predictions stage)
{
    char name[40];
    snprintf(name, sizeof name, "_stage%d", s);
    dp_conv_fc_run(r, &head->stages[s], stage, maps, name);
    if (s == STAGES - 1)
        return;
    for (int i = 0; i < 4; i++)
        stage.stds[i] = head->target_stds[4 * s + i];
    dp_box_predictions_refine(r, head->stages[s].rules, stage, frame->resized);
    snprintf(name, sizeof name, "bbox_rois_stage%d", s + 1);
    dp_trace_boxes(r, name, stage.rois, NULL, stage.count);
}

static dp_box_predictions forward(const void *self, dp_run *r, const dp_frame *frame,
                                  const dp_features *maps, dp_box *rois, int count)
{
    const cascade *head = self;
    const dp_box_predictions out = dp_conv_fc_take(
        r, &head->spec, rois, count, head->target_stds + 4 * (STAGES - 1));

    const size_t mark = dp_run_mark(r);
    dp_box_predictions stage = out;
    stage.logits = dp_run_tensor(r, count, 1, 1, out.logits.C);
    for (int s = 0; s < STAGES; s++) {
        run_stage(head, r, s, frame, maps, stage);
        dp_mean_add_run(r, out.logits, stage.logits, s, STAGES);
    }
    dp_run_rewind(r, mark);
    dp_conv_fc_trace(r, "cls", "", out.logits);
    dp_conv_fc_trace(r, "reg", "", out.deltas);
    return out;
}

const dp_box_head_def dp_box_head_cascade = {
    .module = DP_MODULE(DP_MODULE_BOX_HEAD, "cascade",
                        "box heads of Cascade R-CNN, Cai and Vasconcelos 2018", cascade,
                        params, build),
    .rules = &dp_rules_mmdetection,
    .classes = classes,
    .forward = forward,
};
