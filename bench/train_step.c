/* train_step - times of a training step of a classifier, forward and back
 *
 * usage: train_step CONFIG [THREADS [BATCH [SIDE [RUNS [CPU]]]]]
 *
 * The network has random weights and images. Of each pass the median over the runs: time on
 * the clock, and processor time of all threads together, which other programs on the machine
 * disturb less. A share of the FMA peak counts each multiply-accumulate of the model once
 * forward and twice back; what is computed again is not counted. The backward pass is also
 * told by the size of the map that a step's gradient has. Memory is by part, and the
 * process's peak. bench/compare/train_step.py is the same of PyTorch.
 */
#include "base/cpu.h"
#include "ops/fma_peak.h"
#include "train/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_RUNS = 99, MAX_PARTS = 64 };

typedef struct span {
    double wall, cpu; /* seconds */
} span;

static span now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (span){(double)t.tv_sec + 1e-9 * (double)t.tv_nsec,
                  (double)clock() / CLOCKS_PER_SEC};
}

static span since(span from)
{
    const span t = now();
    return (span){t.wall - from.wall, t.cpu - from.cpu};
}

/* ---- the backward pass by maps ------------------------------------------------------ */

typedef struct part {
    int H, W, C;
    double seconds;
} part;

typedef struct parts {
    part list[MAX_PARTS];
    int count;
    part *running; /* whose step is gone back over */
    span begun;
} parts;

static void stop_running(parts *p)
{
    if (p->running)
        p->running->seconds += since(p->begun).wall;
    p->running = NULL;
}

static void begin_step(void *arg, dp_tensor y, const float *dy)
{
    parts *p = arg;
    (void)dy;
    stop_running(p);
    for (int i = 0; i < p->count && !p->running; i++)
        if (p->list[i].H == y.H && p->list[i].W == y.W && p->list[i].C == y.C)
            p->running = &p->list[i];
    if (!p->running && p->count < MAX_PARTS) {
        p->running = &p->list[p->count++];
        *p->running = (part){y.H, y.W, y.C, 0};
    }
    p->begun = now();
}

/* ---- steps -------------------------------------------------------------------------- */

typedef struct times {
    span forward[MAX_RUNS], back[MAX_RUNS];
} times;

static int by_cpu(const void *a, const void *b)
{
    const double x = ((const span *)a)->cpu, y = ((const span *)b)->cpu;
    return (x > y) - (x < y);
}

static void print_pass(const char *name, span *list, int runs, double flops,
                       double peak)
{
    qsort(list, (size_t)runs, sizeof *list, by_cpu);
    const span m = list[runs / 2];
    printf("%-10s %10.1f %10.1f %10.1f %9.2f\n", name, 1e3 * m.wall, 1e3 * m.cpu,
           1e-9 * flops, peak > 0 ? 1e-9 * flops / m.cpu / peak : 0);
}

static void fail(const dp_context *ctx)
{
    fprintf(stderr, "train_step: %s\n", dp_context_error(ctx));
    exit(1);
}

static void step(dp_context *ctx, dp_network *n, dp_tensor batch, const float *gradient,
                 span *forward, span *back)
{
    const float *logits;
    dp_network_clear_gradients(n);
    span start = now();
    if (dp_network_forward(&ctx->err, n, batch, NULL, NULL, &logits) != DP_OK)
        fail(ctx);
    *forward = since(start);
    start = now();
    if (dp_network_backward(&ctx->err, n, gradient) != DP_OK)
        fail(ctx);
    *back = since(start);
}

/* After the last of the runs once more, by parts. */
static void run(dp_context *ctx, dp_network *n, dp_tensor batch, int runs, times *t,
                parts *p)
{
    const size_t count = (size_t)batch.N * (size_t)dp_network_classes(n);
    float *gradient = calloc(count, sizeof *gradient);
    for (size_t i = 0; gradient && i < count; i++)
        gradient[i] = (float)(i % 17) / 1000;
    span forward, back;
    step(ctx, n, batch, gradient, &forward, &back); /* makes room */
    for (int i = 0; i < runs; i++)
        step(ctx, n, batch, gradient, &t->forward[i], &t->back[i]);
    dp_network_observe(n, NULL, begin_step, p);
    step(ctx, n, batch, gradient, &forward, &back);
    stop_running(p);
    free(gradient);
}

static void print_parts(const parts *p)
{
    printf("\nbackward, by the maps of its steps      ms\n");
    for (int i = 0; i < p->count; i++)
        printf("%4d x %4d x %5d %22.1f\n", p->list[i].H, p->list[i].W, p->list[i].C,
               1e3 * p->list[i].seconds);
}

static void print_memory(const dp_network *n)
{
    const dp_network_memory m = dp_network_measure(n);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("\nMB: parameters %zu, gradients %zu, values kept %zu, backward %zu; the "
           "process at most %ld\n",
           m.parameters >> 20, m.gradients >> 20, m.values >> 20, m.backward >> 20,
           usage.ru_maxrss / 1024);
}

static int number(int argc, char **argv, int i, int otherwise)
{
    return i < argc ? atoi(argv[i]) : otherwise;
}

int main(int argc, char **argv)
{
    const int threads = number(argc, argv, 2, 1), side = number(argc, argv, 4, 224);
    const int runs = number(argc, argv, 5, 5);
    dp_tensor batch = {NULL, number(argc, argv, 3, 8), side, side, 3};
    if (argc < 2 || runs < 1 || runs > MAX_RUNS || batch.N < 1 || side < 1) {
        fputs("usage: train_step CONFIG [THREADS [BATCH [SIDE [RUNS [CPU]]]]]\n",
              stderr);
        return 2;
    }
    dp_context *ctx;
    dp_config *config;
    dp_network *n;
    dp_model_work work;
    const dp_network_options options = {.layer_scale = 1, .head_scale = 1};
    if (dp_context_new(&ctx, &(dp_options){.threads = threads,
                                           .cpu = argc > 6 ? argv[6] : NULL}) != DP_OK)
        return 1;
    if (dp_config_load(&ctx->err, &config, argv[1]) != DP_OK ||
        dp_network_new(ctx, &n, config, &options) != DP_OK ||
        dp_model_measure(ctx, dp_network_model(n), (dp_size){side, side}, &work) !=
            DP_OK)
        fail(ctx);
    batch.data = calloc(dp_tensor_size(batch) + 16, sizeof(float));
    for (size_t i = 0; batch.data && i < dp_tensor_size(batch); i++)
        batch.data[i] = (float)(i % 251) / 125 - 1;

    static times t;
    const double peak = dp_fma_peak_measure(ctx->kernels.cpu);
    const double flops = 2 * work.macs * batch.N;
    static parts p;
    run(ctx, n, batch, runs, &t, &p);
    printf(
        "%s, %d x %dx%d, %d threads, %s, FMA peak %.0f GFLOP/s a core; median of %d\n\n"
        "%-10s %10s %10s %10s %9s\n",
        argv[1], batch.N, side, side, threads, dp_cpu_name(ctx->kernels.cpu), peak,
        runs, "pass", "ms", "CPU ms", "GFLOP", "of peak");
    print_pass("forward", t.forward, runs, flops, peak);
    print_pass("backward", t.back, runs, 2 * flops, peak);
    print_parts(&p);
    print_memory(n);
    free(batch.data);
    dp_network_free(n);
    dp_config_free(config);
    dp_context_free(ctx);
    return 0;
}
