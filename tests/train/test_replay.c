/* Whole training runs of upstream, replayed with their stored draws: losses, gradients,
 * moments, averages and parameters, within the bounds that the README.md files of
 * ../shared/golden_train_cls and ../shared/golden_train accept. They come from two float32
 * builds of upstream against float64. And the same bits whatever the threads and the processor. */
#include "base/cpu.h"
#include "tests/support/classifier_case.h"
#include "tests/support/segmentor_case.h"
#include "tests/support/suite.h"

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

static void check_gradients(const classifier_case *c, int i)
{
    const dp_parameters *p = dp_network_parameters(c->file.network);
    float *const *gradients = dp_network_gradients(c->file.network);
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
static double movement(const classifier_case *c, const golden *file)
{
    const dp_parameters *p = dp_network_parameters(c->file.network);
    double off = 0, moved = 0;
    for (size_t k = 0; k < p->count; k++) {
        char key[200];
        snprintf(key, sizeof key, "param.%s", p->list[k].name);
        float *want = golden_floats(file, key, NULL);
        float *start = golden_floats(&c->file.init, p->list[k].name, NULL);
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

static void check_step(const classifier_case *c, int i)
{
    const dp_optimizer *o = &c->file.optimizer;
    const dp_parameters *p = dp_network_parameters(c->file.network);
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
    ck_assert_double_le(value.most, c->file.training.rate.base);
    if (o->steps == 10) {
        printf("%s: %.2g of the movement\n", cases[i], movement(c, &file));
        ck_assert_double_le(movement(c, &file), 3e-5);
    }
    golden_close(&file);
}

START_TEST(runs_are_upstreams)
{
    classifier_case c;
    classifier_case_open(&c, folder_of(_i), 2, NULL);
    const int steps = c.micro_batches / c.file.training.accumulate;
    for (int step = 1; step <= steps; step++) {
        classifier_case_go_back(&c);
        if (step == 1)
            check_gradients(&c, _i);
        classifier_case_step(&c);
        if (step <= 2 || step == 10)
            check_step(&c, _i);
    }
    const cJSON *loss = cJSON_GetObjectItem(c.file.json, "losses_f64")->child;
    for (int m = 0; m < c.micro_batches; m++, loss = loss->next)
        ck_assert_double_eq_tol(c.losses[m], loss->valuedouble, 5e-6);
    classifier_case_close(&c);
}
END_TEST

/* All parameters after two steps, one behind the other; the caller's to free. */
static float *run_two_steps(int i, int threads, const char *cpu, size_t *count)
{
    classifier_case c;
    classifier_case_open(&c, folder_of(i), threads, cpu);
    for (int step = 0; step < 2; step++) {
        classifier_case_go_back(&c);
        classifier_case_step(&c);
    }
    const dp_parameters *p = dp_network_parameters(c.file.network);
    *count = 0;
    for (size_t k = 0; k < p->count; k++)
        *count += p->list[k].count;
    float *all = malloc(*count * sizeof *all), *to = all;
    for (size_t k = 0; k < p->count; to += p->list[k++].count)
        memcpy(to, p->list[k].value, p->list[k].count * sizeof *to);
    classifier_case_close(&c);
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

/* ---- segmentors -------------------------------------------------------------------- */

/* Of one tensor against "KIND.NAME" of the file: the largest difference over the largest
 * value. */
static double part_of_largest(const golden *g, const char *kind, const dp_parameter *p,
                              const float *got)
{
    char key[200];
    double off = 0, most = 0;
    snprintf(key, sizeof key, "%s.%s", kind, p->name);
    float *want = golden_floats(g, key, NULL);
    for (size_t i = 0; i < p->count; i++) {
        const double d = fabs((double)got[i] - (double)want[i]);
        off = isnan(d) ? (double)INFINITY : fmax(off, d);
        most = fmax(most, fabs((double)want[i]));
    }
    free(want);
    return off / most;
}

/* Their true gradient is 0: a batch norm follows. What is computed is noise. */
static bool is_noise(const dp_parameter *p)
{
    return strcmp(p->name, "backbone.norm0.bias") == 0 ||
           strcmp(p->name, "backbone.norm1.bias") == 0 ||
           (strstr(p->name, "lateral_convs") && strstr(p->name, "running_mean"));
}

static void check_segmentor_gradients(const segmentor_case *c)
{
    golden file = case_file_tensors(&c->file, "grad.safetensors");
    const dp_parameters *p = dp_network_parameters(c->file.network);
    size_t loose = 0, count = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].buffer || is_noise(&p->list[i]))
            continue;
        const double off = part_of_largest(&file, "f64", &p->list[i],
                                           dp_network_gradients(c->file.network)[i]);
        ck_assert_msg(off <= 1e-4, "%s: gradient off by %g", p->list[i].name, off);
        loose += off > 3e-5;
        count++;
    }
    ck_assert_uint_le(loose, count / 20);
    golden_close(&file);
}

/* Parameters and statistics after a step, in learning rates and as a part; moments after the
 * second. */
static void check_segmentor_step(const segmentor_case *c)
{
    static const double most[] = {[1] = 2e-2, [2] = 0.1, [10] = 3},
                        part[] = {[1] = 1e-5, [2] = 1e-5, [10] = 3e-3};
    char name[40];
    snprintf(name, sizeof name, "step%d.safetensors", c->step);
    golden file = case_file_tensors(&c->file, name);
    const dp_parameters *p = dp_network_parameters(c->file.network);
    const dp_optimizer *o = &c->file.optimizer;
    distance all = {.limit = 1e-3 * c->file.training.rate.base};
    for (size_t i = 0; i < p->count; i++) {
        const dp_parameter *x = &p->list[i];
        if (is_noise(x))
            continue;
        if (x->buffer) {
            ck_assert_double_le(part_of_largest(&file, "buffer", x, x->value),
                                part[c->step]);
            continue;
        }
        add_tensor(&all, &file, "param.", x, x->value);
        if (c->step == 2) {
            ck_assert_double_le(part_of_largest(&file, "m", x, o->first[i]), 1e-3);
            ck_assert_double_le(part_of_largest(&file, "v", x, o->second[i]), 1e-3);
        }
    }
    ck_assert_double_le(all.most, most[c->step] * c->file.training.rate.base);
    ck_assert_uint_le(all.beyond, all.count / 100);
    golden_close(&file);
}

START_TEST(a_segmentors_run_is_upstreams)
{
    segmentor_case c;
    segmentor_case_open(&c, shared_path("golden_train/upernet_a"), 2, NULL);
    const cJSON *want = cJSON_GetObjectItem(c.file.json, "losses_f64")->child;
    for (int step = 0; step < SEGMENTOR_STEPS; step++, want = want->next) {
        const cJSON *log = case_get(want, "log");
        segmentor_case_go_back(&c);
        ck_assert_double_eq_tol(c.decode[step].loss,
                                case_number(log, "decode.loss_seg"), 1e-5);
        ck_assert_double_eq_tol(c.auxiliary[step].loss,
                                case_number(log, "aux.loss_seg"), 1e-5);
        if (step == 0)
            check_segmentor_gradients(&c);
        segmentor_case_step(&c);
        if (c.step <= 2 || c.step == 10)
            check_segmentor_step(&c);
    }
    segmentor_case_close(&c);
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
    if (shared_has("golden_train"))
        tcase_add_test(t, a_segmentors_run_is_upstreams);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
