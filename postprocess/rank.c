#include "postprocess/rank.h"

#include <string.h>

enum { DIGIT = 11, BUCKETS = 1 << DIGIT, PASSES = 3 };

static unsigned digit(uint32_t key, int pass)
{
    return key >> (pass * DIGIT) & (BUCKETS - 1);
}

/* One pass, from the least significant digit on. Returns 0, and moves nothing, when all
 * items share the digit. */
static int pass_run(dp_rank *to, const dp_rank *from, size_t n, int pass)
{
    size_t start[BUCKETS] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        start[digit(from[i].key, pass)]++;
    if (start[digit(from[0].key, pass)] == n)
        return 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        const size_t count = start[b];
        start[b] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[start[digit(from[i].key, pass)]++] = from[i];
    return 1;
}

void dp_rank_sort(dp_rank *list, dp_rank *scratch, size_t n)
{
    dp_rank *from = list, *to = scratch;

    if (n < 2)
        return;
    for (int pass = 0; pass < PASSES; pass++)
        if (pass_run(to, from, n, pass)) {
            dp_rank *swap = from;
            from = to;
            to = swap;
        }
    if (from != list)
        memcpy(list, from, n * sizeof *list);
}

uint32_t dp_rank_key(float score)
{
    const float plus_zero = score + 0.0f; /* turns -0 into +0 */
    uint32_t bits;

    if (score != score)
        return DP_RANK_NAN;
    memcpy(&bits, &plus_zero, sizeof bits);
    /* As numbers, the bits of floats ascend away from zero. */
    return bits >> 31 ? bits : ~bits & 0x7fffffffu;
}
