#include "core/rle.h"

#include <stdbool.h>
#include <string.h>

uint64_t dp_rle_area(const dp_rle *r)
{
    uint64_t area = 0;
    for (size_t i = 1; i < r->count; i += 2)
        area += r->counts[i];
    return area;
}

/* The value that stands for run i: from the third on, the difference to the run two
 * before, which is small for compact shapes. */
static int64_t delta(const uint32_t *counts, size_t i)
{
    return i > 2 ? (int64_t)counts[i] - (int64_t)counts[i - 2] : (int64_t)counts[i];
}

/* One value as groups of five bits, low first; bit 5 says that more follow. Returns the
 * number of characters; writes them when text is not NULL. */
static size_t put_value(char *text, int64_t x)
{
    size_t n = 0;
    bool more;
    do {
        int c = (int)(x & 31);
        x >>= 5;
        more = (c & 16) ? x != -1 : x != 0;
        if (more)
            c |= 32;
        if (text)
            text[n] = (char)(c + 48);
        n++;
    } while (more);
    return n;
}

size_t dp_rle_string_size(const uint32_t *counts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += put_value(NULL, delta(counts, i));
    return size;
}

void dp_rle_format(char *text, const uint32_t *counts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text += put_value(text, delta(counts, i));
    *text = '\0';
}

void dp_rle_decode(const dp_rle *r, uint8_t *mask)
{
    size_t at = 0;
    memset(mask, 0, (size_t)r->h * (size_t)r->w);
    for (size_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->counts[i]; k++, at++)
            if (i & 1)
                mask[at % (size_t)r->h * (size_t)r->w + at / (size_t)r->h] = 1;
}
