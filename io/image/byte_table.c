#include "io/image/byte_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { CHANNELS = 3, VALUES = 256 };

static size_t bytes_of(dp_size size)
{
    return (size_t)size.h * (size_t)size.w * CHANNELS;
}

static void count_values(size_t count[CHANNELS][VALUES], const uint8_t *image,
                         dp_size size)
{
    memset(count, 0, CHANNELS * sizeof *count);
    for (size_t i = 0; i < bytes_of(size); i++)
        count[i % CHANNELS][image[i]]++;
}

/* The first and the last value that a channel uses; 255 and 0 of an empty image. */
static void find_ends(const size_t count[VALUES], int *low, int *high)
{
    for (*low = 0; *low < VALUES - 1 && count[*low] == 0;)
        ++*low;
    for (*high = VALUES - 1; *high > 0 && count[*high] == 0;)
        --*high;
}

static void keep(uint8_t value[VALUES])
{
    for (int v = 0; v < VALUES; v++)
        value[v] = (uint8_t)v;
}

static void stretch(uint8_t value[VALUES], int low, int high)
{
    const double scale = 255.0 / (high - low), offset = -low * scale;
    for (int v = 0; v < VALUES; v++) {
        const int stretched = (int)(v * scale + offset);
        value[v] = (uint8_t)(stretched < 0 ? 0 : stretched > 255 ? 255 : stretched);
    }
}

void dp_byte_table_build_auto_contrast(dp_byte_table *t, const uint8_t *image,
                                       dp_size size)
{
    size_t count[CHANNELS][VALUES];
    count_values(count, image, size);
    for (int c = 0; c < CHANNELS; c++) {
        int low, high;
        find_ends(count[c], &low, &high);
        if (high > low)
            stretch(t->value[c], low, high);
        else
            keep(t->value[c]);
    }
}

static void flatten(uint8_t value[VALUES], const size_t count[VALUES], size_t step)
{
    size_t below = step / 2;
    for (int v = 0; v < VALUES; v++) {
        value[v] = (uint8_t)(below / step > 255 ? 255 : below / step);
        below += count[v];
    }
}

void dp_byte_table_build_equalize(dp_byte_table *t, const uint8_t *image, dp_size size)
{
    size_t count[CHANNELS][VALUES];
    count_values(count, image, size);
    for (int c = 0; c < CHANNELS; c++) {
        int low, high;
        find_ends(count[c], &low, &high);
        const size_t pixels = bytes_of(size) / CHANNELS;
        const size_t step = (pixels - count[c][high]) / 255;
        if (high > low && step > 0)
            flatten(t->value[c], count[c], step);
        else
            keep(t->value[c]);
    }
}

static void set_all(dp_byte_table *t, int v, int value)
{
    for (int c = 0; c < CHANNELS; c++)
        t->value[c][v] = (uint8_t)value;
}

void dp_byte_table_build_solarize(dp_byte_table *t, int threshold)
{
    for (int v = 0; v < VALUES; v++)
        set_all(t, v, v < threshold ? v : 255 - v);
}

void dp_byte_table_build_solarize_add(dp_byte_table *t, int add)
{
    for (int v = 0; v < VALUES; v++)
        set_all(t, v, v >= 128 ? v : v + add > 255 ? 255 : v + add);
}

void dp_byte_table_build_posterize(dp_byte_table *t, int bits)
{
    for (int v = 0; v < VALUES; v++)
        set_all(t, v, v & ~((1 << (8 - bits)) - 1));
}

void dp_byte_table_run(uint8_t *out, const uint8_t *in, dp_size size,
                       const dp_byte_table *t)
{
    for (size_t i = 0; i < bytes_of(size); i += CHANNELS)
        for (size_t c = 0; c < CHANNELS; c++)
            out[i + c] = t->value[c][in[i + c]];
}
