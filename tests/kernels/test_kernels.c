/* Every line of kernels.def that this CPU can run against plain C, and plain C against
 * float64. `test_kernels SEED` repeats a run. */
#include "base/cpu.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"
#include "tests/support/suite.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VARIANT(name, isa, needs)        \
    static void name##_##isa(void)       \
    {                                    \
        check_##name(dp_##name##_##isa); \
    }
#include "ops/kernels/kernels.def"
#undef VARIANT

static const struct {
    const char *name;
    unsigned needs;
    void (*check)(void);
} variants[] = {
#define VARIANT(name, isa, needs) {#name "_" #isa, needs, name##_##isa},
#include "ops/kernels/kernels.def"
#undef VARIANT
};

static const struct {
    const char *name;
    void (*spec)(void);
} specs[] = {
#define KERNEL(name) {#name, spec_##name},
    DP_KERNEL_LIST(KERNEL)
#undef KERNEL
};

static uint64_t seed;

START_TEST(a_variant_gives_the_bits_of_plain_c)
{
    if ((dp_cpu_detect() & variants[_i].needs) != variants[_i].needs)
        return;
    harness_begin(seed + (uint64_t)_i);
    variants[_i].check();
    ck_assert_msg(!harness_failure(), "%s: %s", variants[_i].name, harness_failure());
}
END_TEST

START_TEST(plain_c_keeps_the_contract)
{
    harness_begin(seed + (uint64_t)_i);
    specs[_i].spec();
    ck_assert_msg(!harness_failure(), "%s: %s", specs[_i].name, harness_failure());
}
END_TEST

START_TEST(the_table_has_the_last_variant_that_the_cpu_can_run)
{
    const unsigned tiers[] = {0, DP_CPU_AVX2, DP_CPU_AVX2 | DP_CPU_AVX512,
                              DP_CPU_AVX2 | DP_CPU_AVX512 | DP_CPU_BF16};
    dp_kernels want = {0}, got;

    want.cpu = tiers[_i];
#define VARIANT(name, isa, needs)    \
    if (((needs) & ~tiers[_i]) == 0) \
        want.name = dp_##name##_##isa;
#include "ops/kernels/kernels.def"
#undef VARIANT
    dp_kernels_init(&got, tiers[_i]);
    ck_assert_uint_eq(got.cpu, want.cpu);
#define KERNEL(name) ck_assert(got.name &&got.name == want.name);
    DP_KERNEL_LIST(KERNEL)
#undef KERNEL
}
END_TEST

/* Those that a_variant_gives_the_bits_of_plain_c passes over. */
static void count_skipped(void)
{
    int skipped = 0;
    for (int i = 0; i < COUNT(variants); i++)
        skipped += (dp_cpu_detect() & variants[i].needs) != variants[i].needs;
    if (skipped > 0)
        suite_skip(
            "%d of %d variants of kernels: this processor has not what they need",
            skipped, COUNT(variants));
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    printf("seed %" PRIu64 ", %s\n", seed, dp_cpu_name(dp_cpu_detect()));
    fflush(stdout);
    count_skipped();

    Suite *suite = suite_create("kernels");
    TCase *tc = tcase_create("kernels");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, a_variant_gives_the_bits_of_plain_c, 0, COUNT(variants));
    tcase_add_loop_test(tc, plain_c_keeps_the_contract, 0, COUNT(specs));
    tcase_add_loop_test(tc, the_table_has_the_last_variant_that_the_cpu_can_run, 0, 4);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
