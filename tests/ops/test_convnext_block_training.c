/* The ConvNeXt block as one step of training: its result and all gradients against the plain
 * steps, whose sums run in float64, and its bits for threads and instruction sets.
 *
 * The bound is that of ../shared/golden_train_cls for gradients of all tensors together, a
 * relative L2 error of 4e-6, for each tensor alone. */
#include "base/cpu.h"
#include "base/pool.h"
#include "ops/convnext_block.h"
#include "ops/weighted.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"
#include "train/tape.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS = 10, READABLE = 16 };

static const double bound = 4e-6;

static const struct {
    int N, H, W, C;
    bool scaled;  /* there is a gamma */
    bool dropped; /* images skip the block */
} cases[] = {
    {1, 1, 1, 1, true, false},    {2, 3, 5, 5, true, true},
    {3, 9, 4, 16, false, false},  {2, 15, 13, 20, true, true},
    {1, 30, 23, 48, true, false}, {4, 7, 7, 96, true, true},
    {2, 5, 6, 240, true, true},   {1, 11, 9, 232, false, false},
    {3, 2, 1, 256, true, true},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static dp_error err;

typedef struct block_case {
    dp_store store;
    dp_parameters parameters;
    float *gradient[PARAMETERS];
    dp_convnext_block block;
    dp_tensor shape;
    const float *x; /* a parameter, too               */
    float *dy, *y;  /* owned; y is of the last run    */
    bool dropped;
} block_case;

static const float *add(block_case *c, const char *name, int n, float low, float high,
                        uint64_t *seed)
{
    const dp_parameter p = {.name = name, .rank = 1, .shape = {n}};
    float *values = random_floats(seed, (size_t)n, low, high);
    const float *kept;
    ck_assert_int_eq(
        dp_parameters_add(&err, &c->parameters, &c->store, &p, values, &kept), DP_OK);
    free(values);
    c->gradient[c->parameters.count - 1] = calloc((size_t)n + READABLE, sizeof(float));
    return kept;
}

static void make(block_case *c, int i)
{
    uint64_t seed = 100 + (uint64_t)i;
    const int C = cases[i].C;
    const float wide = 1 / sqrtf((float)C);
    *c = (block_case){.dropped = cases[i].dropped,
                      .shape = {NULL, cases[i].N, cases[i].H, cases[i].W, C}};
    c->block.spec =
        (dp_convnext_block_spec){.C = C, .eps = 1e-6f, .layer_scale = cases[i].scaled};
    c->block.raw.dwconv = add(c, "dwconv", 49 * C, -0.3f, 0.3f, &seed);
    c->block.raw.dwconv_bias = add(c, "dwconv_bias", C, -1, 1, &seed);
    c->block.raw.norm = add(c, "norm", C, 0.5f, 1.5f, &seed);
    c->block.raw.norm_bias = add(c, "norm_bias", C, -1, 1, &seed);
    c->block.raw.pwconv1 = add(c, "pwconv1", 4 * C * C, -wide, wide, &seed);
    c->block.raw.pwconv1_bias = add(c, "pwconv1_bias", 4 * C, -1, 1, &seed);
    c->block.raw.pwconv2 = add(c, "pwconv2", 4 * C * C, -wide, wide, &seed);
    c->block.raw.pwconv2_bias = add(c, "pwconv2_bias", C, -1, 1, &seed);
    if (cases[i].scaled)
        c->block.raw.gamma = add(c, "gamma", C, 0.2f, 1, &seed);
    const int size = (int)dp_tensor_size(c->shape);
    c->x = add(c, "x", size, -2, 2, &seed);
    c->dy = random_floats(&seed, (size_t)size + READABLE, -1, 1);
    c->y = calloc((size_t)size, sizeof(float));
}

static void done(block_case *c)
{
    for (size_t i = 0; i < c->parameters.count; i++)
        free(c->gradient[i]);
    free(c->y);
    free(c->dy);
    dp_parameters_done(&c->parameters);
    dp_store_done(&c->store);
}

/* Every second image skips the block, from the first or second on. */
static bool drop(void *arg, int N, float *factors)
{
    const block_case *c = arg;
    for (int n = 0; c->dropped && factors && n < N; n++)
        factors[n] = n % 2 == (N > 3) ? 0 : 1.25f;
    return c->dropped;
}

/* x is the weights of a linear layer of one input, which is 1: so it has a gradient. */
static void record(block_case *c, dp_run setting, dp_tensor *y)
{
    static float one = 1;
    for (int dry = 1; dry >= 0; dry--) {
        dp_run r = setting;
        r.dry = dry;
        if (dry)
            dp_arena_dry(r.arena);
        else
            ck_assert_int_eq(dp_arena_reserve(&err, r.arena, r.arena->peak), DP_OK);
        const dp_tensor in = {dry ? NULL : &one, 1, 1, 1, 1};
        dp_tensor x = c->shape;
        x.data = dp_tensor_linear(&r, in, c->x, NULL, (int)dp_tensor_size(x)).data;
        *y = dp_run_tensor(&r, x.N, x.H, x.W, x.C);
        dp_convnext_block_run(&r, &c->block, *y, x);
        ck_assert_msg(r.status == DP_OK, "%s", err.text);
    }
}

/* Forward and back, as one step or by the rows of plain steps. */
static void run(block_case *c, int threads, unsigned cpu, bool whole)
{
    dp_kernels kernels;
    dp_pool *pool;
    dp_arena arena = {0}, scratch = {0};
    dp_tape tape = {0};
    dp_tensor y;
    const dp_parameter_gradients trained = {&c->parameters, c->gradient};
    dp_kernels_init(&kernels, cpu);
    ck_assert_int_eq(dp_pool_new(&err, &pool, threads), DP_OK);
    for (size_t i = 0; i < c->parameters.count; i++)
        memset(c->gradient[i], 0, c->parameters.list[i].count * sizeof(float));
    record(c,
           (dp_run){.arena = &arena,
                    .pool = pool,
                    .kernels = &kernels,
                    .err = &err,
                    .plain = true,
                    .fast = whole,
                    .trained = &trained,
                    .branch = drop,
                    .branch_arg = c,
                    .watch = dp_tape_watch,
                    .watch_arg = &tape},
           &y);
    memcpy(c->y, y.data, dp_tensor_size(y) * sizeof(float));
    dp_run r = {.arena = &scratch, .pool = pool, .kernels = &kernels, .err = &err};
    const dp_tape_seed seed = {y, c->dy};
    ck_assert_msg(dp_tape_backward(&err, &tape, &r, &trained, &seed, 1) == DP_OK, "%s",
                  err.text);
    dp_tape_done(&tape);
    dp_arena_done(&arena);
    dp_arena_done(&scratch);
    dp_pool_free(pool);
}

static double distance(const float *got, const float *want, size_t n)
{
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        off += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        size += (double)want[i] * (double)want[i];
    }
    return off > 0 ? sqrt(off / size) : 0;
}

START_TEST(the_step_is_the_plain_steps)
{
    block_case plain, whole;
    make(&plain, _i);
    make(&whole, _i);
    run(&plain, 2, dp_cpu_detect(), false);
    run(&whole, 2, dp_cpu_detect(), true);
    double worst = distance(whole.y, plain.y, dp_tensor_size(plain.shape));
    ck_assert_msg(worst <= 1e-6, "the result is off by %g", worst);
    for (size_t i = 0; i < plain.parameters.count; i++) {
        const dp_parameter *p = &plain.parameters.list[i];
        const double off = distance(whole.gradient[i], plain.gradient[i], p->count);
        ck_assert_msg(off <= bound, "gradient of %s off by %g", p->name, off);
        worst = fmax(worst, off);
    }
    printf("%d x %d x %d x %d: off by at most %.2g\n", cases[_i].N, cases[_i].H,
           cases[_i].W, cases[_i].C, worst);
    done(&plain);
    done(&whole);
}
END_TEST

static void expect_same(const block_case *a, const block_case *b)
{
    ck_assert_int_eq(memcmp(a->y, b->y, dp_tensor_size(a->shape) * sizeof(float)), 0);
    for (size_t i = 0; i < a->parameters.count; i++)
        ck_assert_msg(memcmp(a->gradient[i], b->gradient[i],
                             a->parameters.list[i].count * sizeof(float)) == 0,
                      "%s", a->parameters.list[i].name);
}

START_TEST(bits_depend_neither_on_threads_nor_on_the_processor)
{
    static const int threads[] = {2, 3, 7};
    block_case one, other;
    make(&one, _i);
    make(&other, _i);
    run(&one, 1, dp_cpu_detect(), true);
    for (int k = 0; k < 3; k++) {
        run(&other, threads[k], dp_cpu_detect(), true);
        expect_same(&one, &other);
    }
    for (unsigned cpu = 0; cpu <= DP_CPU_AVX2; cpu += DP_CPU_AVX2) {
        run(&other, 2, dp_cpu_detect() & cpu, true);
        expect_same(&one, &other);
    }
    done(&one);
    done(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/convnext_block_training");
    TCase *t = tcase_create("blocks");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_step_is_the_plain_steps, 0, CASES);
    tcase_add_loop_test(t, bits_depend_neither_on_threads_nor_on_the_processor, 0,
                        CASES);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
