/* kernels.h - the inner loops, and which variant of each this CPU gets
 *
 * A kernel is a function on pointers. `_ref` is plain C and the specification; variants
 * for an instruction set overlay it from one list, kernels.def, which also feeds the
 * tests and the benchmark. Within a kernel later lines win.
 *
 *   y outputs come first, inputs next, sizes last. Nothing overlaps unless said. Pointers
 *   have any alignment that float allows. A kernel may read up to 64 bytes past the end
 *   of an input row of the arena and ignores what it finds; it never writes past an
 *   output.
 *
 * Bits: every variant gives the bits of `_ref`, except where a bound is stated. For that
 * an FMA is written out (fmaf in plain C) wherever a variant uses one. Sums of a reduction
 * run in 16 lanes: element i goes into lane i % 16, in order of i. The lanes are added as
 * a tree: l[i] += l[i + 8], then + 4, + 2, + 1. A NaN is a NaN, whatever its bits.
 */
#ifndef DP_OPS_KERNELS_KERNELS_H
#define DP_OPS_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A rectangle of the pixels of a map (H, W, C). */
typedef struct dp_map_window {
    int H, W, C;   /* the map */
    int row, rows; /* rows [row, row + rows) of its H */
    int col, cols; /* columns [col, col + cols) of its W */
} dp_map_window;

/* Depthwise 7x7 convolution, stride 1, zero padding 3, of a window of a map x (H, W, C)
 * into y (rows, cols, C), dense.
 *   k (7, 7, C) taps   b (C)
 * Each output is the chain fmaf(x, k, acc) over the taps in order, acc starting at b;
 * taps outside the map take part with x = 0. Windows of 8 x 28 pixels and multiples of
 * them cost least; a window of one row costs nearly twice as much a pixel. */
typedef void dp_dwconv7_fn(float *y, const float *x, const float *k, const float *b,
                           const dp_map_window *w);

/* The gradients of those taps and that bias, from a window of maps x and dy (H, W, C). Added
 * to dk (7, 7, C) is each tap's sum of dy(p) x(p + tap) over the pixels p of the window. Added
 * to db (C) is the sum of dy. The window is cut into blocks of at most these sides, from its
 * first pixel on. A block adds the chain fmaf(dy, x, acc) from 0 over its pixels in order;
 * for db it is acc + dy. */
enum { DP_DWCONV7_ROWS = 8, DP_DWCONV7_COLS = 28 };
typedef void dp_dwconv7_gradient_fn(float *dk, float *db, const float *x,
                                    const float *dy, const dp_map_window *w);

/* y[r] = (x[r] - mean) / sqrt(var + eps) * weight + bias over each of `rows` rows of C;
 * biased variance from the centred values. y may be x. weight and bias may be NULL: 1
 * and 0. mean = sum / C; var = (lane sums of fmaf(d, d, .)) / C; each output is
 * fmaf(d * (1 / sqrtf(var + eps)), weight, bias). */
typedef void dp_layer_norm_fn(float *y, const float *x, const float *weight,
                              const float *bias, size_t rows, int C, float eps);

/* The same without weight and bias into panels (see dp_panel_gemm_fn), with zeros past C;
 * scale[r] = 1 / sqrtf(var + eps). */
typedef void dp_layer_norm_panels_fn(float *y, size_t panel, float *scale,
                                     const float *x, size_t rows, int C, float eps);

/* The gradient of that: dx (rows, C) from dy and y in panels, with zeros past C.
 *   dx = fmaf(y, -mean(dy y), dy - mean(dy)) * scale
 * A mean is sum / C; the sums are of dy, and of fmaf(dy, y, .), in lanes. */
typedef void dp_layer_norm_backward_fn(float *dx, const float *dy, const float *y,
                                       size_t panel, const float *scale, size_t rows,
                                       int C);

/* x[i] = x[i] * (1 + erf(x[i] / sqrt 2)) / 2 in place. Absolute error against float64 at
 * most 3e-7 for |x| up to 8; relative 2e-7 from 1e-37 to 0.19, and gelu(0) = 0;
 * beyond 5.7 exactly x and 0. -infinity gives 0, NaN stays NaN. */
typedef void dp_gelu_fn(float *x, size_t n);

/* x[i] = max(x[i], 0) in place; NaN becomes 0. */
typedef void dp_relu_fn(float *x, size_t n);

/* y[c] = y[c] + ((w0 * a[c] + w1 * b[c]) + w2 * d[c]) + w3 * e[c], each operation rounded
 * (no FMA): one bilinear sample of C channels, added to y. */
typedef void dp_bilinear_add_fn(float *y, const float *a, const float *b,
                                const float *d, const float *e, const float w[4],
                                int C);

/* One bilinear sample of n channels: y[i] = (x[0] * nw[i] + x[1] * ne[i]) * y0 + (x[0] *
 * sw[i] + x[1] * se[i]) * y1 with y0, y1 = down[0], down[1] and x = across; each operation
 * rounded (no FMA). With DP_GEMM_ADD that is added to y[i]. */
typedef struct dp_corners {
    const float *nw, *ne, *sw, *se;
    float across[2], down[2];
} dp_corners;
typedef void dp_bilinear_fn(float *y, const dp_corners *c, int n, unsigned flags);

/* y[i] = start + sum of w[t] * x[t][i] over `terms` rows of n, as the chain fmaf(w[t],
 * x[t][i], acc) in order of t. start is 0, or y[i] with DP_GEMM_ADD; with DP_GEMM_RELU
 * the sum is then treated as by dp_relu_fn. terms may be 0. */
typedef void dp_weighted_sum_fn(float *y, const float *const *x, const float *w,
                                int terms, int n, unsigned flags);

/* y[c] = x[c] * s. y may be x. */
typedef void dp_scale_fn(float *y, const float *x, float s, int C);

/* One row of a bilinear 8-bit resize, second step: out[i] of n bytes from two rows of
 * horizontal sums, (((b0 * (h0[i] >> 4)) >> 16) + ((b1 * (h1[i] >> 4)) >> 16) + 2) >> 2,
 * clamped to 0..255. Sums are 0..255 * 2048, b0 and b1 are 0..2048. */
typedef void dp_resize_rows_u8_fn(uint8_t *out, const int32_t *h0, const int32_t *h1,
                                  int b0, int b1, int n);

/* Mark the boxes that box i suppresses. For every j in [0, n), dead[j] = 1 when
 *   inter > threshold * (area_i + area_j - inter)
 * in float32, each operation rounded, sides of the intersection clamped to >= 0. Boxes are
 * four arrays; area[j] = (x2 - x1) *
 * (y2 - y1). dead[j] is left alone otherwise. NaN never suppresses. */
typedef struct dp_box_arrays {
    const float *x1, *y1, *x2, *y2, *area;
} dp_box_arrays;
typedef void dp_nms_suppress_fn(uint8_t *dead, const dp_box_arrays *boxes, float x1,
                                float y1, float x2, float y2, float area,
                                float threshold, int n);

/* Index of the largest of n values, the lowest among equals; NaN is never chosen unless
 * x[0] is one. n >= 1. */
typedef int dp_argmax_fn(const float *x, int n);

/* Rows times packed weights:
 *   y[r][n] = activation(start + sum over k of x[r][k] * w[k][n])
 * start is bias[n], or bias[n] + y[r][n] with DP_GEMM_ADD. Rows of y are y_stride >= N
 * floats apart, rows of x x_stride >= K. K >= 1; rows may be 0. At most one activation,
 * as dp_relu_fn and dp_gelu_fn have it.
 *   w   as dp_gemm_pack leaves it   bias (N)
 * The sum runs in K blocks of DP_GEMM_BLOCK. The first is the chain fmaf(x, w, acc) over
 * k in order from the start. Each later one is such a chain from 0 that is then added. So
 * the bits of an output do not depend on how rows and panels are split over calls. */
enum {
    DP_GEMM_PANEL = 16,  /* columns of a panel of packed weights */
    DP_GEMM_BLOCK = 256, /* terms of a chain                     */
    DP_GEMM_ADD = 1,
    DP_GEMM_RELU = 2,
    DP_GEMM_GELU = 4
};
typedef void dp_gemm_fn(float *y, size_t y_stride, const float *x, size_t x_stride,
                        const float *w, const float *bias, int rows, int K, int N,
                        unsigned flags);

/* The same with x and y in panels: of DP_GEMM_PANEL columns, each (rows, DP_GEMM_PANEL). Panels
 * of y are y_panel floats apart, those of x x_panel. N is a multiple of DP_GEMM_PANEL; x may
 * hold anything past K. */
typedef void dp_panel_gemm_fn(float *y, size_t y_panel, const float *x, size_t x_panel,
                              const float *w, const float *bias, int rows, int K, int N,
                              unsigned flags);

/* Where column n of the first row is. */
static inline size_t dp_panel_at(int n, size_t panel)
{
    return (size_t)(n / DP_GEMM_PANEL) * panel + (size_t)(n % DP_GEMM_PANEL);
}

/* The gradient of weights (M, N), from inputs a and gradients b of the outputs, `rows` of
 * each in panels:
 *   dw[m][n] = start + sum over r of a[r][m] * b[r][n]
 * as the chain fmaf(a, b, acc) from 0 over r in order, then added to the start: 0, or with
 * DP_GEMM_ADD dw[m][n]. dw is in panels of (M, DP_GEMM_PANEL), as weights are packed, dw_panel
 * floats apart. N is a multiple of DP_GEMM_PANEL. */
typedef void dp_weight_gradient_fn(float *dw, size_t dw_panel, const float *a,
                                   size_t a_panel, const float *b, size_t b_panel,
                                   int rows, int M, int N, unsigned flags);

/* d[i] = d[i] times the derivative of dp_gelu_fn at h[i], and h[i] becomes its gelu; h and d
 * are in panels. To sums (panels, DP_GEMM_PANEL) the sum of each column of the new d is added:
 * from 0 in order of the rows. The derivative's absolute error is at most 5e-7; that of NaN
 * is 0. */
typedef void dp_gelu_backward_fn(float *h, float *d, float *sums, size_t panel,
                                 int rows, int panels);

/* Packed weights are panels of DP_GEMM_PANEL columns, each (K, DP_GEMM_PANEL) and usable
 * alone: column n, a multiple of it, begins at packed + n * K. Zeros fill the last. The
 * size is in floats. */
size_t dp_gemm_packed_size(int K, int N);

/* Pack the matrix whose element (k, n) is at w[k * k_stride + n * n_stride], times
 * scale[n] (NULL: 1). */
void dp_gemm_pack(float *packed, int K, int N, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale);

/* The same of bf16 numbers (the upper half of a float32, here a uint16_t), with sums in
 * float32, in the arithmetic of AVX512_BF16's VDPBF16PS. For each pair of terms (k, k + 1)
 * of the whole K
 *   acc = x[k] * w[k] + (x[k + 1] * w[k + 1] + acc)
 * and both sums are an fmaf. Inputs, acc and results that are denormal count as 0 of their
 * sign. The chain begins at the start. Rows of x are x_stride >= K numbers apart;
 * when K is odd, x[r][K] is 0. */
typedef void dp_gemm_bf16_fn(float *y, size_t y_stride, const uint16_t *x,
                             size_t x_stride, const uint16_t *w, const float *bias,
                             int rows, int K, int N, unsigned flags);

/* y[i], a uint16_t, = x[i] rounded to the nearest bf16, to even among two; a denormal
 * gives 0 of its sign. y may be x: the first half of the same memory. */
typedef void dp_round_bf16_fn(void *y, const float *x, size_t n);

/* Packed weights of bf16 are panels of DP_GEMM_PANEL columns, each (pairs of K,
 * DP_GEMM_PANEL, 2). Zeros fill the last panel and an odd K's last pair. The size is in
 * numbers of bf16. */
size_t dp_gemm_bf16_packed_size(int K, int N);

/* As dp_gemm_pack, rounded as by dp_round_bf16_fn. */
void dp_gemm_bf16_pack(uint16_t *packed, int K, int N, const float *w, size_t k_stride,
                       size_t n_stride, const float *scale);

/* Winograd's convolution of 3 x 3 taps, padding 1, for tiles of 4 x 4 outputs. There are
 * three steps. 6 x 6 inputs become 36 values. Each value is multiplied with weights of its
 * own (gemm). The 36 results become 4 x 4 outputs. Value xi of channel c is at
 * [xi * plane + c].
 *
 * The input's transform of six numbers d, with a, b and such of winograd.h:
 *   fmaf(-(a2 + b2), d[2], fmaf(a2 b2, d[0], d[4]))
 *   fmaf(+-a, fmaf(-b2, d[1], d[3]), fmaf(-b2, d[2], d[4]))
 *   fmaf(+-b, fmaf(-a2, d[1], d[3]), fmaf(-a2, d[2], d[4]))
 *   fmaf(-(a2 + b2), d[3], fmaf(a2 b2, d[1], d[5]))
 * The output's, with s = m[1] + m[2], t = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4]:
 *   (m[0] + s) + p        fmaf(b, q, a * t)
 *   fmaf(b2, p, a2 * s)   fmaf(b3, q, fmaf(a3, t, m[5]))
 * Both go down the columns of a tile, then along its rows. */
enum {
    DP_WINOGRAD_IN = 6,
    DP_WINOGRAD_OUT = 4,
    DP_WINOGRAD_VALUES = 36,
    DP_WINOGRAD_STREAM = 8 /* a flag, apart from DP_GEMM_* */
};

/* v[xi * plane + c] for the C channels of the 6 x 6 cells from (w->row, w->col) of a map
 * x; cells outside the map are 0. rows and cols of w are not looked at. */
typedef void dp_winograd_input_fn(float *v, size_t plane, const float *x,
                                  const dp_map_window *w);

/* Channels [0, n) of the window w, of 1 to 4 rows and columns, of a map y: m, the
 * results of the GEMMs, transformed, plus bias (n); with DP_GEMM_RELU as dp_relu_fn. With DP_WINOGRAD_STREAM
 * y may be written past the caches: for maps that are too large to stay there. */
typedef void dp_winograd_output_fn(float *y, const float *m, size_t plane,
                                   const float *bias, const dp_map_window *w, int n,
                                   unsigned flags);

/* u[xi * plane] for the 3 x 3 taps w times scale; computed in float64 and rounded once. */
void dp_winograd_weights(float *u, size_t plane, const float w[9], float scale);

/* One step of AdamW for n parameters p with moments m, v and gradients g, each operation
 * rounded:
 *   p = p * keep   m = fmaf(g, rest1, m * beta1)   v = fmaf(g * rest2, g, v * beta2)
 *   p = p + (step * m) / (sqrt(v) / root + eps)
 * The bits of torch 1.13's AdamW on a CPU with AVX2; train/adamw.h has the factors. */
typedef struct dp_adamw_factors {
    float keep, beta1, rest1, beta2, rest2, root, eps, step;
} dp_adamw_factors;
typedef void dp_adamw_fn(float *p, float *m, float *v, const float *g,
                         const dp_adamw_factors *f, size_t n);

/* One step of gradient descent with momentum: with d = fmaf(p, decay, g), m = m *
 * momentum + d (no FMA), then p = fmaf(m, step, p). */
typedef struct dp_sgd_factors {
    float decay, momentum, step;
} dp_sgd_factors;
typedef void dp_sgd_fn(float *p, float *m, const float *g, const dp_sgd_factors *f,
                       size_t n);

/* KERNEL(name): one line a kernel, in no particular order. */
#define DP_KERNEL_LIST(KERNEL)  \
    KERNEL(dwconv7)             \
    KERNEL(dwconv7_gradient)    \
    KERNEL(layer_norm)          \
    KERNEL(layer_norm_panels)   \
    KERNEL(layer_norm_backward) \
    KERNEL(gelu)                \
    KERNEL(gelu_backward)       \
    KERNEL(relu)                \
    KERNEL(bilinear_add)        \
    KERNEL(bilinear)            \
    KERNEL(weighted_sum)        \
    KERNEL(scale)               \
    KERNEL(resize_rows_u8)      \
    KERNEL(nms_suppress)        \
    KERNEL(argmax)              \
    KERNEL(gemm)                \
    KERNEL(panel_gemm)          \
    KERNEL(weight_gradient)     \
    KERNEL(winograd_input)      \
    KERNEL(winograd_output)     \
    KERNEL(round_bf16)          \
    KERNEL(gemm_bf16)           \
    KERNEL(adamw)               \
    KERNEL(sgd)

/* One pointer a kernel. Constant after dp_kernels_init. */
typedef struct dp_kernels {
    unsigned cpu; /* the flags it was made for */
#define KERNEL(name) dp_##name##_fn *name;
    DP_KERNEL_LIST(KERNEL)
#undef KERNEL
} dp_kernels;

#define VARIANT(name, isa, needs) dp_##name##_fn dp_##name##_##isa;
#include "ops/kernels/kernels.def"
#undef VARIANT

/* Fill the table for a CPU of these flags (base/cpu.h). */
void dp_kernels_init(dp_kernels *k, unsigned cpu);

#endif
