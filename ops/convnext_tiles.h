/* convnext_tiles.h - the tiles in which a ConvNeXt block goes over a batch
 *
 * A tile has about as many cells as suit the caches: a window of an image or, of small maps,
 * some whole images. Images that take no part are in none.
 */
#ifndef DP_OPS_CONVNEXT_TILES_H
#define DP_OPS_CONVNEXT_TILES_H

#include "core/tensor.h"
#include "ops/kernels/kernels.h"

typedef struct dp_convnext_tiles {
    int H, W, C;
    const int *image; /* those that take part */
    int images;
    int each;                      /* images of a tile   */
    int bands, across, rows, cols; /* windows of an image */
    int count;                     /* tiles              */
    int cells;                     /* of a tile, at most */
} dp_convnext_tiles;

/* Tiles of the images of x (N, H, W, C) whose factor is not 0 (NULL: all), which `image` (N)
 * is to hold; NULL in a dry run, which takes all. */
dp_convnext_tiles dp_convnext_tiles_cut(dp_tensor x, int *image, const float *factors);

/* Images and cells of a tile. */
int dp_convnext_tile_images(const dp_convnext_tiles *t, int tile);
int dp_convnext_tile_cells(const dp_convnext_tiles *t, int tile);

/* The window of its i-th image, and which that is. */
dp_map_window dp_convnext_tile_window(const dp_convnext_tiles *t, int tile, int i,
                                      int *image);

#endif
