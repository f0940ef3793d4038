/* densepred/model.h - models: a config with the weights of a checkpoint
 */
#ifndef DENSEPRED_MODEL_H
#define DENSEPRED_MODEL_H

#include "densepred/context.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_model dp_model; /* a config with its weights */

typedef enum dp_task { DP_TASK_DETECT, DP_TASK_SEGMENT, DP_TASK_CLASSIFY } dp_task;

/* Zero-initialise, then set what you want. */
typedef struct dp_load_options {
    int partial; /* not 0: load although tensors are missing, misshapen or unexpected;
                    each is logged, and what is missing gets random values            */
    uint32_t
        seed; /* of random weights: with no checkpoint, or with partial           */
    const char *test;    /* a section of the config that is laid over its "test":
                            "test_ms_flip" is how a segmentor's multi-scale numbers were
                            published; NULL: none                                     */
    const char *changes; /* a JSON object that is laid over the config after that, such
                            as {"test": {"mode": "whole"}}; NULL: none                */
    int cache; /* not 0: the weights are kept as the kernels read them in a file beside
                  the checkpoint, its name with ".dpcache" added, and read from there by
                  the next load, which is many times faster. The file is as large as the
                  weights in memory (more than the checkpoint where there are 3 x 3
                  convolutions). It is made anew, and written over, when it does not
                  belong to this checkpoint (told by size, time of change and what its
                  ends say), config, processor, precision and version, or is damaged;
                  when it cannot be written that is logged. Not with partial           */
} dp_load_options;

/* Build the model of a JSON config with the weights of a checkpoint (.pth, .pt, .bin,
 * .safetensors); weights NULL: random ones, for measuring speed. options NULL: defaults.
 * Every tensor is accounted for: names that are missing, misshapen or unexpected are all
 * logged and stop the load with DP_ESHAPE. Further DP_EIO, DP_EFORMAT, DP_ECONFIG,
 * DP_EUNSUPPORTED, DP_ENOMEM. The files may go away afterwards. */
DP_API dp_status dp_model_load(dp_context *ctx, dp_model **out, const char *config,
                               const char *weights, const dp_load_options *options);
DP_API void dp_model_free(dp_model *model);

DP_API dp_task dp_model_task(const dp_model *model);

/* Classes, and for an index below their number the name (UTF-8) and the data set's own
 * number (COCO category id, ADE20K label). NULL and -1 for another index. */
DP_API int dp_model_class_count(const dp_model *model);
DP_API const char *dp_model_class_name(const dp_model *model, int label);
DP_API int dp_model_class_id(const dp_model *model, int label);

/* Prepare ctx for images of this original size, so that running one allocates no work
 * space; *bytes (may be NULL) receives how much there is. Done by dp_detect, dp_segment
 * and dp_classify by themselves where needed. DP_ENOMEM, DP_ESHAPE (too small an
 * image). */
DP_API dp_status dp_model_plan(dp_context *ctx, const dp_model *model, int height,
                               int width, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
