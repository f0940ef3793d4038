#include "io/image/enhance.h"

#include <stddef.h>
#include <string.h>

enum { CHANNELS = 3 };

static size_t pixels_of(dp_size size)
{
    return (size_t)size.h * (size_t)size.w;
}

static unsigned luma(const uint8_t *bgr)
{
    return (19595u * bgr[2] + 38470u * bgr[1] + 7471u * bgr[0] + 32768u) >> 16;
}

static void without_color(uint8_t *out, const uint8_t *in, dp_size size)
{
    for (size_t i = 0; i < pixels_of(size); i++)
        memset(out + i * CHANNELS, (int)luma(in + i * CHANNELS), CHANNELS);
}

static void without_contrast(uint8_t *out, const uint8_t *in, dp_size size)
{
    uint64_t sum = 0;
    const size_t pixels = pixels_of(size);
    for (size_t i = 0; i < pixels; i++)
        sum += luma(in + i * CHANNELS);
    const int mean = pixels > 0 ? (int)((double)sum / (double)pixels + 0.5) : 0;
    memset(out, mean, pixels * CHANNELS);
}

static void without_brightness(uint8_t *out, const uint8_t *in, dp_size size)
{
    (void)in;
    memset(out, 0, pixels_of(size) * CHANNELS);
}

/* Three neighbours in a row, left to right. */
static float across(const uint8_t *p, float side, float middle)
{
    return ((float)p[-CHANNELS] * side + (float)p[0] * middle) +
           (float)p[CHANNELS] * side;
}

static void without_sharpness(uint8_t *out, const uint8_t *in, dp_size size)
{
    const size_t line = (size_t)size.w * CHANNELS;
    const float side = 1.0f / 13, middle = 5.0f / 13;
    memcpy(out, in, pixels_of(size) * CHANNELS);
    for (size_t y = 1; y + 1 < (size_t)size.h; y++)
        for (size_t i = CHANNELS; i + CHANNELS < line; i++) {
            const uint8_t *p = in + y * line + i;
            const float below = 0.5f + across(p + line, side, side);
            const float here = below + across(p, side, middle);
            out[y * line + i] = (uint8_t)(here + across(p - line, side, side));
        }
}

static void (*const without[])(uint8_t *out, const uint8_t *in, dp_size size) = {
    [DP_ENHANCE_COLOR] = without_color,
    [DP_ENHANCE_CONTRAST] = without_contrast,
    [DP_ENHANCE_BRIGHTNESS] = without_brightness,
    [DP_ENHANCE_SHARPNESS] = without_sharpness,
};

void dp_enhance_run(uint8_t *out, const uint8_t *in, dp_size size,
                    dp_enhance_property property, double factor)
{
    const float part = (float)factor;
    without[property](out, in, size);
    for (size_t i = 0; i < pixels_of(size) * CHANNELS; i++) {
        const float value = (float)out[i] + part * (float)(in[i] - out[i]);
        out[i] = value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
    }
}
