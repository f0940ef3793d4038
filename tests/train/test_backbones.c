/* The gradients of whole networks, of every backbone and of the roadmap's steps: along
 * the gradient of each parameter the loss changes as much as the gradient says.
 *
 * The loss is a fixed weighted sum of the logits. Its float32 noise over the change that a
 * step along the gradient makes, and the curvature along that step, stay within the bound; a
 * missing path or a wrong value costs far more. */
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "train/network.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 2, SIDE = 70, K = 4 };

static const double bound = 0.02;

/* Without the kinks of ReLU, which are met too often along a step; its own gradient is
 * checked among the steps'. */
#define SMOOTH ", \"activation\": \"gelu\""

/* A base among the configs, and the keys of its backbone that differ. */
static const struct {
    const char *base, *backbone;
    int branches;
} networks[] = {
    {"_base_/imagenet_1k",
     "\"depths\": [1, 1, 2, 1], \"dims\": [4, 6, 8, 10], \"layer_scale\": true", 5},
    {"_base_/convnextv2", "\"depths\": [1, 1, 2, 1], \"dims\": [4, 6, 8, 10]", 5},
    {"_base_/convnext_iso", "\"depth\": 2, \"dim\": 6", 2},
    {"_base_/swin_imagenet_1k",
     "\"embed_dim\": 4, \"depths\": [2, 2, 2, 2], \"num_heads\": [1, 2, 2, 4], "
     "\"window_size\": 3",
     16},
    {"_base_/imagenet_1k",
     "\"type\": \"resnet\", \"output_norms\": null, \"depths\": [1, 2, 1, 1], "
     "\"base_channels\": 8, \"groups\": 2, \"base_width\": 16",
     5},
    {"roadmap/r50_step00", "\"depths\": [1, 2, 1, 1], \"width\": 4" SMOOTH, 5},
    {"roadmap/r50_step04", "\"depths\": [1, 2, 1, 1], \"width\": 4" SMOOTH, 5},
    {"roadmap/r50_step07", "\"depths\": [1, 2, 1, 1], \"width\": 4" SMOOTH, 5},
    {"roadmap/r50_step08_kernel5", "\"depths\": [1, 2, 1, 1], \"width\": 4" SMOOTH, 5},
    {"roadmap/r50_step10", "\"depths\": [1, 2, 1, 1], \"width\": 4", 5},
    {"roadmap/r50_step11", "\"depths\": [1, 2, 1, 1], \"width\": 4", 5},
    {"roadmap/r50_step13", "\"depths\": [1, 2, 1, 1], \"width\": 4", 5},
};

enum { NETWORKS = sizeof networks / sizeof networks[0] };

typedef struct trial {
    dp_context *context;
    dp_config *config;
    dp_network *network;
    dp_tensor batch;
    float weight[N * K]; /* of the logits in the loss */
} trial;

static const char *write_config(int i)
{
    char folder[500], text[1500];
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    scratch_text(
        "classes.json",
        "{\"name\": \"four\", \"classes\": [{\"name\": \"a\", \"id\": 0}, "
        "{\"name\": \"b\", \"id\": 1}, {\"name\": \"c\", \"id\": 2}, {\"name\": "
        "\"d\", \"id\": 3}]}");
    snprintf(text, sizeof text,
             "{\"base\": \"%s/configs/%s.json\", \"dataset\": \"classes.json\", "
             "\"backbone\": {%s}, \"cls_head\": {\"num_classes\": %d}, \"test\": "
             "{\"top_k\": 1}}",
             folder, networks[i].base, networks[i].backbone, K);
    return scratch_text("config.json", text);
}

static void open_trial(trial *t, int i)
{
    uint64_t seed = 11;
    *t = (trial){.batch = {NULL, N, SIDE, SIDE, 3}};
    ck_assert_int_eq(dp_context_new(&t->context, &(dp_options){.threads = 2}), DP_OK);
    const dp_network_options o = {.seed = 3, .layer_scale = 0.7, .head_scale = 1};
    dp_status st = dp_config_load(&t->context->err, &t->config, write_config(i));
    if (st == DP_OK)
        st = dp_network_new(t->context, &t->network, t->config, &o);
    ck_assert_msg(st == DP_OK, "%s: %s", networks[i].base, t->context->err.text);
    t->batch.data = random_floats(&seed, dp_tensor_size(t->batch), -2, 2);
    for (int k = 0; k < N * K; k++)
        t->weight[k] = random_float(&seed, -1, 1);
    /* Larger weights than at the start of a training: every layer matters. */
    const dp_parameters *p = dp_network_parameters(t->network);
    for (size_t k = 0; k < p->count; k++)
        for (size_t v = 0; v < p->list[k].count && !p->list[k].buffer; v++)
            p->list[k].value[v] += random_float(&seed, -0.3f, 0.3f);
}

static void close_trial(trial *t)
{
    free(t->batch.data);
    dp_network_free(t->network);
    dp_config_free(t->config);
    dp_context_free(t->context);
}

static double find_loss(trial *t)
{
    const float *logits;
    const dp_status st =
        dp_network_forward(&t->context->err, t->network, t->batch, NULL, NULL, &logits);
    ck_assert_msg(st == DP_OK, "%s", t->context->err.text);
    double loss = 0;
    for (int i = 0; i < N * K; i++)
        loss += (double)t->weight[i] * (double)logits[i];
    return loss;
}

/* The loss with parameter p moved by `step` along its gradient of this length; *moved is
 * what the gradient says of the move that rounding left. */
static double loss_at(trial *t, const dp_parameter *p, const float *gradient,
                      double length, double step, double *moved)
{
    float *old = malloc(p->count * sizeof *old);
    memcpy(old, p->value, p->count * sizeof *old);
    *moved = 0;
    for (size_t v = 0; v < p->count; v++) {
        p->value[v] = (float)((double)old[v] + step * (double)gradient[v] / length);
        *moved += (double)gradient[v] * ((double)p->value[v] - (double)old[v]);
    }
    const double loss = find_loss(t);
    memcpy(p->value, old, p->count * sizeof *old);
    free(old);
    return loss;
}

/* How far the change of the loss is from what the gradient says. Long steps meet curvature
 * and kinks, short ones noise; a wrong gradient is off for all. */
static double difference(trial *t, const dp_parameter *p, const float *gradient,
                         double length, double step)
{
    double least = (double)INFINITY, up, down;
    for (int i = 0; i < 3 && least > bound; i++, step /= 12) {
        const double above = loss_at(t, p, gradient, length, step, &up);
        const double below = loss_at(t, p, gradient, length, -step, &down);
        least = fmin(least, fabs((above - below) / (up - down) - 1));
    }
    return least;
}

static void check_parameter(trial *t, int i, size_t k, double *worst)
{
    const dp_parameter *p = &dp_network_parameters(t->network)->list[k];
    const float *gradient = dp_network_gradients(t->network)[k];
    double squares = 0, size = 0;
    for (size_t v = 0; v < p->count; v++) {
        squares += (double)gradient[v] * (double)gradient[v];
        size += (double)p->value[v] * (double)p->value[v];
    }
    const double length = sqrt(squares);
    ck_assert_msg(isfinite(length), "%s: gradient of %s", networks[i].base, p->name);
    if (length < 1e-4) /* a bias before a batch norm, that of the keys of attention */
        return;
    const double off = difference(t, p, gradient, length,
                                  fmin(3e-3 * (sqrt(size) + 1), 0.02 / length));
    *worst = fmax(*worst, off);
    ck_assert_msg(off <= bound, "%s: %s: off by %g, gradient of length %g",
                  networks[i].base, p->name, off, length);
}

START_TEST(the_loss_changes_as_the_gradients_say)
{
    trial t;
    open_trial(&t, _i);
    ck_assert_int_eq(dp_network_branches(t.network), networks[_i].branches);
    double rates[20];
    dp_network_branch_rates(t.network, rates, 0.5);
    ck_assert(networks[_i].branches < 2 ||
              (rates[0] == 0 && rates[networks[_i].branches - 1] == 0.5));
    if (networks[_i].branches == 16) /* of Swin: a block's two share a rate */
        ck_assert(rates[1] == 0 && rates[2] == rates[3] && rates[3] < rates[4]);
    find_loss(&t);
    const dp_status st = dp_network_backward(&t.context->err, t.network, t.weight);
    ck_assert_msg(st == DP_OK, "%s", t.context->err.text);
    const dp_parameters *p = dp_network_parameters(t.network);
    double worst = 0;
    for (size_t k = 0; k < p->count; k++)
        if (!p->list[k].buffer)
            check_parameter(&t, _i, k, &worst);
    printf("%s: off by at most %.2g\n", networks[_i].base, worst);
    close_trial(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/backbones");
    TCase *t = tcase_create("gradients");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, the_loss_changes_as_the_gradients_say, 0, NETWORKS);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
