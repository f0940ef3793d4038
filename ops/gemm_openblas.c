/* Float32 by OpenBLAS, which reads (K, N) row by row. The library is opened when it is
 * asked for: it needs a Fortran runtime, which few machines would have otherwise. */
#include "ops/gemm_format.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* Of CBLAS. */
enum { ROW_MAJOR = 101, NO_TRANS = 111 };
typedef void sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k,
                      float alpha, const float *a, int lda, const float *b, int ldb,
                      float beta, float *c, int ldc);
typedef void set_threads_fn(int count);

static sgemm_fn *sgemm; /* NULL: there is no OpenBLAS */
static pthread_once_t opened = PTHREAD_ONCE_INIT;

/* It stays open: a process that closes it may end inside its threads. */
static void open_library(void)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    void *multiply = library ? dlsym(library, "cblas_sgemm") : NULL;
    void *set = library ? dlsym(library, "openblas_set_num_threads") : NULL;
    set_threads_fn *set_threads;

    if (!multiply || !set)
        return;
    memcpy(&set_threads, &set, sizeof set_threads); /* C has no cast for this */
    memcpy(&sgemm, &multiply, sizeof sgemm);
    set_threads(1);
}

bool dp_gemm_start(void)
{
    pthread_once(&opened, open_library);
    return sgemm != NULL;
}

static size_t size(int K, int N)
{
    return (size_t)K * (size_t)N;
}

static void fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                 size_t n_stride, const float *scale)
{
    for (int k = 0; k < g->K; k++) {
        float *row = g->weight + (size_t)k * (size_t)g->N + first;
        for (int n = 0; n < count; n++)
            row[n] = w[(size_t)k * k_stride + (size_t)n * n_stride] *
                     (scale ? scale[n] : 1.0f);
    }
}

static void start_rows(const dp_gemm *g, float *y, size_t y_stride, int rows,
                       bool accumulate)
{
    for (int i = 0; i < rows; i++, y += y_stride) {
        if (!accumulate)
            memcpy(y, g->bias, (size_t)g->N * sizeof *y);
        else
            for (int n = 0; n < g->N; n++)
                y[n] += g->bias[n];
    }
}

static void activate(const dp_kernels *k, float *x, size_t n, unsigned flags)
{
    if (flags & DP_GEMM_RELU)
        k->relu(x, n);
    else if (flags & DP_GEMM_GELU)
        k->gelu(x, n);
}

static void multiply(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                     size_t x_stride, int rows, unsigned flags)
{
    const size_t N = (size_t)g->N;
    start_rows(g, y, y_stride, rows, flags & DP_GEMM_ADD);
    sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, rows, g->N, g->K, 1.0f, x, (int)x_stride,
          g->weight, g->N, 1.0f, y, (int)y_stride);
    if (y_stride == N)
        activate(g->kernels, y, (size_t)rows * N, flags);
    else
        for (int i = 0; i < rows; i++)
            activate(g->kernels, y + (size_t)i * y_stride, N, flags);
}

const dp_gemm_format dp_gemm_format_openblas = {
    .engine = "openblas",
    .size = size,
    .fill = fill,
    .multiply = multiply,
};
