/* simd_avx512.h - the vocabulary of the *.inc kernels, in AVX-512
 *
 * A new instruction set is one such file. `part` functions touch the first n <= LANES
 * elements in memory and no others; a partial load gives 0 in the other lanes.
 */
#ifndef DP_OPS_KERNELS_SIMD_AVX512_H
#define DP_OPS_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

#define VARIANT_NAME(kernel) dp_##kernel##_avx512

enum { LANES = 16 };

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Unroll the loop that follows, whose count is constant. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Ask the line at p into the L2 cache; p need not be anybody's memory. Always inlined: gcc 12
 * takes a call of a function that does nothing else for one that does nothing. */
static ALWAYS_INLINE void prefetch(const float *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T1);
}

/* The line at p into the L1 cache: for what is needed within a microsecond. */
static ALWAYS_INLINE void prefetch_near(const float *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T0);
}

typedef __m512 vec;

static inline vec vec_set(float value)
{
    return _mm512_set1_ps(value);
}

static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline vec vec_load_part(const float *p, int n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static inline void vec_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}

static inline void vec_store_part(float *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}

/* To memory past the caches; p is as aligned as a vec. Other threads see it after
 * stream_end, which comes before whatever tells them to look. */
static inline void vec_stream(float *p, vec v)
{
    _mm512_stream_ps(p, v);
}

static inline void stream_end(void)
{
    _mm_sfence();
}

static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec vec_sqrt(vec v)
{
    return _mm512_sqrt_ps(v);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* v in the first n lanes, 0 in the others. */
static inline vec vec_keep(vec v, int n)
{
    return _mm512_maskz_mov_ps((__mmask16)((1u << n) - 1), v);
}

static inline vec vec_abs(vec v)
{
    return _mm512_abs_ps(v);
}

/* a < b ? a : b, so b when one is NaN. */
static inline vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* a > b ? a : b, so b when one is NaN. */
static inline vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

/* Bit i says whether a[i] > b[i]. */
static inline unsigned vec_greater(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

static inline unsigned vec_equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

/* table[the low four bits of each lane]. */
static inline vec vec_lookup(const float table[16], vec bits)
{
    return _mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_loadu_ps(table));
}

/* The sum of 16 lanes by the tree of kernels.h. */
static inline float vec_sum16(const vec lanes[16 / LANES])
{
    const __m256 high = _mm512_extractf32x8_ps(lanes[0], 1);
    const __m256 by8 = _mm256_add_ps(_mm512_castps512_ps256(lanes[0]), high);
    const __m128 by4 =
        _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));

    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/* The largest lane, when none is NaN. */
static inline float vec_largest(vec v)
{
    return _mm512_reduce_max_ps(v);
}

#endif
