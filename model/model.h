/* model.h - a config put together: parts, weights by name, plan, run
 *
 * The public type dp_model (include/densepred.h). A task definition (mask_rcnn.c,
 * upernet.c, classifier.c) says how parts become answers; everything else is common:
 * input, backbone, classes, loading, planning.
 */
#ifndef DP_MODEL_MODEL_H
#define DP_MODEL_MODEL_H

#include "backbone/backbone.h"
#include "base/store.h"
#include "core/builder.h"
#include "core/config.h"
#include "core/dataset.h"
#include "core/frame.h"
#include "core/pixels.h"
#include "model/context.h"
#include "model/input.h"
#include "ops/kernels/kernels.h"

typedef struct dp_model_def dp_model_def;

struct dp_model {
    uint64_t serial; /* of this process, from 1: an address may be used again */
    dp_store store;  /* parts and packed weights */
    dp_parameters parameters;   /* the raw tensors; none unless they were to be kept */
    size_t backbone_parameters; /* of these, the first so many are the backbone's */
    dp_dataset dataset;
    dp_input input;
    dp_kernels kernels; /* that the weights are packed for */
    dp_part backbone;
    const dp_model_def *def;
    void *task;               /* def's instance                    */
    uint64_t params;          /* trained values of the whole model */
    uint64_t packed_bytes;    /* of weights, as the kernels read them */
    uint64_t training_params; /* of parts that only training uses: not in params */
};

/* What one run is asked for. All zero is the usual. */
typedef struct dp_model_options {
    bool boxes_only; /* a detector makes no masks */
    bool plain; /* operators run their plain forms: the model keeps its parameters */

    /* Of a detector; 0: as its config says. A lower threshold lets more pass than the
     * config's: detections of at least this score. A higher limit keeps more. */
    float score_thr;
    int max_per_img;
} dp_model_options;

struct dp_model_def {
    /* Its parameters are the keys of the config's "test"; its build makes what follows the
     * backbone. */
    dp_module module;
    dp_task task;
    const char *scope; /* of the backbone's tensors: "backbone." */

    /* Number of classes that the heads predict. */
    int (*classes)(const void *task);

    /* The whole forward pass for one image; dry to plan. The result that it leaves in
     * the arena goes to `result`, whose type is the task's. pixels is NULL when dry. */
    void (*forward)(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, const dp_model_options *options,
                    void *result);
};

/* The definition behind a module of kind DP_MODULE_MODEL. */
static inline const dp_model_def *dp_model_def_of(const dp_module *module)
{
    return (const dp_model_def *)module;
}

extern const dp_model_def dp_model_mask_rcnn;
extern const dp_model_def dp_model_torchvision_rcnn;
extern const dp_model_def dp_model_upernet;
extern const dp_model_def dp_model_classifier;

/* Where the weights of a model come from, and what becomes of them. */
typedef struct dp_model_weights {
    const dp_named_tensor *tensors; /* of a checkpoint; borrowed            */
    size_t count;                   /* 0: all weights are random            */
    bool partial;                   /* what does not fit is random, not a failure */
    uint32_t seed;                  /* of random weights                    */

    /* NULL: none. Without tensors all weights are read from there, and with tensors that
     * fit they are written there. */
    const struct dp_model_cache *cache;

    /* No weights at all: to count and to plan, not to run. Of tensors that are given, names
     * and shapes are compared. */
    bool counting;

    /* The raw tensors stay in the model, for plain forms and training. Not with weights
     * that are read from a cache, which has none. */
    bool keep_parameters;
    bool keep_only; /* and nothing is packed: such a model has plain runs only */
} dp_model_weights;

/* Build from a config. DP_ESHAPE when the tensors do not fit. What does not fit goes to
 * *mismatches, the caller's to release whatever comes back; NULL: it is logged to ctx. */
dp_status dp_model_build(dp_context *ctx, dp_model **out, const dp_config *config,
                         const dp_model_weights *weights,
                         dp_mismatches *mismatches) DP_MUST_CHECK;

/* Plan ctx for images of this size, unless it is already, and run the model: `result`
 * is at most DP_MODEL_RESULT_MAX bytes and receives what lies in ctx's arena until its next
 * run. DP_ENOMEM, DP_ESHAPE. */
dp_status dp_model_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                       void *result) DP_MUST_CHECK;

/* The same with options. */
dp_status dp_model_run_with(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                            const dp_model_options *options,
                            void *result) DP_MUST_CHECK;

/* What an image costs, from a dry run. */
typedef struct dp_model_work {
    double macs;           /* multiply-accumulates                               */
    double macs_published; /* by the counter of published figures: docs/costs.md */
    size_t bytes;          /* of work space, for the context's number of threads */
} dp_model_work;

/* For an image of this size; nothing is allocated, and the model may be one without
 * weights. Errors as dp_model_run. */
dp_status dp_model_measure(dp_context *ctx, const dp_model *m, dp_size size,
                           dp_model_work *work) DP_MUST_CHECK;

/* Run for the sake of ctx->trace: the whole model, or with `whole` false only input and
 * backbone. Errors as dp_model_run. */
dp_status dp_model_trace(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                         bool whole) DP_MUST_CHECK;

#endif
