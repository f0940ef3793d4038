/* yuv.h - planes of luma and chroma to pixels and back, by ITU-R BT.601
 *
 * Limited range: luma is 16 to 235, chroma 16 to 240. Full range: 0 to 255, as JPEG has it.
 * To pixels, a chroma sample stands for all pixels that share it, and each channel is rounded
 * once, with 20 bits behind the point. With limited range and 4:2:0 these are the pixels of
 * OpenCV's COLOR_YUV2BGR_I420.
 */
#ifndef DP_IO_IMAGE_YUV_H
#define DP_IO_IMAGE_YUV_H

#include "core/pixels.h"

#include <stdbool.h>
#include <stddef.h>

/* How planes lie. */
typedef struct dp_yuv {
    int h, w;
    int shift_y, shift_x; /* 1: two rows, two columns share a chroma sample; else 0 */
    bool grey;            /* there is no chroma */
    bool full_range;
} dp_yuv;

/* Bytes of a frame: luma, then both chroma planes, each rounded up to whole samples. */
size_t dp_yuv_size(const dp_yuv *yuv);

/* Pixels of the planes; `out` has h x w of them. */
void dp_yuv_to_pixels(const dp_yuv *yuv, dp_pixels *out, const uint8_t *planes);

/* The reverse, to limited range whatever yuv->full_range is. Chroma is of the mean of the
 * pixels that share it. */
void dp_yuv_from_pixels(const dp_yuv *yuv, uint8_t *planes, const dp_pixels *p);

#endif
