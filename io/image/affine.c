#include "io/image/affine.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, MOST_TAPS = 4 };

/* To 15 decimals, to nearest, as Python's round. */
static double round_to_15(double x)
{
    char text[40];
    snprintf(text, sizeof text, "%.15f", x);
    return strtod(text, NULL);
}

dp_affine dp_affine_rotation(dp_size size, double degrees)
{
    double angle = fmod(degrees, 360);
    angle = angle < 0 ? angle + 360 : angle;
    const double turn = -(angle * (3.14159265358979323846 / 180));
    const double c = round_to_15(cos(turn)), s = round_to_15(sin(turn));
    const double x = size.w / 2.0, y = size.h / 2.0;
    const double back = round_to_15(-sin(turn));
    return (dp_affine){{c, s, c * -x + s * -y + x, back, c, back * -x + c * -y + y}};
}

static int clamp(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

static double linear(const double p[2], double t)
{
    return p[0] + (p[1] - p[0]) * t;
}

static double cubic(const double p[4], double t)
{
    const double once = -p[0] + p[2];
    const double twice = 2 * (p[0] - p[1]) + p[2] - p[3];
    const double thrice = -p[0] + p[1] - p[2] + p[3];
    return p[1] + t * (once + t * (twice + t * thrice));
}

static uint8_t truncate(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
}

/* The pixel at (u, v), which lies inside the image. */
static void sample(uint8_t out[CHANNELS], const uint8_t *in, dp_size size, double u,
                   double v, dp_affine_filter filter)
{
    const int taps = filter == DP_AFFINE_BICUBIC ? 4 : 2;
    double (*const mix)(const double *, double) = taps == 4 ? cubic : linear;
    const double x0 = floor(u - 0.5), y0 = floor(v - 0.5);
    const double across = u - 0.5 - x0, down = v - 0.5 - y0;
    size_t column[MOST_TAPS];
    for (int i = 0; i < taps; i++)
        column[i] = (size_t)clamp((int)x0 + i - (taps / 2 - 1), size.w) * CHANNELS;
    double line[CHANNELS][MOST_TAPS];
    for (int k = 0; k < taps; k++) {
        const size_t row = (size_t)clamp((int)y0 + k - (taps / 2 - 1), size.h);
        const uint8_t *from = in + row * (size_t)size.w * CHANNELS;
        for (int c = 0; c < CHANNELS; c++) {
            double value[MOST_TAPS];
            for (int i = 0; i < taps; i++)
                value[i] = from[column[i] + (size_t)c];
            line[c][k] = mix(value, across);
        }
    }
    for (int c = 0; c < CHANNELS; c++)
        out[c] = truncate(mix(line[c], down));
}

void dp_affine_run(uint8_t *out, const uint8_t *in, dp_size size, const dp_affine *map,
                   dp_affine_filter filter, const uint8_t fill[3])
{
    const double *m = map->m;
    for (int y = 0; y < size.h; y++)
        for (int x = 0; x < size.w; x++, out += CHANNELS) {
            const double u = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
            const double v = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
            if (u >= 0 && u < size.w && v >= 0 && v < size.h)
                sample(out, in, size, u, v, filter);
            else
                memcpy(out, fill, CHANNELS);
        }
}
