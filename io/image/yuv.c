#include "io/image/yuv.h"

#include <string.h>

enum { SHIFT = 20, HALF = 1 << (SHIFT - 1), MIDDLE = 128, BLACK = 16 };

/* Factors of the conversion, times 2 to the power of SHIFT. */
struct factors {
    int black; /* luma of it */
    int luma, to_blue, u_to_green, v_to_green, to_red;
};

static const struct factors limited = {16, 1220542, 2116026, -409993, -852492, 1673527};
static const struct factors full = {0, 1 << SHIFT, 1858077, -360853, -748826, 1470104};

static size_t chroma_w(const dp_yuv *yuv)
{
    return ((size_t)yuv->w + (size_t)yuv->shift_x) >> yuv->shift_x;
}

static size_t chroma_size(const dp_yuv *yuv)
{
    return yuv->grey ? 0
                     : chroma_w(yuv) *
                           (((size_t)yuv->h + (size_t)yuv->shift_y) >> yuv->shift_y);
}

size_t dp_yuv_size(const dp_yuv *yuv)
{
    return (size_t)yuv->h * (size_t)yuv->w + 2 * chroma_size(yuv);
}

static uint8_t clip(int value)
{
    const int shifted = value < 0 ? 0 : value >> SHIFT;
    return (uint8_t)(shifted > UINT8_MAX ? UINT8_MAX : shifted);
}

void dp_yuv_to_pixels(const dp_yuv *yuv, dp_pixels *out, const uint8_t *planes)
{
    const struct factors *f = yuv->full_range ? &full : &limited;
    const size_t w = (size_t)yuv->w;
    const uint8_t *us = planes + (size_t)yuv->h * w, *vs = us + chroma_size(yuv);
    for (size_t y = 0; y < (size_t)yuv->h; y++) {
        const size_t row = (y >> yuv->shift_y) * chroma_w(yuv);
        uint8_t *to = out->data + y * w * 3;
        for (size_t x = 0; x < w; x++, to += 3) {
            const size_t at = row + (x >> yuv->shift_x);
            const int u = yuv->grey ? 0 : us[at] - MIDDLE;
            const int v = yuv->grey ? 0 : vs[at] - MIDDLE;
            const int over = planes[y * w + x] - f->black;
            const int luma = (over > 0 ? over : 0) * f->luma + HALF;
            to[0] = clip(luma + f->to_blue * u);
            to[1] = clip(luma + f->u_to_green * u + f->v_to_green * v);
            to[2] = clip(luma + f->to_red * v);
        }
    }
}

/* ---- back ---------------------------------------------------------------------------- */

static uint8_t weigh(const int bgr[3], int blue, int green, int red, int black)
{
    return clip(bgr[0] * blue + bgr[1] * green + bgr[2] * red + HALF +
                (black << SHIFT));
}

/* The rounded mean of the pixels that share the chroma sample (y, x). */
static void mean_of(int bgr[3], const dp_yuv *yuv, const dp_pixels *p, int y, int x)
{
    const int y1 = (y + 1) << yuv->shift_y, x1 = (x + 1) << yuv->shift_x;
    int sum[3] = {0}, count = 0;
    for (int i = y << yuv->shift_y; i < y1 && i < p->h; i++)
        for (int k = x << yuv->shift_x; k < x1 && k < p->w; k++, count++)
            for (int c = 0; c < 3; c++)
                sum[c] +=
                    p->data[((size_t)i * (size_t)p->w + (size_t)k) * 3 + (size_t)c];
    for (int c = 0; c < 3; c++)
        bgr[c] = (sum[c] + count / 2) / count;
}

void dp_yuv_from_pixels(const dp_yuv *yuv, uint8_t *planes, const dp_pixels *p)
{
    const size_t count = (size_t)yuv->h * (size_t)yuv->w, chroma = chroma_size(yuv);
    uint8_t *us = planes + count, *vs = us + chroma;
    const int w = (int)chroma_w(yuv);
    int bgr[3];
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < 3; c++)
            bgr[c] = p->data[3 * i + c];
        planes[i] = weigh(bgr, 102760, 528482, 269484, BLACK);
    }
    for (int i = 0; i < (int)chroma; i++) {
        mean_of(bgr, yuv, p, i / w, i % w);
        us[i] = weigh(bgr, 460324, -305135, -155188, MIDDLE);
        vs[i] = weigh(bgr, -74448, -385875, 460324, MIDDLE);
    }
}
