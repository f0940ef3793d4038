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
    /* The folder of the configs that ship; NULL: where they were installed. */
    const char *configs;

    /* Not 0: where no checkpoint is named the weights are random, to measure speed. */
    int random;

    /* Not 0: load although tensors are missing, misshapen or unexpected. Each is logged,
     * and what is missing gets random values. */
    int partial;

    uint32_t seed; /* of random weights */

    /* A section of the config that is laid over its "test"; NULL: none. "test_ms_flip" is
     * how a segmentor's multi-scale numbers were published. */
    const char *test;

    /* A JSON object that is laid over the config after that, such as
     * {"test": {"mode": "whole"}}; NULL: none. */
    const char *changes;

    /* Not 0: the weights are kept as the kernels read them in a file beside the
     * checkpoint, its name with ".dpcache" added. The next load reads them from there,
     * which is many times faster. The file is as large as the weights in memory, so it can
     * be larger than the checkpoint. It is written anew when it is damaged, or belongs to
     * another checkpoint, config, processor, precision or version. A checkpoint is told by
     * its size, its time of change and its first and last bytes. When it cannot be written that is logged.
     * Not with partial. */
    int cache;

    /* Keys of the config to change after that, set_count texts KEY=VALUE such as
     * "test.score_thr=0.1": keys joined with points, then JSON or a bare text. A path
     * is relative to the current folder, here and in changes. */
    const char *const *set;
    size_t set_count;
} dp_load_options;

/* Build the model of a config with the weights of a checkpoint.
 *
 * config: the path of a JSON file, a folder with config.json, such as that of a
 * training run, or the name of a model that ships: "coco/mask_rcnn_convnext_tiny". DP_ECONFIG for an unknown name; the sentence offers the
 * nearest one. The "base" of a file may be such a name, too.
 *
 * weights: a path (.pth, .pt, .bin, .safetensors). NULL: the checkpoint that ships with
 * the config, DP_EARG where none does; with options->random, random weights.
 *
 * options NULL: defaults. Every tensor is accounted for: names that are missing, misshapen
 * or unexpected are all logged and stop the load with DP_ESHAPE. Its sentence names the
 * shipped config that fits, if one does. Further DP_EIO,
 * DP_EFORMAT, DP_ECONFIG, DP_EUNSUPPORTED, DP_ENOMEM; *out is NULL then. The files may go
 * away afterwards. */
DP_API dp_status dp_model_load(dp_context *ctx, dp_model **out, const char *config,
                               const char *weights, const dp_load_options *options);
DP_API void dp_model_free(dp_model *model);

DP_API dp_task dp_model_task(const dp_model *model);

/* The config's "type": "mask_rcnn". */
DP_API const char *dp_model_type(const dp_model *model);

/* The name of the data set whose classes the model tells apart: "coco". */
DP_API const char *dp_model_dataset(const dp_model *model);

/* Classes, and for an index below their number the name (UTF-8) and the data set's own
 * number (COCO category id, ADE20K label). NULL and -1 for another index. */
DP_API int dp_model_class_count(const dp_model *model);
DP_API const char *dp_model_class_name(const dp_model *model, int label);
DP_API int dp_model_class_id(const dp_model *model, int label);

/* The colour in which a class is drawn: red, green, blue. Grey for another index. */
DP_API void dp_model_class_colour(const dp_model *model, int label, uint8_t rgb[3]);

/* Prepare ctx for images of this original size, so that running one allocates no work
 * space; *bytes (may be NULL) receives how much there is. Done by dp_detect, dp_segment
 * and dp_classify by themselves where needed. DP_ENOMEM, DP_ESHAPE (too small an
 * image). */
DP_API dp_status dp_model_plan(dp_context *ctx, const dp_model *model, int height,
                               int width, size_t *bytes);

/* The names of the models that ship. */
typedef struct dp_model_list dp_model_list;

/* List the models of a folder of configs (NULL: where they were installed) by name.
 * DP_ECONFIG when there is no such folder, DP_EIO, DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_model_list_load(dp_context *ctx, dp_model_list **out,
                                    const char *configs);
DP_API void dp_model_list_free(dp_model_list *list);

/* How many there are, and name i of them for dp_model_load; NULL for another i. */
DP_API size_t dp_model_list_count(const dp_model_list *list);
DP_API const char *dp_model_list_get(const dp_model_list *list, size_t i);

#ifdef __cplusplus
}
#endif

#endif
