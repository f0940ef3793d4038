/* convnext_pass.h - what the forward and backward pass of a ConvNeXt block in training share
 *
 * For convnext_block_training.c. A tile's values lie in panels (ops/panels.h); the hidden map
 * is made in chunks that stay in a core's cache.
 */
#ifndef DP_OPS_CONVNEXT_PASS_H
#define DP_OPS_CONVNEXT_PASS_H

#include "ops/convnext_block.h"
#include "ops/convnext_tiles.h"
#include "ops/step.h"

enum {
    DP_CONVNEXT_TAPS = 7 * 7,
    DP_CONVNEXT_HIDDEN = 4, /* hidden channels per channel        */
    DP_CONVNEXT_CHUNK = 12  /* panels of a chunk of the hidden map */
};

typedef struct dp_convnext_pass {
    const dp_convnext_block *block;
    const dp_kernels *kernels;
    dp_tensor x;
    dp_convnext_tiles tiles;
    const float *factors; /* of the images; NULL: 1         */
    int narrow, wide;     /* panels of C, and of 4 C        */
    int chunks;           /* of the hidden map              */
    size_t panel;         /* floats from a panel to the next */

    float *taps;   /* (7, 7, C)                                               */
    float *zeros;  /* as many as the widest bias                              */
    float *expand; /* pwconv1 with the norm's affine part, panels of (C, 16) */
    float *shift;  /* and its bias                                            */

    /* of each worker */
    float *rows;   /* (cells, C)         */
    float *hidden; /* a chunk, in panels */
    float *out;    /* narrow panels      */
} dp_convnext_pass;

/* Take the memory of a step s that is a block. Weights are yet to be packed. */
dp_convnext_pass dp_convnext_pass_start(dp_run *r, const dp_step *s);

/* Pack the taps and the expanding matrix. */
void dp_convnext_pass_pack(const dp_convnext_pass *p, dp_pool *pool);

/* Pack the contracting matrix with gamma or, `close`, the expanding one for gradients: by
 * chunks, in panels of (chunk, 16). */
void dp_convnext_pass_pack_chunks(const dp_convnext_pass *p, dp_pool *pool,
                                  float *packed, bool close);

/* Panels of chunk q. */
int dp_convnext_pass_panels(const dp_convnext_pass *p, int q);

/* The factor of an image. */
float dp_convnext_pass_factor(const dp_convnext_pass *p, int image);

/* The floats of an image in a map like x. */
const float *dp_convnext_pass_image(const dp_convnext_pass *p, const float *map,
                                    int image);

/* The norm's result before its affine part, of a tile, in narrow panels; and what its rows
 * were multiplied by. `rows` is scratch memory for the tile. */
void dp_convnext_pass_normalise(const dp_convnext_pass *p, int tile, float *rows,
                                float *norm, float *scale);

/* Chunk q of the hidden map of so many cells; flags as dp_panel_gemm_fn. */
void dp_convnext_pass_expand(const dp_convnext_pass *p, int q, float *hidden,
                             const float *norm, int cells, unsigned flags);

/* out += chunk q times its rows of a matrix of dp_convnext_pass_pack_chunks. The first chunk
 * begins with `bias` (narrow panels). */
void dp_convnext_pass_add(const dp_convnext_pass *p, int q, float *out,
                          const float *hidden, const float *matrix, const float *bias,
                          int cells);

#endif
