/* rle_polygon.h - the mask of a polygon, as COCO's ground truth is read
 *
 * The rules of the reference's rasteriser, bit for bit. Vertices are rounded to a grid
 * five times as fine, and edges are walked on it. A column of pixels changes where an
 * edge passes its centre. Only those passages are visited here, which gives the same
 * runs in a fifth of the steps.
 */
#ifndef DP_CORE_RLE_POLYGON_H
#define DP_CORE_RLE_POLYGON_H

#include <stddef.h>
#include <stdint.h>

/* An upper bound of the runs of the polygon with `points` vertices x y x y ... in an
 * image of width w; 0 when a coordinate is not finite or beyond DP_MAX_POLYGON_COORD, or
 * the bound is beyond DP_MAX_POLYGON_RUNS. */
size_t dp_rle_polygon_bound(const double *xy, size_t points, int w);

/* Write the runs of that polygon, at least one point, in an image of h x w to counts and
 * return their number. counts and scratch have room for dp_rle_polygon_bound runs, which
 * was not 0; columns has room for w + 1. Fewer than three points enclose nothing. */
size_t dp_rle_polygon(uint32_t *counts, uint32_t *scratch, uint32_t *columns,
                      const double *xy, size_t points, int h, int w);

#endif
