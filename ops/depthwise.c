#include "ops/depthwise.h"

#include "ops/batch_norm.h"
#include "ops/kernels/kernels.h"

#include <string.h>

enum {
    KERNEL_SIDE = 7, /* of dp_dwconv7_fn                   */
    ITEM_ROWS = 8    /* of the output; what suits dwconv7 */
};

/* [C, 1, k, k] times scale[C] (NULL: 1) becomes (k, k, C). */
static void pack(dp_depthwise *d, const float *weight, const float *scale,
                 const float *shift)
{
    const size_t C = (size_t)d->C, taps = (size_t)(d->kernel * d->kernel);
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < C; c++)
            d->taps[t * C + c] = weight[c * taps + t] * (scale ? scale[c] : 1);
    if (shift)
        memcpy(d->bias, shift, C * sizeof *shift);
}

void dp_depthwise_build(dp_builder *b, dp_depthwise *d, const dp_depthwise_spec *spec)
{
    const int C = spec->C, k = spec->kernel;
    *d = (dp_depthwise){.C = C,
                        .kernel = k,
                        .stride = spec->stride,
                        .normed = spec->norm != NULL,
                        .activation = spec->activation};
    const size_t outer = dp_builder_enter(b, "%s", spec->name);
    const float *weight = dp_builder_tensor(b, "weight", 4, (int[]){C, 1, k, k});
    dp_builder_leave(b, outer);
    d->raw.weight = dp_builder_kept(b, weight);
    const float *scale = NULL, *shift = NULL;
    if (spec->norm)
        dp_batch_norm_fold(b, &d->raw.norm, spec->norm, C, spec->norm_eps, &scale,
                           &shift);
    d->taps = dp_builder_floats(b, (size_t)(k * k) * (size_t)C);
    d->bias = dp_builder_floats(b, (size_t)C);
    if (weight && d->taps && d->bias && (!spec->norm || scale))
        pack(d, weight, scale, shift);
    dp_builder_release(b);
}

struct depthwise_job {
    const dp_depthwise *depthwise;
    const dp_kernels *kernels;
    dp_tensor x, y;
    int bands; /* of ITEM_ROWS rows of a map of y */
};

/* y[c] = y[c] + x[c] * taps[c] */
static void add_tap(float *y, const float *x, const float *taps, size_t C)
{
    for (size_t c = 0; c < C; c++)
        y[c] = y[c] + x[c] * taps[c];
}

/* The taps of one axis that fall into a map of `size` cells: [*first, *end), tap 0 being
 * at cell `at`, which may be outside. */
static void clip_taps(int at, int kernel, int size, int *first, int *end)
{
    *first = at < 0 ? -at : 0;
    *end = size - at < kernel ? size - at : kernel;
}

/* Row `row` of a map of y from the map x. */
static void row_of(const struct depthwise_job *job, float *y, const float *x, int row)
{
    const dp_depthwise *d = job->depthwise;
    const size_t C = (size_t)d->C;
    const int k = d->kernel, top = row * d->stride - k / 2;
    int y0, y1, x0, x1;
    clip_taps(top, k, job->x.H, &y0, &y1);
    for (int col = 0; col < job->y.W; col++, y += C) {
        const int left = col * d->stride - k / 2;
        clip_taps(left, k, job->x.W, &x0, &x1);
        memcpy(y, d->bias, C * sizeof *y);
        for (int v = y0; v < y1; v++)
            for (int u = x0; u < x1; u++) {
                const size_t cell =
                    (size_t)(top + v) * (size_t)job->x.W + (size_t)(left + u);
                add_tap(y, x + cell * C, d->taps + (size_t)(v * k + u) * C, C);
            }
    }
}

static void activate(const struct depthwise_job *job, float *y, size_t count)
{
    if (job->depthwise->activation == DP_ACTIVATION_RELU)
        job->kernels->relu(y, count);
    else if (job->depthwise->activation == DP_ACTIVATION_GELU)
        job->kernels->gelu(y, count);
}

static void depthwise_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct depthwise_job *job = arg;
    const dp_depthwise *d = job->depthwise;
    const dp_tensor in = job->x, out = job->y;
    const int n = item / job->bands, first = item % job->bands * ITEM_ROWS;
    const int rows = out.H - first < ITEM_ROWS ? out.H - first : ITEM_ROWS;
    const size_t line = (size_t)out.W * (size_t)out.C;
    const float *x = in.data + (size_t)n * (size_t)in.H * (size_t)in.W * (size_t)in.C;
    float *y = out.data + ((size_t)n * (size_t)out.H + (size_t)first) * line;
    if (d->kernel == KERNEL_SIDE && d->stride == 1)
        job->kernels->dwconv7(y, x, d->taps, d->bias,
                              &(dp_map_window){.H = in.H,
                                               .W = in.W,
                                               .C = in.C,
                                               .row = first,
                                               .rows = rows,
                                               .cols = in.W});
    else
        for (int i = 0; i < rows; i++)
            row_of(job, y + (size_t)i * line, x, first + i);
    activate(job, y, (size_t)rows * line);
}

/* Rounded up. */
static int divide_up(int size, int divisor)
{
    return size / divisor + (size % divisor != 0);
}

dp_tensor dp_depthwise_run(dp_run *r, const dp_depthwise *d, dp_tensor x)
{
    if (x.C != d->C)
        dp_run_fail(r, DP_ESHAPE,
                    "depthwise convolution: found %d channels, expected %d", x.C, d->C);
    if (r->plain)
        return dp_depthwise_plain(r, d, x);
    const dp_tensor y = dp_run_tensor(r, x.N, divide_up(x.H, d->stride),
                                      divide_up(x.W, d->stride), d->C);
    struct depthwise_job job = {.depthwise = d, .kernels = r->kernels, .x = x, .y = y};
    job.bands = divide_up(y.H, ITEM_ROWS);
    dp_run_count(r, &(dp_work){.kind = DP_WORK_DEPTHWISE,
                               .macs = dp_work_macs(dp_tensor_rows(y),
                                                    d->kernel * d->kernel, d->C),
                               .outputs = dp_tensor_size(y),
                               .norm = d->normed,
                               .relu = d->activation == DP_ACTIVATION_RELU});
    if (!r->dry)
        dp_parallel(r->pool, y.N * job.bands, depthwise_item, &job);
    return y;
}
