/* Whole training runs of upstream's classifiers, replayed with their stored draws: losses,
 * gradients, moments, averages and parameters, within the bounds that
 * ../shared/golden_train_cls/README.md accepts, which come from two float32 builds of
 * upstream against float64. And the same bits whatever the threads and the processor. */
#include "base/cpu.h"
#include "tests/support/suite.h"
#include "tests/support/training_case.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cases[] = {"cls_v1", "cls_v2", "cls_iso"};

static const char *folder_of(int i)
{
    return shared_path("golden_train_cls/%s", cases[i]);
}

static golden open_file(int i, const char *name)
{
    return golden_open_path(
        shared_path("golden_train_cls/%s/%s.safetensors", cases[i], name));
}

/* Of several tensors: squares of differences and of the expected values. */
typedef struct distance {
    double off, size, most; /* most: the largest difference */
    size_t beyond, count;   /* of values that differ by more than `limit` */
    double limit;
} distance;

static double relative(const distance *d)
{
    return sqrt(d->off / d->size);
}

static void add_value(distance *d, double got, double want)
{
    const double off = fabs(got - want);
    d->off += off * off;
    d->size += want * want;
    d->most = fmax(d->most, isnan(off) ? (double)INFINITY : off);
    d->beyond += !(off <= d->limit);
    d->count++;
}

static void add_tensor(distance *d, const golden *g, const char *kind,
                       const dp_parameter *p, const float *got)
{
    char key[200];
    size_t count;
    snprintf(key, sizeof key, "%s%s", kind, p->name);
    float *want = golden_floats(g, key, &count);
    ck_assert_uint_eq(count, p->count);
    for (size_t i = 0; i < count; i++)
        add_value(d, (double)got[i], (double)want[i]);
    free(want);
}

static void check_gradients(const training_case *c, int i)
{
    const dp_parameters *p = dp_network_parameters(c->network);
    float *const *gradients = dp_network_gradients(c->network);
    golden file = open_file(i, "grad");
    distance all = {0};
    for (size_t k = 0; k < p->count; k++) {
        distance one = {0};
        add_tensor(&one, &file, "", &p->list[k], gradients[k]);
        add_tensor(&all, &file, "", &p->list[k], gradients[k]);
        ck_assert_msg(relative(&one) <= 2e-5, "%s: %s: gradient off by %g", cases[i],
                      p->list[k].name, relative(&one));
    }
    printf("%s: gradients off by %.2g\n", cases[i], relative(&all));
    ck_assert_double_le(relative(&all), 4e-6);
    golden_close(&file);
}

/* How far the parameters are off, as a part of how far they have moved. */
static double movement(const training_case *c, const golden *file)
{
    const dp_parameters *p = dp_network_parameters(c->network);
    double off = 0, moved = 0;
    for (size_t k = 0; k < p->count; k++) {
        char key[200];
        snprintf(key, sizeof key, "param.%s", p->list[k].name);
        float *want = golden_floats(file, key, NULL);
        float *start = golden_floats(&c->init, p->list[k].name, NULL);
        for (size_t v = 0; v < p->list[k].count; v++) {
            const double d = (double)p->list[k].value[v] - (double)want[v];
            const double m = (double)want[v] - (double)start[v];
            off += d * d;
            moved += m * m;
        }
        free(want);
        free(start);
    }
    return sqrt(off / moved);
}

static void check_step(const training_case *c, int i)
{
    const dp_optimizer *o = &c->optimizer;
    const dp_parameters *p = dp_network_parameters(c->network);
    char name[32];
    snprintf(name, sizeof name, "step%d", (int)o->steps);
    golden file = open_file(i, name);
    distance value = {.limit = 1e-5}, first = {0}, second = {0}, average = {0};
    for (size_t k = 0; k < p->count; k++) {
        add_tensor(&value, &file, "param.", &p->list[k], p->list[k].value);
        add_tensor(&first, &file, "exp_avg.", &p->list[k], o->first[k]);
        add_tensor(&second, &file, "exp_avg_sq.", &p->list[k], o->second[k]);
        add_tensor(&average, &file, "ema.", &p->list[k], o->average[k]);
    }
    printf("%s: step %d: moments off by %.2g and %.2g, parameters by at most %.2g, "
           "averages %.2g\n",
           cases[i], (int)o->steps, relative(&first), relative(&second), value.most,
           average.most);
    ck_assert_double_le(relative(&first), 5e-6);
    ck_assert_double_le(relative(&second), 5e-6);
    ck_assert_double_le(average.most, 5e-6);
    ck_assert_uint_le(value.beyond, value.count / 1000);
    ck_assert_double_le(value.most, c->training.rate.base);
    if (o->steps == 10) {
        printf("%s: %.2g of the movement\n", cases[i], movement(c, &file));
        ck_assert_double_le(movement(c, &file), 3e-5);
    }
    golden_close(&file);
}

START_TEST(runs_are_upstreams)
{
    training_case c;
    training_case_open(&c, folder_of(_i), 2, NULL);
    const int steps = c.micro_batches / c.training.accumulate;
    for (int step = 1; step <= steps; step++) {
        training_case_go_back(&c);
        if (step == 1)
            check_gradients(&c, _i);
        training_case_step(&c);
        if (step <= 2 || step == 10)
            check_step(&c, _i);
    }
    const cJSON *loss = cJSON_GetObjectItem(c.json, "losses_f64")->child;
    for (int m = 0; m < c.micro_batches; m++, loss = loss->next)
        ck_assert_double_eq_tol(c.losses[m], loss->valuedouble, 5e-6);
    training_case_close(&c);
}
END_TEST

/* All parameters after two steps, one behind the other; the caller's to free. */
static float *run_two_steps(int i, int threads, const char *cpu, size_t *count)
{
    training_case c;
    training_case_open(&c, folder_of(i), threads, cpu);
    for (int step = 0; step < 2; step++) {
        training_case_go_back(&c);
        training_case_step(&c);
    }
    const dp_parameters *p = dp_network_parameters(c.network);
    *count = 0;
    for (size_t k = 0; k < p->count; k++)
        *count += p->list[k].count;
    float *all = malloc(*count * sizeof *all), *to = all;
    for (size_t k = 0; k < p->count; to += p->list[k++].count)
        memcpy(to, p->list[k].value, p->list[k].count * sizeof *to);
    training_case_close(&c);
    return all;
}

START_TEST(bits_depend_neither_on_threads_nor_on_the_processor)
{
    static const int threads[] = {2, 3, 7};
    size_t count;
    float *one = run_two_steps(_i, 1, NULL, &count);
    for (int k = 0; k < 3; k++) {
        float *other = run_two_steps(_i, threads[k], NULL, &count);
        ck_assert_int_eq(memcmp(one, other, count * sizeof *one), 0);
        free(other);
    }
    if (dp_cpu_detect() & DP_CPU_AVX512) {
        float *other = run_two_steps(_i, 2, "avx2", &count);
        ck_assert_int_eq(memcmp(one, other, count * sizeof *one), 0);
        free(other);
    }
    free(one);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/replay");
    TCase *t = tcase_create("replay");
    tcase_set_timeout(t, 60);
    if (shared_has("golden_train_cls")) {
        tcase_add_loop_test(t, runs_are_upstreams, 0, 3);
        tcase_add_loop_test(t, bits_depend_neither_on_threads_nor_on_the_processor, 0,
                            3);
    }
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
