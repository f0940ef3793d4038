/* The harness must see a kernel that is wrong: each fault here is one. */
#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"
#include "tests/support/suite.h"

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

/* ---- products -------------------------------------------------------------------- */

#define GEMM_ARGUMENTS                                                          \
    float *y, size_t y_stride, const float *x, size_t x_stride, const float *w, \
        const float *bias, int rows, int K, int N, unsigned flags
#define GEMM_CALL dp_gemm_ref(y, y_stride, x, x_stride, w, bias, rows, K, N, flags)

static void one_lane_off(GEMM_ARGUMENTS)
{
    GEMM_CALL;
    if (rows > 0)
        y[(size_t)(rows / 2) * y_stride + (size_t)(N / 2)] *= 1.001f;
}

static void last_term_missing(GEMM_ARGUMENTS)
{
    float *less = malloc(dp_gemm_packed_size(K, N) * sizeof *less);

    ck_assert_ptr_nonnull(less);
    memcpy(less, w, dp_gemm_packed_size(K, N) * sizeof *less);
    for (int n = 0; n < N; n += DP_GEMM_PANEL)
        memset(less + (ptrdiff_t)n * K + (ptrdiff_t)(K - 1) * DP_GEMM_PANEL, 0,
               DP_GEMM_PANEL * sizeof *less);
    dp_gemm_ref(y, y_stride, x, x_stride, less, bias, rows, K, N, flags);
    free(less);
}

static void nan_in_a_sum(GEMM_ARGUMENTS)
{
    GEMM_CALL;
    if (rows > 0)
        y[N - 1] = NAN;
}

/* A whole vector where only some lanes are columns. */
static void columns_past_the_last(GEMM_ARGUMENTS)
{
    GEMM_CALL;
    if (rows > 0)
        y[(size_t)(rows - 1) * y_stride + (size_t)N] = 0;
}

static void old_sums_forgotten(GEMM_ARGUMENTS)
{
    flags &= ~(unsigned)DP_GEMM_ADD;
    GEMM_CALL;
}

static dp_gemm_fn *const faulty_gemm[] = {one_lane_off, last_term_missing, nan_in_a_sum,
                                          columns_past_the_last, old_sums_forgotten};

START_TEST(a_faulty_gemm_is_caught)
{
    harness_begin(1);
    check_gemm(faulty_gemm[_i]);
    ck_assert_msg(harness_failure(), "fault %d was not caught", _i);
}
END_TEST

/* ---- tiles of a 3 x 3 convolution --------------------------------------------------- */

static void one_value_of_a_tile_off(float *v, size_t plane, const float *x,
                                    const dp_map_window *w)
{
    dp_winograd_input_ref(v, plane, x, w);
    v[7 * plane + (size_t)w->C - 1] *= 1.001f;
}

static void a_value_of_a_tile_is_nan(float *v, size_t plane, const float *x,
                                     const dp_map_window *w)
{
    dp_winograd_input_ref(v, plane, x, w);
    v[35 * plane] = NAN;
}

static dp_winograd_input_fn *const faulty_input[] = {one_value_of_a_tile_off,
                                                     a_value_of_a_tile_is_nan};

START_TEST(a_faulty_winograd_input_is_caught)
{
    harness_begin(1);
    check_winograd_input(faulty_input[_i]);
    ck_assert(harness_failure());
}
END_TEST

static void one_output_off(float *y, const float *m, size_t plane, const float *bias,
                           const dp_map_window *w, int n, unsigned flags)
{
    dp_winograd_output_ref(y, m, plane, bias, w, n, flags);
    y[((ptrdiff_t)w->row * w->W + w->col) * w->C] += 1e-3f;
}

static void bias_missing(float *y, const float *m, size_t plane, const float *bias,
                         const dp_map_window *w, int n, unsigned flags)
{
    float *none = calloc((size_t)n, sizeof *none);

    (void)bias;
    ck_assert_ptr_nonnull(none);
    dp_winograd_output_ref(y, m, plane, none, w, n, flags);
    free(none);
}

static dp_winograd_output_fn *const faulty_output[] = {one_output_off, bias_missing};

START_TEST(a_faulty_winograd_output_is_caught)
{
    harness_begin(1);
    check_winograd_output(faulty_output[_i]);
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
    tcase_add_loop_test(tc, a_faulty_gemm_is_caught, 0, COUNT(faulty_gemm));
    tcase_add_loop_test(tc, a_faulty_winograd_input_is_caught, 0, COUNT(faulty_input));
    tcase_add_loop_test(tc, a_faulty_winograd_output_is_caught, 0,
                        COUNT(faulty_output));
    tcase_add_test(tc, a_read_past_the_allowance_stops_the_program);
    tcase_add_test(tc, a_right_kernel_passes_and_comparing_nothing_does_not);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
