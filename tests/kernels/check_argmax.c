#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <math.h>

static const int sizes[] = {1,  2,  7,  8,  9,  15, 16,  17,
                            31, 32, 33, 64, 81, 96, 150, 151};

void check_argmax(dp_argmax_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++)
        for (int round = 0; round < 40; round++) {
            const int n = sizes[i];
            float *x = floats_special((size_t)n, 1 + int_random(n + 8));

            harness_case("argmax of %d", n);
            /* Equals are common in half of the rounds. */
            if (round % 2)
                for (int j = 0; j < n; j++)
                    x[j] = roundf(x[j] / 2);
            expect_int(variant(x, n), dp_argmax_ref(x, n));
            harness_case_end();
        }
}

static const struct {
    const char *what;
    float x[4];
    int want;
} worked[] = {
    {"the largest", {1, 3, 2, -9}, 1},
    {"the last", {1, 3, 2, 9}, 3},
    {"the first of equals", {1, 3, 3, 3}, 1},
    {"zeros are equal", {-0.0f, 0, 0, 0}, 0},
    {"NaN is not chosen", {1, NAN, 2, NAN}, 2},
    {"unless it is the first", {NAN, 1, INFINITY, 2}, 0},
    {"infinity", {-INFINITY, -INFINITY, INFINITY, 0}, 2},
    {"nothing above", {-INFINITY, -INFINITY, -INFINITY, NAN}, 0},
};

void spec_argmax(void)
{
    for (int i = 0; i < COUNT(worked); i++) {
        harness_case("argmax: %s", worked[i].what);
        expect_int(dp_argmax_ref(worked[i].x, 4), worked[i].want);
    }
    expect_int(dp_argmax_ref(worked[1].x, 1), 0);
}
