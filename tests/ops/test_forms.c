/* Every operator of ops.def: its fused form against its plain form, on random shapes and one
 * or two items, within the bound that tests/ops/step_bounds.h derives. Winograd's sums are
 * others than a convolution's; there the project's own bound holds, a relative L2 error of
 * 2e-6 (tests/ops/test_accuracy.c). */
#include "tests/ops/form.h"
#include "tests/ops/step_bounds.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

static void run_both(dp_run *r, void *arg)
{
    form *f = arg;
    dp_watch_fn *const watch = r->watch;
    r->watch = NULL;
    f->fused = f->run(f, r);
    r->watch = watch;
    r->plain = true;
    f->plain = f->run(f, r);
    r->plain = false;
}

/* The largest difference as a part of its bound. */
static double compare(const form *f, const double *off, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)f->fused.data[i] - (double)f->plain.data[i]);
        const double part = d > 0 ? d / off[i] : 0;
        ck_assert_msg(part <= 1, "value %zu: fused %.9g, plain %.9g +- %.2g", i,
                      (double)f->fused.data[i], (double)f->plain.data[i], off[i]);
        worst = fmax(worst, part);
    }
    return worst;
}

static double relative_error(const form *f, size_t n)
{
    double difference = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)f->plain.data[i];
        difference += ((double)f->fused.data[i] - x) * ((double)f->fused.data[i] - x);
        sum += x * x;
    }
    return sqrt(difference / sum);
}

START_TEST(fused_form_is_the_plain_form)
{
    double worst = 0, widest = 0;
    for (int number = 0; number < FORM_INSTANCES; number++) {
        form f;
        step_bounds *bounds = step_bounds_new();
        form_init(&f, _i, number);
        f.f.run.watch = step_bounds_watch;
        f.f.run.watch_arg = bounds;
        forward_run(&f.f, run_both, &f);
        const size_t n = dp_tensor_size(f.plain);
        ck_assert(dp_tensor_alike(f.fused, f.plain) && n > 0);
        if (f.by_tiles) {
            const double error = relative_error(&f, n);
            ck_assert_msg(error < 2e-6, "relative error %.2g", error);
            worst = fmax(worst, error / 2e-6);
            widest = 2e-6;
        } else {
            const double *off = step_bounds_of(bounds, f.plain);
            worst = fmax(worst, compare(&f, off, n));
            for (size_t i = 0; i < n; i++)
                widest = fmax(widest, off[i]);
        }
        step_bounds_free(bounds);
        form_done(&f);
    }
    printf("%s: at most %.2f of a bound of at most %.1e\n", form_name(_i), worst,
           widest);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("forms");
    TCase *t = tcase_create("forms");
    tcase_add_loop_test(t, fused_form_is_the_plain_form, 0, FORMS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
