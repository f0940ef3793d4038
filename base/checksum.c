#include "base/checksum.h"

#include <string.h>

enum { LANES = 4, WORD = 8 };

/* Odd, so that multiplying by it can be undone: no word gets lost. */
static const uint64_t factor = 0x9e3779b97f4a7c15u;

static uint64_t take(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * factor;
    return sum << 31 | sum >> 33;
}

/* Up to eight bytes, zeros after them. */
static uint64_t word_at(const unsigned char *p, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, p, size);
    return word;
}

uint64_t dp_checksum(const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    uint64_t lane[LANES] = {1, 2, 3, 4}, sum = size;
    size_t left = size;
    for (; left >= (size_t)LANES * WORD; left -= (size_t)LANES * WORD)
        for (int i = 0; i < LANES; i++, p += WORD)
            lane[i] = take(lane[i], word_at(p, WORD));
    for (int i = 0; i < LANES; i++)
        sum = take(sum, lane[i]);
    for (; left >= WORD; left -= WORD, p += WORD)
        sum = take(sum, word_at(p, WORD));
    sum = take(sum, word_at(p, left));
    return sum ^ sum >> 32;
}
