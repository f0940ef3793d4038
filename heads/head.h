/* head.h - the contracts of the heads: what turns feature maps into answers
 *
 * A detector has a proposal head, a box head and, for masks, a mask head. A segmentor has a
 * decode head and, in training, an auxiliary head. A classifier has a classification head. Heads that differ only in
 * defaults and rules are several definitions in one file.
 *
 *   R   regions of interest      K   classes, the background not counted
 */
#ifndef DP_HEADS_HEAD_H
#define DP_HEADS_HEAD_H

#include "core/box.h"
#include "core/frame.h"
#include "core/module.h"
#include "core/run.h"
#include "postprocess/box_predictions.h"
#include "postprocess/proposals.h"
#include "postprocess/rules.h"

typedef struct dp_proposal_head_def {
    dp_module module;
    const dp_detector_rules *rules;

    dp_proposals (*forward)(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps);
} dp_proposal_head_def;

typedef struct dp_box_head_def {
    dp_module module;
    const dp_detector_rules *rules;

    int (*classes)(const void *self); /* K */
    /* Predictions for the regions rois, which may be changed. */
    dp_box_predictions (*forward)(const void *self, dp_run *r, const dp_frame *frame,
                                  const dp_features *maps, dp_box *rois, int count);
} dp_box_head_def;

typedef struct dp_mask_head_def {
    dp_module module;
    const dp_detector_rules *rules;
    int stages; /* of which the mean is the answer */

    int (*classes)(const void *self); /* K                         */
    int (*side)(const void *self);    /* S, cells of a mask's side */
    /* Probabilities (R, S, S, 1) of each region for its own class. */
    dp_tensor (*forward)(const void *self, dp_run *r, const dp_features *maps,
                         const dp_box *rois, const int *labels, int count);
} dp_mask_head_def;

typedef struct dp_decode_head_def {
    dp_module module;

    int (*classes)(const void *self); /* K */
    /* Logits (N, H, W, K): at the finest map's size; of an auxiliary head at the size of the
     * map that it reads. */
    dp_tensor (*forward)(const void *self, dp_run *r, const dp_features *maps);
} dp_decode_head_def;

typedef struct dp_class_head_def {
    dp_module module;

    int (*classes)(const void *self); /* K */
    /* Logits (N, 1, 1, K) of maps of N images. */
    dp_tensor (*forward)(const void *self, dp_run *r, const dp_features *maps);
} dp_class_head_def;

/* The definitions behind modules of these kinds. */
static inline const dp_proposal_head_def *dp_proposal_head_def_of(
    const dp_module *module)
{
    return (const dp_proposal_head_def *)module;
}

static inline const dp_box_head_def *dp_box_head_def_of(const dp_module *module)
{
    return (const dp_box_head_def *)module;
}

static inline const dp_mask_head_def *dp_mask_head_def_of(const dp_module *module)
{
    return (const dp_mask_head_def *)module;
}

static inline const dp_decode_head_def *dp_decode_head_def_of(const dp_module *module)
{
    return (const dp_decode_head_def *)module;
}

static inline const dp_class_head_def *dp_class_head_def_of(const dp_module *module)
{
    return (const dp_class_head_def *)module;
}

extern const dp_proposal_head_def dp_proposal_head_rpn;
extern const dp_proposal_head_def dp_proposal_head_torchvision;
extern const dp_box_head_def dp_box_head_shared_2fc;
extern const dp_box_head_def dp_box_head_shared_4conv_1fc;
extern const dp_box_head_def dp_box_head_cascade;
extern const dp_box_head_def dp_box_head_torchvision_2fc;
extern const dp_box_head_def dp_box_head_torchvision_4conv_1fc;
extern const dp_mask_head_def dp_mask_head_fcn;
extern const dp_mask_head_def dp_mask_head_cascade_fcn;
extern const dp_mask_head_def dp_mask_head_torchvision;
extern const dp_decode_head_def dp_decode_head_upernet;
extern const dp_decode_head_def dp_auxiliary_head_fcn;
extern const dp_class_head_def dp_class_head_pooled_linear;
extern const dp_class_head_def dp_class_head_normed_linear;

#endif
