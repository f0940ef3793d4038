#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

static inline __m256i load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* b * (h >> 4) >> 16 of 16 sums: h >> 4 fits 16 bits. The order is that of a pack: 0-3,
 * 8-11, 4-7, 12-15. */
static inline __m256i weighted(const int32_t *h, __m256i b)
{
    const __m256i low = _mm256_srai_epi32(load(h), 4);
    const __m256i high = _mm256_srai_epi32(load(h + 8), 4);

    return _mm256_mulhi_epi16(_mm256_packs_epi32(low, high), b);
}

void dp_resize_rows_u8_avx2(uint8_t *out, const int32_t *h0, const int32_t *h1, int b0,
                            int b1, int n)
{
    const __m256i w0 = _mm256_set1_epi16((int16_t)b0);
    const __m256i w1 = _mm256_set1_epi16((int16_t)b1);
    int i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m256i sum = _mm256_add_epi16(
            _mm256_add_epi16(weighted(h0 + i, w0), weighted(h1 + i, w1)),
            _mm256_set1_epi16(2));
        const __m256i value = _mm256_srai_epi16(sum, 2);
        const __m256i ordered = _mm256_permute4x64_epi64(value, 0xD8);
        const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(ordered),
                                               _mm256_extracti128_si256(ordered, 1));

        _mm_storeu_si128((__m128i *)(void *)(out + i), bytes);
    }
    dp_resize_rows_u8_ref(out + i, h0 + i, h1 + i, b0, b1, n - i);
}
#endif
