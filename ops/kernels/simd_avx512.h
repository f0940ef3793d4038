/* simd_avx512.h - the vocabulary of the *.inc kernels, in AVX-512; see simd.inc
 */
#ifndef DP_OPS_KERNELS_SIMD_AVX512_H
#define DP_OPS_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

#define VARIANT_NAME(kernel) dp_##kernel##_avx512
#define SIMD(name)           _mm512_##name

enum { LANES = 16 };

typedef __m512 vec;

#include "ops/kernels/simd.inc"

static inline vec vec_load_part(const float *p, int n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static inline void vec_store_part(float *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}

static inline vec vec_keep(vec v, int n)
{
    return _mm512_maskz_mov_ps((__mmask16)((1u << n) - 1), v);
}

static inline vec vec_abs(vec v)
{
    return _mm512_abs_ps(v);
}

static inline unsigned vec_greater(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

static inline unsigned vec_equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

static inline vec vec_where_positive(vec x, vec a, vec b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ),
                                b, a);
}

static inline vec vec_lookup(const float table[16], vec bits)
{
    return _mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_loadu_ps(table));
}

static inline float vec_sum16(const vec lanes[16 / LANES])
{
    const __m256 high = _mm512_extractf32x8_ps(lanes[0], 1);

    return sum_of_8(_mm256_add_ps(_mm512_castps512_ps256(lanes[0]), high));
}

static inline float vec_largest(vec v)
{
    return _mm512_reduce_max_ps(v);
}

#endif
