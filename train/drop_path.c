#include "train/drop_path.h"

#include <math.h>

enum { BLOCK = 8 /* values of one of torch's vectors */ };

/* Value i of a line from 0 to `end`, counted from the nearer end. */
static float line_at(int i, int count, float step, float end)
{
    return i < count / 2 ? step * (float)i : fmaf(-step, (float)(count - 1 - i), end);
}

/* As torch's AVX2 code does: whole vectors from their first value on, then single ones. */
void dp_drop_path_rates(double *rates, int blocks, double rate)
{
    const float end = blocks > 1 ? (float)rate : 0;
    const float step = blocks > 1 ? end / (float)(blocks - 1) : 0;
    for (int i = 0; i < blocks; i++) {
        const int first = i < blocks / BLOCK * BLOCK ? i / BLOCK * BLOCK : i;
        rates[i] =
            (double)(line_at(first, blocks, step, end) + (float)(i - first) * step);
    }
}

float dp_drop_path_divisor(double rate)
{
    return (float)(1 - rate);
}

bool dp_drop_path_keeps(double rate, float u)
{
    return floorf(dp_drop_path_divisor(rate) + u) > 0;
}

void dp_drop_path_draw(dp_random *r, bool *keep, int count, double rate)
{
    for (int i = 0; i < count; i++)
        keep[i] = rate <= 0 || dp_drop_path_keeps(rate, dp_random_unit_f32(r));
}
