#include "tests/support/forward.h"

#include "base/cpu.h"

#include <check.h>

const int forward_threads[FORWARD_THREADS] = {1, 2, 3, 7};

void forward_init(forward *f, int threads, unsigned cpu)
{
    *f = (forward){0};
    ck_assert_int_eq(dp_pool_new(&f->err, &f->pool, threads), DP_OK);
    dp_kernels_init(&f->kernels, dp_cpu_detect() & cpu);
    f->run = (dp_run){
        .arena = &f->arena, .pool = f->pool, .kernels = &f->kernels, .err = &f->err};
}

void forward_done(forward *f)
{
    dp_arena_done(&f->arena);
    dp_pool_free(f->pool);
}

static void run_dry(forward *f, forward_fn *fn, void *arg)
{
    dp_arena_dry(&f->arena);
    f->run.dry = true;
    f->run.status = DP_OK;
    f->err = (dp_error){0};
    fn(&f->run, arg);
}

static size_t run(forward *f, forward_fn *fn, void *arg)
{
    run_dry(f, fn, arg);
    ck_assert_msg(f->run.status == DP_OK, "dry run: %s", f->err.text);
    const size_t planned = f->arena.peak;
    ck_assert_int_eq(dp_arena_reserve(&f->err, &f->arena, planned), DP_OK);
    f->arena.peak = 0;
    f->run.dry = false;
    fn(&f->run, arg);
    return planned;
}

void forward_run(forward *f, forward_fn *fn, void *arg)
{
    const size_t planned = run(f, fn, arg);
    ck_assert_uint_eq(f->arena.peak, planned);
}

void forward_run_within(forward *f, forward_fn *fn, void *arg)
{
    const size_t planned = run(f, fn, arg);
    ck_assert_uint_le(f->arena.peak, planned);
}

void forward_expect_shape_error(forward *f, forward_fn *fn, void *arg)
{
    run_dry(f, fn, arg);
    ck_assert_int_eq(f->run.status, DP_ESHAPE);
    ck_assert_int_eq(f->err.code, DP_ESHAPE);
    ck_assert(f->err.text[0] != '\0');
}
