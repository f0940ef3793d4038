/* The fast forms of the steps matmul and matmul_transposed, and their gradients. Threads share
 * the matrices of a batch.
 *
 *   matmul              y (M, N) = a (M, K) b,   b (K, N)   da = dy b^T   db = a^T dy
 *   matmul_transposed   y (M, N) = a (M, K) b^T, b (N, K)   da = dy b     db = dy^T a
 */
#include "ops/step_backward.h"
#include "ops/step_gemm.h"

#include <string.h>

/* A matrix: element (i, j) is at at[i * down + j * across]. */
typedef struct matrix {
    const float *at;
    size_t down, across;
} matrix;

typedef struct job {
    const dp_step *s;
    const dp_step_gradients *g;
    dp_gemm_fn *gemm;
    size_t M, N, K;
    bool transposed;
    size_t room;    /* of a worker: floats of `scratch` */
    float *scratch; /* packed weights, then a transposed matrix */
    float *zeros;
} job;

/* to (rows, columns) = left right, or with `add` added to it; left and right have `terms`
 * terms. */
static void multiply(const job *j, int worker, float *to, size_t rows, size_t columns,
                     size_t terms, matrix left, matrix right, bool add)
{
    float *packed = j->scratch + (size_t)worker * j->room;
    float *turned = packed + dp_gemm_packed_size((int)terms, (int)columns);
    dp_gemm_pack(packed, (int)terms, (int)columns, right.at, right.down, right.across,
                 NULL);
    if (left.across != 1) {
        for (size_t k = 0; k < terms; k++)
            for (size_t i = 0; i < rows; i++)
                turned[i * terms + k] = left.at[i * left.down + k * left.across];
        left = (matrix){turned, terms, 1};
    }
    j->gemm(to, columns, left.at, left.down, packed, j->zeros, (int)rows, (int)terms,
            (int)columns, add ? DP_GEMM_ADD : 0u);
}

static const float *of_item(dp_tensor t, int item)
{
    return dp_tensor_cell(t, item, 0, 0);
}

/* b as (K, N). */
static matrix right_of(const job *j, int item)
{
    const float *b = of_item(j->s->x[1], item);
    return j->transposed ? (matrix){b, 1, j->K} : (matrix){b, j->N, 1};
}

static void forward_item(void *arg, int item, int worker)
{
    const job *j = arg;
    const size_t values = j->M * j->N;
    multiply(j, worker, j->s->y.data + (size_t)item * values, j->M, j->N, j->K,
             (matrix){of_item(j->s->x[0], item), j->K, 1}, right_of(j, item), false);
}

static void back_item(void *arg, int item, int worker)
{
    const job *j = arg;
    const size_t i = (size_t)item;
    const float *dy = j->g->dy + i * j->M * j->N, *a = of_item(j->s->x[0], item);
    const matrix b = right_of(j, item);
    float *const *dx = j->g->dx;
    if (dx[0])
        multiply(j, worker, dx[0] + i * j->M * j->K, j->M, j->K, j->N,
                 (matrix){dy, j->N, 1}, (matrix){b.at, b.across, b.down}, true);
    if (dx[1] && j->transposed)
        multiply(j, worker, dx[1] + i * j->N * j->K, j->N, j->K, j->M,
                 (matrix){dy, 1, j->N}, (matrix){a, j->K, 1}, true);
    else if (dx[1])
        multiply(j, worker, dx[1] + i * j->N * j->K, j->K, j->N, j->M,
                 (matrix){a, 1, j->K}, (matrix){dy, j->N, 1}, true);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void go(dp_run *r, const dp_step *s, const dp_step_gradients *g, dp_pool_fn *fn)
{
    job j = {.s = s,
             .g = g,
             .gemm = dp_step_gemm(r),
             .M = (size_t)s->y.H,
             .N = (size_t)s->y.C,
             .K = (size_t)s->x[0].C,
             .transposed = s->kind == DP_STEP_matmul_transposed};
    const size_t most = larger(larger(j.M, j.N), j.K), start = dp_arena_mark(r->arena);
    j.room = 2 * dp_gemm_packed_size((int)most, (int)most);
    j.scratch =
        dp_run_take(r, (size_t)dp_pool_threads(r->pool) * j.room, sizeof(float));
    j.zeros = dp_run_take(r, most, sizeof(float));
    if (!r->dry) {
        memset(j.zeros, 0, most * sizeof *j.zeros);
        dp_parallel(r->pool, s->y.N, fn, &j);
    }
    dp_arena_rewind(r->arena, start);
}

void dp_step_matmul_fast(dp_run *r, const dp_step *s)
{
    go(r, s, NULL, forward_item);
}

void dp_step_matmul_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    go(r, s, g, back_item);
}

void dp_step_matmul_transposed_fast(dp_run *r, const dp_step *s)
{
    go(r, s, NULL, forward_item);
}

void dp_step_matmul_transposed_back(dp_run *r, const dp_step *s,
                                    const dp_step_gradients *g)
{
    go(r, s, g, back_item);
}
