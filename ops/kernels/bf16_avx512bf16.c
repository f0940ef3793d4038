#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx512.h"

#include "ops/kernels/gelu_vec.inc"

#include <string.h>

/* 24 sums, 3 weights and a pair of x of 32 registers. */
enum { ROWS = 8, VECS = 3, PAIR = 2 };

static __mmask16 first_lanes(int n)
{
    return (__mmask16)((1u << n) - 1);
}

void dp_round_bf16_avx512bf16(void *y, const float *x, size_t n)
{
    unsigned char *to = y;
    size_t i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_si256((__m256i *)(void *)(to + 2 * i),
                            (__m256i)_mm512_cvtneps_pbh(vec_load(x + i)));
    if (i < n)
        _mm256_mask_storeu_epi16(
            to + 2 * i, first_lanes((int)(n - i)),
            (__m256i)_mm512_cvtneps_pbh(vec_load_part(x + i, (int)(n - i))));
}

/* A block of columns: what all its tiles share. */
typedef struct part {
    size_t y_stride, x_stride;
    size_t panel; /* numbers from one panel to the next */
    const uint16_t *w;
    const float *bias;
    size_t ahead; /* as in gemm.inc */
    int n;        /* columns, at most VECS * LANES */
    int pairs;    /* of terms                      */
    unsigned flags;
} part;

static inline vec load_some(const float *p, int lanes)
{
    return lanes == LANES ? vec_load(p) : vec_load_part(p, lanes);
}

static inline void store_some(float *p, vec v, int lanes)
{
    if (lanes == LANES)
        vec_store(p, v);
    else
        vec_store_part(p, v, lanes);
}

static inline __m512bh both_of(const uint16_t *x)
{
    int pair;

    memcpy(&pair, x, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* In what follows rows and vecs are constant when inlined, and `last` is the lanes in use
 * of the last vector. */
static ALWAYS_INLINE void add_products(vec sum[ROWS][VECS], const uint16_t *x,
                                       const part *p, int rows, int vecs)
{
    const uint16_t *w = p->w;

    for (int k = 0; k < p->pairs; k++, x += PAIR, w += PAIR * DP_GEMM_PANEL) {
        __m512bh weight[VECS];

        prefetch((const float *)((uintptr_t)w + p->ahead));
        UNROLL
        for (int v = 0; v < vecs; v++)
            weight[v] = (__m512bh)_mm512_loadu_si512(w + (size_t)v * p->panel);
        UNROLL
        for (int r = 0; r < rows; r++) {
            const __m512bh value = both_of(x + (size_t)r * p->x_stride);

            UNROLL
            for (int v = 0; v < vecs; v++)
                sum[r][v] = _mm512_dpbf16_ps(sum[r][v], value, weight[v]);
        }
    }
}

static ALWAYS_INLINE void sum_tile(float *y, const uint16_t *x, const part *p, int rows,
                                   int vecs, int last)
{
    vec sum[ROWS][VECS];

    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vecs; v++) {
            const int lanes = v == vecs - 1 ? last : LANES;
            const float *from = y + (size_t)r * p->y_stride + v * LANES;

            sum[r][v] = load_some(p->bias + v * LANES, lanes);
            if (p->flags & DP_GEMM_ADD)
                sum[r][v] = vec_add(sum[r][v], load_some(from, lanes));
        }
    }
    add_products(sum, x, p, rows, vecs);
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vecs; v++)
            store_some(y + (size_t)r * p->y_stride + v * LANES, sum[r][v],
                       v == vecs - 1 ? last : LANES);
    }
}

static void activate(float *y, const part *p, int rows)
{
    for (int r = 0; r < rows; r++, y += p->y_stride)
        for (int c = 0; c < p->n; c += LANES) {
            const int lanes = p->n - c < LANES ? p->n - c : LANES;
            const vec value = load_some(y + c, lanes);

            store_some(y + c,
                       p->flags & DP_GEMM_GELU ? gelu(value)
                                               : vec_max(value, vec_set(0)),
                       lanes);
        }
}

static ALWAYS_INLINE void tile(float *y, const uint16_t *x, const part *p, int rows)
{
    const int vecs = (p->n + LANES - 1) / LANES, last = p->n - (vecs - 1) * LANES;

    if (vecs == VECS && last == LANES)
        sum_tile(y, x, p, rows, VECS, LANES);
    else if (vecs == VECS)
        sum_tile(y, x, p, rows, VECS, last);
    else if (vecs == VECS - 1)
        sum_tile(y, x, p, rows, VECS - 1, last);
    else
        sum_tile(y, x, p, rows, 1, last);
    if (p->flags & (DP_GEMM_RELU | DP_GEMM_GELU))
        activate(y, p, rows);
}

/* The tile from row r on; the first tiles ask for a panel each of the next columns'. */
static ALWAYS_INLINE void tile_from(float *y, const uint16_t *x, part *p, int r,
                                    int rows)
{
    const size_t number = (size_t)(r / ROWS);

    p->ahead = number < VECS ? (VECS + number) * p->panel * sizeof *p->w : 0;
    tile(y + (size_t)r * p->y_stride, x + (size_t)r * p->x_stride, p, rows);
}

/* Tiles of ROWS rows, then of half as many, then of one. */
static void all_rows(float *y, const uint16_t *x, part *p, int rows)
{
    int r = 0;

    for (; r + ROWS <= rows; r += ROWS)
        tile_from(y, x, p, r, ROWS);
    for (; r + ROWS / 2 <= rows; r += ROWS / 2)
        tile_from(y, x, p, r, ROWS / 2);
    for (; r < rows; r++)
        tile_from(y, x, p, r, 1);
}

void dp_gemm_bf16_avx512bf16(float *y, size_t y_stride, const uint16_t *x,
                             size_t x_stride, const uint16_t *w, const float *bias,
                             int rows, int K, int N, unsigned flags)
{
    const int pairs = (K + 1) / PAIR;
    part p = {y_stride, x_stride, (size_t)pairs * PAIR * DP_GEMM_PANEL, .pairs = pairs,
              .flags = flags};

    for (int n = 0; n < N; n += VECS * LANES) {
        p.w = w + (size_t)n * (size_t)pairs * PAIR;
        p.bias = bias + n;
        p.n = N - n < VECS * LANES ? N - n : VECS * LANES;
        all_rows(y + n, x, &p, rows);
    }
}
#endif
