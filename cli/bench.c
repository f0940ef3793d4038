/* densepred bench - how long each part of a model takes on this machine */
#include "base/cpu.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/session.h"
#include "core/detections.h"
#include "model/model.h"
#include "ops/fma_peak.h"
#include "ops/gemm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PARTS_MAX = 64, RUNS_MAX = 101, NAME_MAX_BYTES = 32 };

/* What lies between two points that a run's trace names. */
typedef struct part {
    char name[NAME_MAX_BYTES];
    double ms[RUNS_MAX], cpu_ms[RUNS_MAX]; /* CPU time: the mean of the threads */
    double gflop;
} part;

typedef struct bench {
    int run; /* the one under way */
    int runs;
    part parts[PARTS_MAX];
    int count;
    int threads;
    double total[RUNS_MAX], cpu_total[RUNS_MAX];
    double last_seconds, last_cpu, last_macs; /* at the point before */
    bool bf16;                                /* of the pointwise layers */
    double peak_gflops;                       /* of all threads together */
} bench;

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* Waiting threads sleep, so this is what the work took, whoever else is busy. */
static double cpu_now(const bench *b)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID) / b->threads;
}

/* Points of one part, by how their names begin; others are parts of their own. The
 * windows of a segmentor ("window2.stage1") count together. */
static const char *part_of(const char *name)
{
    static const char *const groups[][2] = {
        {"rpn_", "rpn"},
        {"proposals", "proposals"},
        {"bbox_features", "box RoIAlign"},
        {"bbox_", "box head"},
        {"mask_features", "mask RoIAlign"},
        {"mask_", "mask head"},
        {"psp_", "pyramid pooling"},
        {"fpn_out", "top-down path"},
        {"fpn_bottleneck", "fusion"},
        {"logits", "classifier"},
    };
    int window, length = 0;
    if (sscanf(name, "window%d.%n", &window, &length) == 1)
        name += length;
    if (name[0] == 'p' && name[1] >= '0' && name[1] <= '9')
        return "neck";
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strncmp(name, groups[i][0], strlen(groups[i][0])) == 0)
            return groups[i][1];
    return name;
}

static part *find_part(bench *b, const char *name)
{
    for (int i = 0; i < b->count; i++)
        if (strcmp(b->parts[i].name, name) == 0)
            return &b->parts[i];
    if (b->count == PARTS_MAX)
        return &b->parts[PARTS_MAX - 1];
    part *p = &b->parts[b->count++];
    snprintf(p->name, sizeof p->name, "%s", name);
    return p;
}

static void charge(bench *b, const char *name, double macs)
{
    const double seconds = now(), cpu = cpu_now(b);
    part *p = find_part(b, name);
    p->ms[b->run] += 1e3 * (seconds - b->last_seconds);
    p->cpu_ms[b->run] += 1e3 * (cpu - b->last_cpu);
    if (b->run == 0)
        p->gflop += 2e-9 * (macs - b->last_macs);
    b->last_seconds = seconds;
    b->last_cpu = cpu;
    b->last_macs = macs;
}

static void at_point(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)map;
    charge(arg, part_of(name), r->macs);
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Sorts the values. */
static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

/* ---- what is printed ------------------------------------------------------------- */

static void format_row(dp_text *out, const bench *b, const char *name, double ms,
                       double cpu_ms, double gflop)
{
    dp_text_add(out, "%-22s %9.2f %9.2f %9.2f", name, ms, cpu_ms, gflop);
    if (gflop > 0)
        dp_text_add(out, " %9.1f %8.2f", 1e3 * gflop / cpu_ms,
                    1e3 * gflop / cpu_ms / b->peak_gflops);
    dp_text_add(out, "\n");
}

/* Rates are by CPU time. */
static void format_table(dp_text *out, bench *b, const dp_kernels *k)
{
    dp_text_add(out,
                "%d threads, %s, GEMM by %s%s, FMA peak %.0f GFLOP/s; median of %d "
                "runs\n\n",
                b->threads, dp_cpu_name(k->cpu), dp_gemm_engine(k),
                b->bf16 ? " and in bf16" : "", b->peak_gflops, b->runs);
    dp_text_add(out, "%-22s %9s %9s %9s %9s %8s\n", "part", "ms", "CPU ms", "GFLOP",
                "GFLOP/s", "of peak");
    double gflop = 0;
    for (int i = 0; i < b->count; i++) {
        part *p = &b->parts[i];
        gflop += p->gflop;
        format_row(out, b, p->name, median(p->ms, b->runs), median(p->cpu_ms, b->runs),
                   p->gflop);
    }
    format_row(out, b, "total", median(b->total, b->runs),
               median(b->cpu_total, b->runs), gflop);
    dp_text_add(out, "%-22s %9.2f %9.2f\n", "least", b->total[0], b->cpu_total[0]);
    dp_text_add(out, "peak memory %.0f MB\n", (double)peak_bytes() / (1 << 20));
    dp_text_add(out,
                "Winograd convolutions count the operations of direct ones, of which "
                "they need fewer: a share of peak can exceed 1.\n");
}

static void format_json(dp_text *out, bench *b, const dp_kernels *k)
{
    dp_text_add(
        out, "{\"machine\": {\"isa\": \"%s\", \"cpus\": %d, \"peak_gflops\": %.1f},\n",
        dp_cpu_name(k->cpu), dp_pool_available_cpus(), b->peak_gflops);
    dp_text_add(out,
                " \"threads\": %d, \"gemm\": \"%s\", \"precision\": \"%s\", "
                "\"runs\": %d, \"parts\": [",
                b->threads, dp_gemm_engine(k), b->bf16 ? "bf16" : "float32", b->runs);
    for (int i = 0; i < b->count; i++) {
        part *p = &b->parts[i];
        const double ms = median(p->ms, b->runs), cpu_ms = median(p->cpu_ms, b->runs);
        dp_text_add(out, "%s\n  {\"name\": ", i ? "," : "");
        dp_text_add_quoted(out, p->name);
        dp_text_add(out,
                    ", \"ms_median\": %.4f, \"ms_min\": %.4f, \"cpu_ms_median\": %.4f, "
                    "\"cpu_ms_min\": %.4f, \"gflop\": %.4f, \"gflops\": %.2f}",
                    ms, p->ms[0], cpu_ms, p->cpu_ms[0], p->gflop,
                    cpu_ms > 0 ? 1e3 * p->gflop / cpu_ms : 0.0);
    }
    dp_text_add(out,
                "],\n \"total_ms_median\": %.4f, \"total_cpu_ms_median\": %.4f, "
                "\"peak_bytes\": %zu}\n",
                median(b->total, b->runs), median(b->cpu_total, b->runs), peak_bytes());
}

/* ---- the command ------------------------------------------------------------------ */

static dp_status measure(dp_session *s, bench *b, const dp_pixels *pixels)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    dp_status st =
        dp_model_run(s->ctx, s->model, pixels, result); /* to plan, and warm up */
    s->ctx->trace = at_point;
    s->ctx->trace_arg = b;
    for (b->run = 0; b->run < b->runs && st == DP_OK; b->run++) {
        const double begin = b->last_seconds = now();
        const double cpu_begin = b->last_cpu = cpu_now(b);
        b->last_macs = 0;
        st = dp_model_run(s->ctx, s->model, pixels, result);
        charge(b, "results", b->last_macs);
        b->total[b->run] = 1e3 * (now() - begin);
        b->cpu_total[b->run] = 1e3 * (cpu_now(b) - cpu_begin);
    }
    return st;
}

static int run(dp_session *s, bench *b, dp_size size, const char *json)
{
    dp_pixels pixels;
    dp_error *err = &s->ctx->err;
    if (dp_pixels_init(err, &pixels, size.h, size.w) != DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_INPUT);
    uint32_t state = 1; /* noise: what is in the image does not matter to the time */
    for (size_t i = 0; i < (size_t)size.h * (size_t)size.w * 3; i++) {
        state = state * 1664525u + 1013904223u;
        pixels.data[i] = (uint8_t)(state >> 24);
    }
    const dp_kernels *k = &s->ctx->kernels;
    b->threads = dp_pool_threads(s->ctx->pool);
    b->bf16 = s->ctx->bf16;
    b->peak_gflops = dp_fma_peak_measure(k->cpu) * b->threads;
    const dp_status st = measure(s, b, &pixels);
    dp_pixels_done(&pixels);
    if (st != DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_INPUT);

    dp_text text = {.err = err}, numbers = {.err = err};
    format_json(&numbers, b, k);
    format_table(&text, b, k);
    int status = DP_EXIT_MACHINE;
    if (text.status == DP_OK && numbers.status == DP_OK)
        status = dp_cli_print(dp_text_get(&text), dp_text_get(&numbers), json);
    dp_text_done(&text);
    dp_text_done(&numbers);
    return status;
}

/* Bench the model that the arguments name. */
static int bench_model(bench *b, const dp_common_options *common, const char *model,
                       const char *size_text, const char *json)
{
    dp_size size;
    dp_session s;
    char rest;
    if (sscanf(size_text, "%dx%d%c", &size.h, &size.w, &rest) != 2)
        return dp_cli_usage("bench: --size needs HxW, such as 480x640, not '%s'",
                            size_text);
    int status = dp_session_open(&s, common, model, false, NULL);
    if (status == DP_EXIT_OK) {
        status = run(&s, b, size, json);
        dp_session_close(&s);
    }
    return status;
}

int dp_cli_bench(int argc, char **argv)
{
    static bench b; /* too large for the stack */
    dp_common_options common = {0};
    const char *size = "480x640", *json = NULL;
    b = (bench){.runs = 5};
    const dp_option options[] = {
        DP_OPTIONS_MODEL(&common),
        DP_TEXT("size", 0, "HxW", &size, "of the image, in pixels (default 480x640)"),
        DP_INT("runs", 0, "N", &b.runs, 1, RUNS_MAX,
               "runs to take the median of (default 5)"),
        DP_OPTION_JSON(&json),
        DP_OPTION_SEED(&common),
        DP_OPTION_THREADS(&common),
        DP_OPTION_CPU(&common),
        DP_OPTION_GEMM(&common),
        DP_OPTION_PRECISION(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE("bench", "MODEL", 1, 1, options,
                 "Times each part of a model on an image of noise; weights are random "
                 "unless given.");
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    return status == DP_OPTIONS_GO_ON
               ? bench_model(&b, &common, args.item[0], size, json)
               : status;
}
