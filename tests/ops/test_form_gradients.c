/* Every operator of ops.def: the gradient of its plain form, as the tape goes back over the fast
 * forms of its steps, against differences of the rows' results. An input is multiplied by a
 * parameter for each channel first, and another is added: so the tape reaches it.
 *
 * Steps are checked one by one and within a derived bound in tests/ops/test_backward.c. Here
 * it is their order, and what goes to which tensor. Each tensor is moved as a whole, in a
 * random direction, over four distances, of which the best counts. Results are float32, and
 * some relus pass their corner: so a difference is good to a tenth of the gradient's length
 * (measured: half of that). A step too many or too few is off by several tenths. */
#include "ops/arithmetic.h"
#include "tests/ops/form.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"
#include "train/tape.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double part = 0.1, distances[] = {0x1p-11, 0x1p-13, 0x1p-15, 0x1p-17};

typedef struct gated {
    form f;
    int operator_;
    const float *weight[FORM_INPUTS], *bias[FORM_INPUTS];
    dp_tensor y;
    float *dy;
} gated;

static const float *add_parameter(form *f, const char *name, int i, int n, float low)
{
    char full[32];
    const float *kept;
    snprintf(full, sizeof full, "%s%d", name, i);
    const dp_parameter made = {.name = full, .rank = 1, .shape = {n}};
    float *values = random_floats(&f->seed, (size_t)n, low, 1.5f);
    ck_assert(dp_parameters_add(&f->f.err, &f->parameters, &f->store, &made, values,
                                &kept) == DP_OK);
    free(values);
    return kept;
}

static void run_gated(dp_run *r, void *arg)
{
    gated *g = arg;
    dp_tensor x[FORM_INPUTS];
    memcpy(x, g->f.x, sizeof x);
    for (int i = 0; i < FORM_INPUTS; i++)
        if (x[i].data)
            g->f.x[i] = dp_tensor_affine(r, x[i], g->weight[i], g->bias[i]);
    g->y = g->f.run(&g->f, r);
    memcpy(g->f.x, x, sizeof x);
}

static void init(gated *g, int operator_, int number)
{
    *g = (gated){.operator_ = operator_};
    form_init(&g->f, operator_, number);
    for (int i = 0; i < FORM_INPUTS; i++)
        if (g->f.x[i].data) {
            g->weight[i] = add_parameter(&g->f, "gate", i, g->f.x[i].C, 0.5f);
            g->bias[i] = add_parameter(&g->f, "shift", i, g->f.x[i].C, -1.5f);
        }
    g->f.f.run.plain = true;
}

/* The sum of dy times the results of the rows. */
static double evaluate(gated *g)
{
    double sum = 0;
    forward_run(&g->f.f, run_gated, g);
    for (size_t i = 0; i < dp_tensor_size(g->y); i++)
        sum += (double)g->dy[i] * (double)g->y.data[i];
    return sum;
}

static void record(gated *g, float *const *gradient)
{
    dp_run *r = &g->f.f.run;
    const dp_parameter_gradients of = {&g->f.parameters, gradient};
    dp_arena scratch = {0};
    dp_tape tape = {0};
    dp_tape_reset(&tape, (dp_tensor){0});
    r->fast = true;
    r->trained = &of;
    r->watch = dp_tape_watch;
    r->watch_arg = &tape;
    forward_run(&g->f.f, run_gated, g);
    uint64_t seed = 3;
    g->dy = random_floats(&seed, dp_tensor_size(g->y), -1, 1);
    dp_tape_seed start[2] = {{g->y, g->dy}};
    const int seeds = g->operator_ == FORM_conv_through ? 2 : 1;
    if (seeds == 2) { /* two results, one after the other */
        start[0].y.C = g->f.op.conv[1].out;
        start[1].y = g->y;
        start[1].y.C -= start[0].y.C;
        start[1].y.data += dp_tensor_size(start[0].y);
        start[1].dy = g->dy + dp_tensor_size(start[0].y);
    }
    dp_run back = *r;
    back.arena = &scratch;
    ck_assert_msg(dp_tape_backward(&g->f.f.err, &tape, &back, &of, start, seeds) ==
                      DP_OK,
                  "%s", g->f.f.err.text);
    dp_tape_done(&tape);
    dp_arena_done(&scratch);
    r->fast = r->recording = false;
    r->trained = NULL;
    r->watch = NULL;
}

static void move(const dp_parameter *p, const float *at, const float *way, double by)
{
    for (size_t i = 0; i < p->count; i++)
        p->value[i] = (float)((double)at[i] + by * (double)way[i]);
}

/* How far the difference along a random way is from the gradient, as a part of its length. */
static double check(gated *g, const dp_parameter *p, const float *gradient)
{
    float *at = malloc(p->count * sizeof *at), *way = malloc(p->count * sizeof *way);
    double along = 0, length = 0;
    memcpy(at, p->value, p->count * sizeof *at);
    for (size_t i = 0; i < p->count; i++) {
        way[i] = random_int(&g->f.seed, 2) ? 1 : -1;
        along += (double)gradient[i] * (double)way[i];
        length += (double)gradient[i] * (double)gradient[i];
    }
    double off = HUGE_VAL;
    for (int k = 0; k < 4; k++) {
        move(p, at, way, distances[k]);
        double difference = evaluate(g);
        move(p, at, way, -distances[k]);
        difference = (difference - evaluate(g)) / (2 * distances[k]);
        off = fmin(off, fabs(difference - along) / (sqrt(length) + 1e-2));
    }
    move(p, at, way, 0);
    free(at);
    free(way);
    return off;
}

START_TEST(gradient_of_an_operator_is_the_difference)
{
    double worst = 0;
    for (int number = 0; number < FORM_INSTANCES; number++) {
        gated g;
        init(&g, _i, number);
        const dp_parameters *p = &g.f.parameters;
        float **gradient = calloc(p->count + 1, sizeof *gradient);
        for (size_t i = 0; i < p->count; i++)
            if (!p->list[i].buffer)
                gradient[i] = calloc(p->list[i].count + 16, sizeof **gradient);
        record(&g, gradient);
        for (size_t i = 0; i < p->count; i++) {
            if (!gradient[i])
                continue;
            const double off = check(&g, &p->list[i], gradient[i]);
            ck_assert_msg(off <= part,
                          "%s %d: gradient of %s is off by %.2g of its length",
                          form_name(_i), number, p->list[i].name, off);
            worst = fmax(worst, off);
            free(gradient[i]);
        }
        free(gradient);
        free(g.dy);
        form_done(&g.f);
    }
    printf("%s: at most %.4f of the length\n", form_name(_i), worst);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/form_gradients");
    TCase *t = tcase_create("operators");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, gradient_of_an_operator_is_the_difference, 0, FORMS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
