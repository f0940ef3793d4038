#include "ops/window_attention.h"

#include "ops/arithmetic.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { ITEM_ROWS = 96 /* cells that an item has at least, where the map has them */ };

/* Lowers the logits of cells that do not belong together; upstream's number. */
static const float apart = -100.0f;

/* ---- build ---------------------------------------------------------------------- */

/* The table has a row for each difference of rows and columns, and a column a head. */
static void build_position(dp_builder *b, dp_window_attention *a)
{
    const int side = a->spec.side, heads = a->spec.heads;
    const int N = side * side, span = 2 * side - 1;
    const float *table = dp_builder_tensor(b, "relative_position_bias_table", 2,
                                           (int[]){span * span, heads});
    a->table = dp_builder_kept(b, table);
    a->position = dp_builder_floats(b, (size_t)heads * (size_t)N * (size_t)N);
    if (table && a->position) {
        float *out = a->position;
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    const int rows = i / side - j / side + side - 1;
                    const int columns = i % side - j % side + side - 1;
                    *out++ = table[(size_t)(rows * span + columns) * (size_t)heads +
                                   (size_t)h];
                }
    }
    dp_builder_release(b);
}

void dp_window_attention_build(dp_builder *b, dp_window_attention *a,
                               const dp_window_attention_spec *spec)
{
    const int C = spec->C, N = spec->side * spec->side;
    *a = (dp_window_attention){.spec = *spec};
    dp_layer_norm_build(b, &a->norm, "norm1.", C, spec->eps);
    dp_builder_skip(b, "attn_mask");

    const size_t outer = dp_builder_enter(b, "attn.");
    dp_builder_skip(b, "relative_position_index");
    dp_linear_build(
        b, &a->qkv,
        &(dp_linear_spec){.name = "qkv.", .in = C, .out = 3 * C, .pointwise = true});
    dp_linear_build(
        b, &a->proj,
        &(dp_linear_spec){.name = "proj.", .in = C, .out = C, .pointwise = true});
    build_position(b, a);
    dp_builder_leave(b, outer);

    a->zeros = dp_builder_floats(b, (size_t)(C > N ? C : N));
    a->scale = dp_builder_floats(b, (size_t)N);
    for (int i = 0; i < N && a->scale; i++)
        a->scale[i] = (float)(1 / sqrt((double)(C / spec->heads)));
}

/* ---- run ------------------------------------------------------------------------ */

struct attention_job {
    const dp_window_attention *attention;
    const dp_kernels *kernels;
    dp_tensor x;
    int shift;
    int down, across; /* windows                           */
    int windows;      /* of an item; the last may have fewer */
    size_t scratch;   /* floats of a worker                */
    float *memory;
};

/* What a worker has. */
struct attention_scratch {
    float *cells;  /* (cells, C): normed cells, then what the heads give  */
    float *qkv;    /* (cells, 3 C), then the projection (cells, C)        */
    float *logits; /* (N, N) of one head, then its weights                */
    float *packed; /* the keys or the values of one head, packed          */
};

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Sizes of the parts, each rounded up to a line of the cache, and their sum. */
static size_t lay_scratch(const struct attention_job *job, float *memory,
                          struct attention_scratch *s)
{
    const dp_window_attention *a = job->attention;
    const int N = a->spec.side * a->spec.side, depth = a->spec.C / a->spec.heads;
    const size_t C = (size_t)a->spec.C, n = (size_t)N;
    const size_t cells = n * (size_t)job->windows;
    const dp_kernels *k = a->qkv.gemm.kernels;
    const size_t sizes[] = {
        cells * C, cells * 3 * C, n * n,
        max_size(dp_gemm_size(k, depth, N), dp_gemm_size(k, N, depth))};
    float **const parts[] = {&s->cells, &s->qkv, &s->logits, &s->packed};
    size_t total = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *parts[i] = memory ? memory + total : NULL;
        total += (sizes[i] + 15) / 16 * 16;
    }
    return total;
}

/* A stretch of a window's row: cells that are neighbours in the map too. */
struct stretch {
    int first;  /* cell of the window         */
    int length; /* cells                      */
    float *x;   /* NULL: outside of the map   */
};

/* The stretch that begins at cell (i, j) of window `window`. */
static struct stretch stretch_at(const struct attention_job *job, int window, int i,
                                 int j)
{
    const dp_window_attention_spec *spec = &job->attention->spec;
    const int side = spec->side;
    const int H = job->down * side, W = job->across * side; /* of the continued map */
    const int row = (window / job->across * side + i + job->shift) % H;
    const int column = (window % job->across * side + j + job->shift) % W;
    const bool inside = row < job->x.H && column < job->x.W;
    const int end = column < job->x.W ? job->x.W : W;
    struct stretch s = {i * side + j, side - j, NULL};
    if (end - column < s.length)
        s.length = end - column;
    if (inside)
        s.x = job->x.data +
              ((size_t)row * (size_t)job->x.W + (size_t)column) * (size_t)spec->C;
    return s;
}

static void gather(const struct attention_job *job, int window, float *cells)
{
    const dp_window_attention *a = job->attention;
    const size_t C = (size_t)a->spec.C;
    for (int i = 0; i < a->spec.side; i++)
        for (int j = 0; j < a->spec.side;) {
            const struct stretch s = stretch_at(job, window, i, j);
            float *to = cells + (size_t)s.first * C;
            if (s.x)
                job->kernels->layer_norm(to, s.x, a->norm.weight, a->norm.bias,
                                         (size_t)s.length, a->spec.C, a->norm.eps);
            else
                memset(to, 0, (size_t)s.length * C * sizeof *to);
            j += s.length;
        }
}

static void scatter(const struct attention_job *job, int window, const float *cells)
{
    const dp_window_attention_spec *spec = &job->attention->spec;
    const size_t C = (size_t)spec->C;
    for (int i = 0; i < spec->side; i++)
        for (int j = 0; j < spec->side;) {
            const struct stretch s = stretch_at(job, window, i, j);
            const float *from = cells + (size_t)s.first * C;
            if (s.x)
                for (size_t k = 0; k < (size_t)s.length * C; k++)
                    s.x[k] += from[k];
            j += s.length;
        }
}

/* 0 in the part of the last window's axis that was there before the shift, 1 in what came
 * round from the other end. */
static int side_of(const struct attention_job *job, int at)
{
    return at >= job->attention->spec.side - job->shift;
}

/* Numbers of the parts of a window that do not see each other. False: all do. */
static bool fill_regions(const struct attention_job *job, int window, uint8_t *region)
{
    const dp_window_attention_spec *spec = &job->attention->spec;
    const bool bottom = window / job->across == job->down - 1;
    const bool right = window % job->across == job->across - 1;
    if (job->shift == 0 || !(bottom || right))
        return false;
    for (int i = 0; i < spec->side; i++)
        for (int j = 0; j < spec->side; j++)
            *region++ = (uint8_t)((bottom ? 2 * side_of(job, i) : 0) +
                                  (right ? side_of(job, j) : 0));
    return true;
}

/* What is added to a query's logits: its row of `position`, less 100 where its region
 * is another. */
static void start_logits(float *logits, const float *position, const uint8_t *region,
                         int N)
{
    memcpy(logits, position, (size_t)N * (size_t)N * sizeof *logits);
    if (!region)
        return;
    for (int i = 0; i < N; i++, logits += N)
        for (int j = 0; j < N; j++)
            logits[j] += region[i] == region[j] ? 0.0f : apart;
}

static void softmax(float *row, int n)
{
    float most = row[0], sum = 0;
    for (int i = 1; i < n; i++)
        most = row[i] > most ? row[i] : most;
    for (int i = 0; i < n; i++) {
        row[i] = expf(row[i] - most);
        sum += row[i];
    }
    for (int i = 0; i < n; i++)
        row[i] /= sum;
}

/* One head of one window: q, k and v are its (N, depth) in rows of 3 C, out is in rows of
 * C. */
static void run_head(const struct attention_job *job, const struct attention_scratch *s,
                     const float *q, float *out)
{
    const dp_window_attention *a = job->attention;
    const int N = a->spec.side * a->spec.side, depth = a->spec.C / a->spec.heads;
    const size_t C = (size_t)a->spec.C, n = (size_t)N;
    const dp_kernels *k = a->qkv.gemm.kernels;
    dp_gemm keys = dp_gemm_on(k, depth, N, s->packed, a->zeros);
    dp_gemm_fill(&keys, 0, N, q + C, 1, 3 * C, a->scale);
    dp_gemm_rows(&keys, s->logits, n, q, 3 * C, N, true, DP_ACTIVATION_NONE);
    for (size_t i = 0; i < n; i++)
        softmax(s->logits + i * n, N);

    dp_gemm values = dp_gemm_on(k, N, depth, s->packed, a->zeros);
    dp_gemm_fill(&values, 0, depth, q + 2 * C, 3 * C, 1, NULL);
    dp_gemm_rows(&values, out, C, s->logits, n, N, false, DP_ACTIVATION_NONE);
}

static void attention_item(void *arg, int item, int worker)
{
    const struct attention_job *job = arg;
    const dp_window_attention *a = job->attention;
    const int N = a->spec.side * a->spec.side, depth = a->spec.C / a->spec.heads;
    const size_t C = (size_t)a->spec.C, n = (size_t)N;
    const int first = item * job->windows, left = job->down * job->across - first;
    const int count = left < job->windows ? left : job->windows;
    uint8_t region[DP_WINDOW_MAX_SIDE * DP_WINDOW_MAX_SIDE];
    struct attention_scratch s;
    lay_scratch(job, job->memory + (size_t)worker * job->scratch, &s);

    for (int w = 0; w < count; w++)
        gather(job, first + w, s.cells + (size_t)w * n * C);
    dp_gemm_use_up(&a->qkv.gemm, s.qkv, 3 * C, s.cells, C, count * N, false,
                   DP_ACTIVATION_NONE);
    for (int w = 0; w < count; w++) {
        const bool apart_here = fill_regions(job, first + w, region);
        for (int h = 0; h < a->spec.heads; h++) {
            const size_t at = (size_t)(h * depth);
            start_logits(s.logits, a->position + (size_t)h * n * n,
                         apart_here ? region : NULL, N);
            run_head(job, &s, s.qkv + (size_t)w * n * 3 * C + at,
                     s.cells + (size_t)w * n * C + at);
        }
    }
    dp_gemm_use_up(&a->proj.gemm, s.qkv, C, s.cells, C, count * N, false,
                   DP_ACTIVATION_NONE);
    for (int w = 0; w < count; w++)
        scatter(job, first + w, s.qkv + (size_t)w * n * C);
}

/* One item. */
static void run_item(dp_run *r, const dp_window_attention *a, dp_tensor x, int shift)
{
    const int side = a->spec.side, N = side * side, C = a->spec.C;
    struct attention_job job = {
        .attention = a, .kernels = r->kernels, .x = x, .shift = shift};
    struct attention_scratch parts;
    job.down = (x.H + side - 1) / side;
    job.across = (x.W + side - 1) / side;
    job.windows = (ITEM_ROWS + N - 1) / N;
    job.scratch = lay_scratch(&job, NULL, &parts);
    const int windows = job.down * job.across;
    const size_t mark = dp_run_mark(r), rows = (size_t)windows * (size_t)N;
    job.memory =
        dp_run_take(r, (size_t)dp_pool_threads(r->pool) * job.scratch, sizeof(float));
    dp_run_count(r, &(dp_work){.kind = DP_WORK_LINEAR,
                               .macs = dp_work_macs(rows, C, 4 * C),
                               .outputs = dp_tensor_size(x)});
    dp_run_count(r, &(dp_work){.kind = DP_WORK_ATTENTION,
                               .macs = dp_work_macs(rows, C, 2 * N),
                               .outputs = dp_tensor_size(x)});
    if (!r->dry)
        dp_parallel(r->pool, (windows + job.windows - 1) / job.windows, attention_item,
                    &job);
    dp_run_rewind(r, mark);
}

void dp_window_attention_run(dp_run *r, const dp_window_attention *a, dp_tensor x,
                             int shift)
{
    if (x.C != a->spec.C)
        dp_run_fail(r, DP_ESHAPE, "window attention: found %d channels, expected %d",
                    x.C, a->spec.C);
    if (x.H < 1 || x.W < 1)
        return;
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, x, dp_window_attention_plain(r, a, x, shift));
        dp_run_rewind(r, start);
        return;
    }
    for (int n = 0; n < x.N; n++)
        run_item(r, a, dp_tensor_item(x, n), shift);
}
