/* Every variant of every kernel that this CPU can run, at the sizes the models have.
 *
 * usage: kernels [PART-OF-A-NAME]
 *
 * ms is the median CPU time of a call. `peak` is the share of the FMA peak, measured just
 * before. `x ref` is how many times faster than plain C it is. */
#define _POSIX_C_SOURCE 200809L
#include "ops/kernels/kernels.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "ops/fma_peak.h"
#include "tests/support/random.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = 1;

/* ---- times of a call ------------------------------------------------------------- */

enum { SAMPLES = 21 };

/* Times of something done again and again: `while (sampler_next(&s)) do_it();`. A sample
 * is of as many calls as take a millisecond; there are fewer samples when all take more
 * than a second. Start from zeros. */
typedef struct sampler {
    double seconds[SAMPLES]; /* per call */
    int n;
    long batch, left;
    double begin, start; /* of all samples, of the one under way */
} sampler;

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool sampler_next(sampler *s)
{
    if (s->left > 0) {
        s->left--;
        return true;
    }
    const double now = cpu_seconds();
    if (s->batch > 0) {
        const double took = now - s->start;
        if (s->n > 0 || took >= 1e-3)
            s->seconds[s->n++] = took / (double)s->batch;
        else
            s->batch *= took < 1e-4 ? 8 : 2;
        if (s->n == SAMPLES || (s->n >= 3 && now - s->begin > 1))
            return false;
    } else {
        s->batch = 1;
        s->begin = now;
    }
    s->left = s->batch - 1;
    s->start = cpu_seconds();
    return true;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median, in milliseconds a call. */
static double sampler_ms(sampler *s)
{
    qsort(s->seconds, (size_t)s->n, sizeof *s->seconds, by_value);
    return s->seconds[s->n / 2] * 1e3;
}

/* ---- the table ------------------------------------------------------------------- */

/* What is being measured. */
static struct {
    const char *kernel, *isa;
    unsigned cpu;
} now;

/* The times of plain C, which comes first, by size. */
enum { MAX_ROWS = 100 };
static struct {
    char size[40];
    const char *kernel;
    double ms;
} plain[MAX_ROWS];
static int n_plain;

static double plain_ms(const char *size)
{
    for (int i = 0; i < n_plain; i++)
        if (strcmp(plain[i].size, size) == 0 &&
            strcmp(plain[i].kernel, now.kernel) == 0)
            return plain[i].ms;
    return 0;
}

enum { MAX_BUFFERS = 8 };
static float *buffers[MAX_BUFFERS];
static int n_buffers;

/* One line of the table: `work` is FLOPs or bytes. */
static void report(const char *size, double ms, double work, const char *unit)
{
    const double rate = work / ms * 1e-6, peak = dp_fma_peak_measure(now.cpu);

    if (strcmp(now.isa, "ref") == 0 && n_plain < MAX_ROWS) {
        snprintf(plain[n_plain].size, sizeof plain->size, "%s", size);
        plain[n_plain].kernel = now.kernel;
        plain[n_plain++].ms = ms;
    }
    printf("%-19s %-8s %-16s %10.5f %8.1f %-8s", now.kernel, now.isa, size, ms, rate,
           unit);
    if (strcmp(unit, "GFLOP/s") == 0 && peak > 0)
        printf(" %5.2f", rate / peak);
    else
        printf("     -");
    printf(" %7.1f\n", plain_ms(size) / ms);
    fflush(stdout);
    while (n_buffers > 0)
        dp_free(buffers[--n_buffers]);
}

/* n numbers in memory as the program's own, until a report frees them. */
static float *floats_within(size_t n, float low, float high)
{
    dp_error err = {0};
    void *memory = NULL;

    if (n_buffers == MAX_BUFFERS ||
        dp_alloc_pages(&err, &memory, n * sizeof(float), "numbers")) {
        fprintf(stderr, "kernels: %s\n", err.text);
        exit(1);
    }
    float *x = buffers[n_buffers++] = memory;

    for (size_t i = 0; i < n; i++)
        x[i] = random_float(&state, low, high);
    return x;
}

static float *floats(size_t n)
{
    return floats_within(n, -1, 1);
}

/* A whole map in windows as a ConvNeXt block has them, into the same scratch. */
static void dwconv7_map(dp_dwconv7_fn *fn, float *y, const float *x, const float *k,
                        const float *b, int H, int W, int C)
{
    enum { ROWS = 8, COLS = 28 };
    dp_map_window w = {.H = H, .W = W, .C = C};

    for (w.row = 0; w.row < H; w.row += ROWS)
        for (w.col = 0; w.col < W; w.col += COLS) {
            w.rows = H - w.row < ROWS ? H - w.row : ROWS;
            w.cols = W - w.col < COLS ? W - w.col : COLS;
            fn(y, x, k, b, &w);
        }
}

static void bench_dwconv7(dp_dwconv7_fn *fn)
{
    static const int maps[][3] = {{128, 128, 96},  {200, 336, 96}, {64, 64, 192},
                                  {100, 168, 192}, {32, 32, 384},  {50, 84, 384},
                                  {16, 16, 768},   {25, 42, 768}};

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        const int H = maps[i][0], W = maps[i][1], C = maps[i][2];
        const size_t n = (size_t)H * (size_t)W * (size_t)C, c = (size_t)C;
        float *x = floats(n), *y = floats(8 * 28 * c), *k = floats(49 * c),
              *b = floats(c);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            dwconv7_map(fn, y, x, k, b, H, W, C);
        snprintf(size, sizeof size, "%dx%dx%d", H, W, C);
        report(size, sampler_ms(&s), 98.0 * (double)n, "GFLOP/s");
    }
}

static void bench_layer_norm(dp_layer_norm_fn *fn)
{
    enum { ROWS = 224 };

    for (int C = 96; C <= 768; C *= 2) {
        const size_t n = ROWS * (size_t)C;
        float *x = floats(n), *y = floats(n);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            fn(y, x, NULL, NULL, ROWS, C, 1e-6f);
        snprintf(size, sizeof size, "%dx%d", ROWS, C);
        report(size, sampler_ms(&s), 8.0 * (double)n, "GB/s");
    }
}

/* Values that gelu and relu keep, so that all calls are alike. */
static void bench_in_place(void (*fn)(float *x, size_t n))
{
    static const size_t sizes[] = {4096, 224 * 4 * 96};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float *x = floats_within(sizes[i], 7, 9);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            fn(x, sizes[i]);
        snprintf(size, sizeof size, "%zu", sizes[i]);
        report(size, sampler_ms(&s), 8.0 * (double)sizes[i], "GB/s");
    }
}

static void bench_gelu(dp_gelu_fn *fn)
{
    bench_in_place(fn);
}

static void bench_relu(dp_relu_fn *fn)
{
    bench_in_place(fn);
}

static void bench_bilinear_add(dp_bilinear_add_fn *fn)
{
    enum { C = 256 };
    const float w[4] = {0.25f, 0.25f, 0.25f, 0.25f};
    float *x = floats(4 * C), *y = floats(C);
    sampler s = {0};
    while (sampler_next(&s))
        fn(y, x, x + C, x + 2 * C, x + 3 * C, w, C);
    report("256", sampler_ms(&s), 24.0 * C, "GB/s");
}

/* The logits of a pixel, between those of four. */
static void bench_bilinear(dp_bilinear_fn *fn)
{
    enum { N = 150 };
    float *x = floats(4 * N), *y = floats(N);
    const dp_corners c = {x, x + N, x + 2 * N, x + 3 * N, {0.25f, 0.75f}, {0.5f, 0.5f}};
    sampler s = {0};
    while (sampler_next(&s))
        fn(y, &c, N, 0);
    report("150", sampler_ms(&s), 20.0 * N, "GB/s");
}

/* A pixel of UperNet's fusion: nine taps of three sources, for a group of channels. */
static void bench_weighted_sum(dp_weighted_sum_fn *fn)
{
    enum { N = 64, TERMS = 18 };
    float *x = floats(N * TERMS), *w = floats(TERMS), *y = floats(N);
    const float *rows[TERMS];
    sampler s = {0};

    for (int t = 0; t < TERMS; t++)
        rows[t] = x + t * N;
    while (sampler_next(&s))
        fn(y, rows, w, TERMS, N, DP_GEMM_RELU);
    report("18x64", sampler_ms(&s), 2.0 * N * TERMS, "GFLOP/s");
}

static void bench_scale(dp_scale_fn *fn)
{
    enum { C = 256 };
    float *x = floats(C), *y = floats(C);
    sampler s = {0};
    while (sampler_next(&s))
        fn(y, x, 0.25f, C);
    report("256", sampler_ms(&s), 8.0 * C, "GB/s");
}

/* A row of 1333 RGB pixels. */
static void bench_resize_rows_u8(dp_resize_rows_u8_fn *fn)
{
    enum { N = 3 * 1333 };
    static int32_t sums[2 * N];
    static uint8_t out[N];
    sampler s = {0};

    for (int i = 0; i < 2 * N; i++)
        sums[i] = random_int(&state, 255 * 2048 + 1);
    while (sampler_next(&s))
        fn(out, sums, sums + N, 600, 1448, N);
    report("3999", sampler_ms(&s), 9.0 * N, "GB/s");
}

/* One box against the thousand of a level. */
static void bench_nms_suppress(dp_nms_suppress_fn *fn)
{
    enum { N = 1000 };
    static float side[5][N];
    static uint8_t dead[N];
    const dp_box_arrays boxes = {side[0], side[1], side[2], side[3], side[4]};
    sampler s = {0};

    for (int j = 0; j < N; j++) {
        const float w = random_float(&state, 8, 200), h = random_float(&state, 8, 200);

        side[0][j] = random_float(&state, 0, 1200);
        side[1][j] = random_float(&state, 0, 700);
        side[2][j] = side[0][j] + w;
        side[3][j] = side[1][j] + h;
        side[4][j] = w * h;
    }
    for (int i = 0; sampler_next(&s); i = (i + 1) % N)
        fn(dead, &boxes, side[0][i], side[1][i], side[2][i], side[3][i], side[4][i],
           0.7f, N);
    report("1000", sampler_ms(&s), 20.0 * N, "GB/s");
}

static void bench_argmax(dp_argmax_fn *fn)
{
    static const int sizes[] = {21, 81, 150};
    static volatile int sink;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        enum { ROWS = 1000 };
        const int n = sizes[i];
        float *x = floats(ROWS * (size_t)n);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            for (int row = 0; row < ROWS; row++)
                sink = fn(x + row * n, n);
        snprintf(size, sizeof size, "1000x%d", n);
        report(size, sampler_ms(&s), 4.0 * ROWS * n, "GB/s");
    }
    (void)sink;
}

/* Rows of a tile; the pointwise layers of ConvNeXt and the first of a box head. */
static const struct {
    int rows, K, N;
} layers[] = {
    {224, 96, 384},   {224, 384, 96},     {224, 192, 768},  {224, 768, 192},
    {224, 384, 1536}, {224, 1536, 384},   {224, 768, 3072}, {224, 3072, 768},
    {224, 256, 256},  {504, 12544, 1024},
};

static void bench_gemm(dp_gemm_fn *fn)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const int rows = layers[i].rows, K = layers[i].K, N = layers[i].N;
        const size_t r = (size_t)rows, k = (size_t)K, n = (size_t)N;
        float *x = floats(r * k), *y = floats(r * n), *bias = floats(n);
        float *w = floats(dp_gemm_packed_size(K, N));
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            fn(y, n, x, k, w, bias, rows, K, N, 0);
        snprintf(size, sizeof size, "%dx%dx%d", rows, K, N);
        report(size, sampler_ms(&s), 2.0 * (double)(r * k * n), "GFLOP/s");
    }
}

static void bench_round_bf16(dp_round_bf16_fn *fn)
{
    enum { N = 224 * 4 * 96 };
    float *x = floats(N), *y = floats(N / 2);
    sampler s = {0};
    while (sampler_next(&s))
        fn(y, x, N);
    report("86016", sampler_ms(&s), 6.0 * N, "GB/s");
}

/* Those of a ConvNeXt block, which are all even. */
static void bench_gemm_bf16(dp_gemm_bf16_fn *fn)
{
    for (int C = 96; C <= 768; C *= 2)
        for (int part = 0; part < 2; part++) {
            enum { ROWS = 224 };
            const int K = part ? 4 * C : C, N = part ? C : 4 * C;
            const size_t k = (size_t)K, n = (size_t)N, r = ROWS;
            float *x = floats(r * k), *y = floats(r * n), *bias = floats(n);
            float *w = floats(k * n), *packed = floats(k * n / 2);
            void *halves = packed;
            sampler s = {0};
            char size[40];

            dp_gemm_bf16_pack(halves, K, N, w, n, 1, NULL);
            for (size_t i = 0; i < r; i++)
                dp_round_bf16_ref(x + i * k, x + i * k, k);
            while (sampler_next(&s))
                fn(y, n, (const void *)x, 2 * k, halves, bias, ROWS, K, N, 0);
            snprintf(size, sizeof size, "%dx%dx%d", ROWS, K, N);
            report(size, sampler_ms(&s), 2.0 * (double)(r * k * n), "GFLOP/s");
        }
}

/* The tiles of an item of ops/winograd.c, with its gaps between rows and planes. */
static const struct {
    int tiles, C;
} blocks[] = {{16, 256}, {112, 256}, {56, 512}};

enum { GAP = 16 };

static void bench_winograd_input(dp_winograd_input_fn *fn)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const int tiles = blocks[i].tiles, C = blocks[i].C;
        const size_t row = (size_t)C + GAP, plane = (size_t)tiles * row + GAP;
        dp_map_window w = {.H = 6, .W = 4 * tiles + 2, .C = C};
        float *x = floats((size_t)(w.H * w.W * C));
        float *v = floats(DP_WINOGRAD_VALUES * plane);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            for (int t = 0; t < tiles; t++) {
                w.col = 4 * t;
                fn(v + (size_t)t * row, plane, x, &w);
            }
        snprintf(size, sizeof size, "%dx%d", tiles, C);
        report(size, sampler_ms(&s), 4.0 * 72 * tiles * C, "GB/s");
    }
}

static void bench_winograd_output(dp_winograd_output_fn *fn)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const int tiles = blocks[i].tiles, C = blocks[i].C;
        const size_t row = (size_t)C + GAP, plane = (size_t)tiles * row + GAP;
        dp_map_window w = {.H = 4, .W = 4 * tiles, .C = C, .rows = 4, .cols = 4};
        float *y = floats((size_t)(w.H * w.W * C)), *bias = floats((size_t)C);
        float *m = floats(DP_WINOGRAD_VALUES * plane);
        sampler s = {0};
        char size[40];

        while (sampler_next(&s))
            for (int t = 0; t < tiles; t++) {
                w.col = 4 * t;
                fn(y, m + (size_t)t * row, plane, bias, &w, C, DP_GEMM_RELU);
            }
        snprintf(size, sizeof size, "%dx%d", tiles, C);
        report(size, sampler_ms(&s), 4.0 * 52 * tiles * C, "GB/s");
    }
}

/* The windows of a map as a block in training has them. */
static void bench_dwconv7_gradient(dp_dwconv7_gradient_fn *fn)
{
    for (int side = 56, C = 96; C <= 768; C *= 2, side /= 2) {
        const size_t n = (size_t)side * (size_t)side * (size_t)C;
        const dp_map_window w = {side, side, C, 0, side, 0, side};
        float *x = floats(n), *dy = floats(n), *dk = floats(50 * (size_t)C);
        sampler s = {0};
        char size[40];
        while (sampler_next(&s))
            fn(dk, dk + 49 * C, x, dy, &w);
        snprintf(size, sizeof size, "%dx%dx%d", side, side, C);
        report(size, sampler_ms(&s), 98.0 * (double)n, "GFLOP/s");
    }
}

/* A tile of a block in training, and a chunk of its hidden map. */
enum { TILE = 224, CHUNK = 192, PANEL = (TILE + 1) * DP_GEMM_PANEL };

static void report_tile(sampler *s, int C, double work, const char *unit)
{
    char size[40];
    snprintf(size, sizeof size, "%dx%d", TILE, C);
    report(size, sampler_ms(s), work * TILE * C, unit);
}

static void bench_layer_norm_panels(dp_layer_norm_panels_fn *fn)
{
    for (int C = 96; C <= 768; C *= 2) {
        float *x = floats(TILE * (size_t)C), *y = floats(PANEL * (size_t)C / 16);
        float *scale = floats(TILE);
        sampler s = {0};
        while (sampler_next(&s))
            fn(y, PANEL, scale, x, TILE, C, 1e-6f);
        report_tile(&s, C, 8.0, "GB/s");
    }
}

static void bench_layer_norm_backward(dp_layer_norm_backward_fn *fn)
{
    for (int C = 96; C <= 768; C *= 2) {
        const size_t n = PANEL * (size_t)C / 16;
        float *dx = floats(TILE * (size_t)C), *dy = floats(n), *y = floats(n);
        float *scale = floats(TILE);
        sampler s = {0};
        while (sampler_next(&s))
            fn(dx, dy, y, PANEL, scale, TILE, C);
        report_tile(&s, C, 12.0, "GB/s");
    }
}

static void bench_gelu_backward(dp_gelu_backward_fn *fn)
{
    const size_t n = PANEL * CHUNK / 16;
    float *h = floats_within(n, 7, 9), *d = floats(n), *sums = floats(CHUNK);
    sampler s = {0};
    while (sampler_next(&s))
        fn(h, d, sums, PANEL, TILE, CHUNK / 16);
    report_tile(&s, CHUNK, 16.0, "GB/s");
}

/* Up to a chunk of the hidden map. */
static void bench_panel_gemm(dp_panel_gemm_fn *fn)
{
    for (int C = 96; C <= 768; C *= 2) {
        const size_t c = (size_t)C;
        float *x = floats(PANEL * c / 16), *y = floats(PANEL * CHUNK / 16);
        float *w = floats(c * CHUNK), *bias = floats(CHUNK);
        sampler s = {0};
        while (sampler_next(&s))
            fn(y, PANEL, x, PANEL, w, bias, TILE, C, CHUNK, 0);
        report_tile(&s, C, 2.0 * CHUNK, "GFLOP/s");
    }
}

static void bench_weight_gradient(dp_weight_gradient_fn *fn)
{
    for (int C = 96; C <= 768; C *= 2) {
        const size_t c = (size_t)C;
        float *a = floats(PANEL * c / 16), *b = floats(PANEL * CHUNK / 16);
        float *dw = floats(c * CHUNK);
        sampler s = {0};
        while (sampler_next(&s))
            fn(dw, DP_GEMM_PANEL * c, a, PANEL, b, PANEL, TILE, C, CHUNK, DP_GEMM_ADD);
        report_tile(&s, C, 2.0 * CHUNK, "GFLOP/s");
    }
}

/* OpenBLAS on one thread, from plain weights and without a bias. */
static void blas_gemm(float *y, size_t y_stride, const float *x, size_t x_stride,
                      const float *w, const float *bias, int rows, int K, int N,
                      unsigned flags)
{
    (void)bias;
    (void)flags;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, N, K, 1, x,
                (int)x_stride, w, N, 0, y, (int)y_stride);
}

/* The pointwise weights of a block of 192 channels. The moments stay as they are. */
static void bench_adamw(dp_adamw_fn *fn)
{
    enum { N = 4 * 192 * 192 };
    const dp_adamw_factors f = {1, 0.9f, 0.1f, 0.999f, 0.001f, 1, 1e-8f, 0};
    float *p = floats(N), *m = floats(N), *v = floats_within(N, 1, 2), *g = floats(N);
    sampler s = {0};
    while (sampler_next(&s))
        fn(p, m, v, g, &f, N);
    report("4x192x192", sampler_ms(&s), 28.0 * N, "GB/s");
}

static void bench_sgd(dp_sgd_fn *fn)
{
    enum { N = 4 * 192 * 192 };
    const dp_sgd_factors f = {0, 0.9f, 0};
    float *p = floats(N), *m = floats(N), *g = floats(N);
    sampler s = {0};
    while (sampler_next(&s))
        fn(p, m, g, &f, N);
    report("4x192x192", sampler_ms(&s), 20.0 * N, "GB/s");
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    const unsigned cpu = dp_cpu_detect();

    printf("%s, FMA peak %.1f GFLOP/s\n\n", dp_cpu_name(cpu), dp_fma_peak_measure(cpu));
    printf("%-19s %-8s %-16s %10s %8s %-8s %5s %7s\n", "kernel", "variant", "size",
           "ms", "rate", "", "peak", "x ref");
    now.cpu = cpu;
#define VARIANT(name, set, needs)                            \
    if ((cpu & (needs)) == (needs) && strstr(#name, part)) { \
        now.kernel = #name;                                  \
        now.isa = #set;                                      \
        bench_##name(dp_##name##_##set);                     \
    }
#include "ops/kernels/kernels.def"
#undef VARIANT
    if (strstr("gemm", part)) {
        openblas_set_num_threads(1);
        now.kernel = "gemm";
        now.isa = "OpenBLAS";
        bench_gemm(blas_gemm);
    }
    return 0;
}
