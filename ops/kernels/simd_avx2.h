/* simd_avx2.h - the vocabulary of the *.inc kernels, in AVX2 and FMA; see simd.inc
 */
#ifndef DP_OPS_KERNELS_SIMD_AVX2_H
#define DP_OPS_KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VARIANT_NAME(kernel) dp_##kernel##_avx2
#define SIMD(name)           _mm256_##name

enum { LANES = 8 };

typedef __m256 vec;

#include "ops/kernels/simd.inc"

/* All ones in the first n lanes. */
static inline __m256i vec_first(int n)
{
    static const int32_t mask[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};

    return _mm256_loadu_si256((const __m256i *)(const void *)(mask + LANES - n));
}

static inline vec vec_load_part(const float *p, int n)
{
    return _mm256_maskload_ps(p, vec_first(n));
}

static inline void vec_store_part(float *p, vec v, int n)
{
    _mm256_maskstore_ps(p, vec_first(n), v);
}

static inline vec vec_keep(vec v, int n)
{
    return _mm256_and_ps(v, _mm256_castsi256_ps(vec_first(n)));
}

static inline vec vec_abs(vec v)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

static inline unsigned vec_greater(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

static inline unsigned vec_equal(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}

static inline vec vec_where_positive(vec x, vec a, vec b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
}

static inline vec vec_lookup(const float table[16], vec bits)
{
    const __m256i index = _mm256_castps_si256(bits);
    const vec low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
    const vec high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index);

    /* Bit 3 of the index, moved to where a blend looks. */
    return _mm256_blendv_ps(low, high,
                            _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}

static inline float vec_sum16(const vec lanes[16 / LANES])
{
    return sum_of_8(_mm256_add_ps(lanes[0], lanes[1]));
}

static inline float vec_largest(vec v)
{
    const __m128 by4 =
        _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));

    return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}

#endif
