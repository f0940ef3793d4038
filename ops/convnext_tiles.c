#include "ops/convnext_tiles.h"

enum { CELLS = 224, COLS = 28 /* what suits dp_dwconv7_fn */ };

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

dp_convnext_tiles dp_convnext_tiles_cut(dp_tensor x, int *image, const float *factors)
{
    dp_convnext_tiles t = {.H = x.H, .W = x.W, .C = x.C, .image = image};
    if (!image)
        t.images = x.N;
    for (int n = 0; n < x.N && image; n++)
        if (!factors || factors[n] != 0)
            image[t.images++] = n;
    t.across = ceil_div(x.W, COLS);
    t.cols = ceil_div(x.W, t.across);
    t.bands = ceil_div(x.H, CELLS / t.cols);
    t.rows = ceil_div(x.H, t.bands);
    t.bands = ceil_div(x.H, t.rows);
    t.each = t.bands * t.across == 1 ? CELLS / (x.H * x.W) : 1;
    t.each = smaller(t.each, x.N);
    t.count = ceil_div(t.images, t.each) * t.bands * t.across;
    t.cells = t.each * t.rows * t.cols;
    return t;
}

int dp_convnext_tile_images(const dp_convnext_tiles *t, int tile)
{
    return t->each == 1 ? 1 : smaller(t->each, t->images - tile * t->each);
}

dp_map_window dp_convnext_tile_window(const dp_convnext_tiles *t, int tile, int i,
                                      int *image)
{
    const int windows = t->bands * t->across, window = tile % windows;
    const int row = window / t->across * t->rows, col = window % t->across * t->cols;
    *image = t->image[tile / windows * t->each + i];
    return (dp_map_window){.H = t->H,
                           .W = t->W,
                           .C = t->C,
                           .row = row,
                           .rows = smaller(t->rows, t->H - row),
                           .col = col,
                           .cols = smaller(t->cols, t->W - col)};
}

int dp_convnext_tile_cells(const dp_convnext_tiles *t, int tile)
{
    int image;
    const dp_map_window w = dp_convnext_tile_window(t, tile, 0, &image);
    return dp_convnext_tile_images(t, tile) * w.rows * w.cols;
}
