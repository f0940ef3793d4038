/* The harness must see a kernel that is wrong: each fault here is one. */
#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void one_value_off(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    if (n > 8)
        x[n - 2] *= 1.001f;
}

static void one_bit_off(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    if (n > 8)
        x[n / 2] = nextafterf(x[n / 2], 9);
}

static void nan_made(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    if (n > 8)
        x[n / 3] = NAN;
}

static void nan_lost(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] = isnan(x[i]) ? 0 : x[i];
}

static void tail_forgotten(float *x, size_t n)
{
    dp_gelu_ref(x, n / 8 * 8);
}

static void write_past_the_end(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    x[n] = 0;
}

static void write_before(float *x, size_t n)
{
    dp_gelu_ref(x, n);
    x[-1] = 0;
}

static const struct {
    const char *what;
    dp_gelu_fn *fault;
    const char *sentence;
} faults[] = {
    {"one value off by 0.1 %", one_value_off, "expected"},
    {"one bit off", one_bit_off, "expected"},
    {"a NaN made", nan_made, "is nan"},
    {"a NaN lost", nan_lost, "expected"},
    {"the tail forgotten", tail_forgotten, "expected"},
    {"a write past the end", write_past_the_end, "past the end"},
    {"a write before", write_before, "before"},
};

START_TEST(a_faulty_gelu_is_caught)
{
    harness_begin(1);
    check_gelu(faults[_i].fault);
    ck_assert_msg(harness_failure(), "%s was not caught", faults[_i].what);
    ck_assert_msg(strstr(harness_failure(), faults[_i].sentence), "%s: \"%s\"",
                  faults[_i].what, harness_failure());
}
END_TEST

/* The whole convolution but for the tap of the last corner. */
static void tap_missing(float *y, const float *x, const float *k, const float *b,
                        const dp_map_window *w)
{
    const size_t C = (size_t)w->C;
    float *less = malloc(49 * C * sizeof *less);

    ck_assert_ptr_nonnull(less);
    memcpy(less, k, 49 * C * sizeof *less);
    memset(less + 48 * C, 0, C * sizeof *less);
    dp_dwconv7_ref(y, x, less, b, w);
    free(less);
}

/* As if the pixels above the window were outside the map. */
static void halo_forgotten(float *y, const float *x, const float *k, const float *b,
                           const dp_map_window *w)
{
    const size_t above = (size_t)w->row * (size_t)w->W * (size_t)w->C;
    const dp_map_window cut = {w->H - w->row, w->W, w->C, 0, w->rows, w->col, w->cols};

    dp_dwconv7_ref(y, x + above, k, b, &cut);
}

static dp_dwconv7_fn *const faulty_dwconv7[] = {tap_missing, halo_forgotten};

START_TEST(a_faulty_dwconv7_is_caught)
{
    harness_begin(1);
    check_dwconv7(faulty_dwconv7[_i]);
    ck_assert(harness_failure());
}
END_TEST

static void read_far_past_the_end(float *y, const float *x, float s, int C)
{
    volatile float far = x[C + 16];

    (void)far;
    dp_scale_ref(y, x, s, C);
}

static void read_within_the_allowance(float *y, const float *x, float s, int C)
{
    volatile float near = x[C + 15];

    (void)near;
    dp_scale_ref(y, x, s, C);
}

/* Whether check_scale of the variant comes to its end. */
static int survives(dp_scale_fn *variant)
{
    const pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const int quiet = open("/dev/null", O_WRONLY);

        dup2(quiet, STDERR_FILENO);
        harness_begin(1);
        check_scale(variant);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(a_read_past_the_allowance_stops_the_program)
{
    ck_assert(survives(read_within_the_allowance));
    ck_assert(!survives(read_far_past_the_end));
}
END_TEST

static void right_scale(float *y, const float *x, float s, int C)
{
    dp_scale_ref(y, x, s, C);
}

START_TEST(a_right_kernel_passes_and_comparing_nothing_does_not)
{
    harness_begin(1);
    ck_assert_ptr_nonnull(harness_failure());
    check_scale(right_scale);
    ck_assert_msg(!harness_failure(), "%s", harness_failure());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel harness");
    TCase *tc = tcase_create("harness");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, a_faulty_gelu_is_caught, 0, COUNT(faults));
    tcase_add_loop_test(tc, a_faulty_dwconv7_is_caught, 0, COUNT(faulty_dwconv7));
    tcase_add_test(tc, a_read_past_the_allowance_stops_the_program);
    tcase_add_test(tc, a_right_kernel_passes_and_comparing_nothing_does_not);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
