/* segmentor.h - what a segmentor's forward pass leaves, and label maps made of it
 *
 * It keeps the logits of every window of every pass (mosaic.h), the labels, and a few rows
 * of work space for each worker. There are never K values for each pixel
 * of the image. Memory grows with the network's input, and by one byte with a pixel.
 */
#ifndef DP_MODEL_SEGMENTOR_H
#define DP_MODEL_SEGMENTOR_H

#include "core/label_map.h"
#include "core/run.h"
#include "model/model.h"
#include "model/mosaic.h"

enum { DP_SEGMENTOR_PASSES = 32 /* scales, each perhaps mirrored */ };

/* The image through the network at one scale. */
typedef struct dp_segmentor_pass {
    dp_mosaic mosaic;
    bool flip; /* the input was mirrored                               */
    dp_blend *rows,
        *columns; /* of each of the image's, what it takes of the mosaic's */
} dp_segmentor_pass;

/* In the arena of the run, until the next one. */
typedef struct dp_segmentor_result {
    dp_size image; /* the original image */
    int K, count;  /* classes, passes      */
    dp_segmentor_pass *passes;
    uint8_t *labels; /* (h, w) */

    float *scratch; /* of each worker */
    size_t scratch_size;
} dp_segmentor_result;

/* What the heads say of an input (N, H, W, 3) as the network sees it: (N, h, w, K) each. A
 * model built without training's parts has no auxiliary logits: no data, and N is 0. */
typedef struct dp_segmentor_logits {
    dp_tensor decode, auxiliary;
} dp_segmentor_logits;

dp_segmentor_logits dp_segmentor_logits_run(const dp_model *m, dp_run *r,
                                            dp_tensor input);

/* Make room in r's arena for the labels and the work on them, after the passes are
 * there; then, when not dry, label every pixel: the class of the highest
 * probability, or of the highest mean probability of all passes; the lowest of
 * equals. Rows are spread over the threads; the labels do not depend on how many
 * there are. */
void dp_segmentor_label(dp_run *r, dp_segmentor_result *s);

/* What the context's last run left, NULL unless it was dp_segmentor_run of m. */
const dp_segmentor_result *dp_segmentor_last(const dp_context *ctx, const dp_model *m);

/* out (rows, w, K) = the probabilities of rows [y, y + rows), after a run and before the
 * next one of the context, on its workers. */
void dp_segmentor_probabilities(dp_context *ctx, const dp_segmentor_result *s, int y,
                                int rows, float *out);

/* Label one image. DP_EARG when m is no segmentor. */
dp_status dp_segmentor_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                           dp_label_map *out) DP_MUST_CHECK;

#endif
