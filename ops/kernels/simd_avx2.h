/* simd_avx2.h - the vocabulary of the *.inc kernels, in AVX2 and FMA
 *
 * See simd_avx512.h.
 */
#ifndef DP_OPS_KERNELS_SIMD_AVX2_H
#define DP_OPS_KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VARIANT_NAME(kernel) dp_##kernel##_avx2

enum { LANES = 8 };

#define ALWAYS_INLINE inline __attribute__((always_inline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

static ALWAYS_INLINE void prefetch(const float *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T1);
}

static ALWAYS_INLINE void prefetch_near(const float *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T0);
}

typedef __m256 vec;

static inline vec vec_set(float value)
{
    return _mm256_set1_ps(value);
}

static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

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

static inline void vec_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}

static inline void vec_store_part(float *p, vec v, int n)
{
    _mm256_maskstore_ps(p, vec_first(n), v);
}

static inline void vec_stream(float *p, vec v)
{
    _mm256_stream_ps(p, v);
}

static inline void stream_end(void)
{
    _mm_sfence();
}

static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

static inline vec vec_sqrt(vec v)
{
    return _mm256_sqrt_ps(v);
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec vec_keep(vec v, int n)
{
    return _mm256_and_ps(v, _mm256_castsi256_ps(vec_first(n)));
}

static inline vec vec_abs(vec v)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

static inline vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline unsigned vec_greater(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

static inline unsigned vec_equal(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
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
    const __m256 by8 = _mm256_add_ps(lanes[0], lanes[1]);
    const __m128 by4 =
        _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));

    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

static inline float vec_largest(vec v)
{
    const __m128 by4 =
        _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));

    return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}

#endif
