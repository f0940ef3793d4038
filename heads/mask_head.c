/* Mask heads of one stage: He et al. 2017, upstream's and torchvision's. */
#include "heads/head.h"
#include "heads/mask_fcn.h"
#include "heads/roi_features.h"

typedef struct mask_head {
    dp_mask_fcn_spec spec; /* first: what the parameter table fills */
    dp_mask_fcn layers;
    dp_regions_cutter *cut;
} mask_head;

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    mask_head *head = self;
    head->cut = dp_regions_cut;
    dp_mask_fcn_build(b, &head->layers, &head->spec, in->spec[0].channels);
    return b->status;
}

static dp_status build_torchvision(void *self, const dp_module *module, dp_builder *b,
                                   const dp_feature_specs *in)
{
    (void)module;
    mask_head *head = self;
    head->cut = dp_regions_cut_sampled;
    head->spec.background_first = true;
    dp_mask_fcn_build(b, &head->layers, &head->spec, in->spec[0].channels);
    return b->status;
}

static int classes(const void *self)
{
    return ((const mask_head *)self)->spec.num_classes;
}

static int side(const void *self)
{
    return 2 * ((const mask_head *)self)->spec.roi_feat_size;
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps,
                         const dp_box *rois, const int *labels, int count)
{
    const mask_head *head = self;
    const int S = side(self);
    const dp_tensor out = dp_run_tensor(r, count, S, S, 1);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x = head->cut(r, maps, S / 2, rois, count);
    dp_run_trace(r, "mask_features", x); /* (R, S/2, S/2, 256) */
    dp_mask_fcn_run(r, &head->layers, out, x, labels);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "mask_probabilities", out);
    return out;
}

const dp_mask_head_def dp_mask_head_fcn = {
    .module = {.kind = DP_MODULE_MASK_HEAD,
               .name = "fcn",
               .summary = "mask head of Mask R-CNN, He et al. 2017",
               .size = sizeof(mask_head),
               .params = dp_mask_fcn_params,
               .build = build},
    .classes = classes,
    .side = side,
    .forward = forward,
};

const dp_mask_head_def dp_mask_head_torchvision = {
    .module = {.kind = DP_MODULE_MASK_HEAD,
               .name = "torchvision_fcn",
               .summary = "mask head of torchvision's Mask R-CNN",
               .size = sizeof(mask_head),
               .params = dp_mask_fcn_params,
               .build = build_torchvision},
    .classes = classes,
    .side = side,
    .forward = forward,
};
