/* Steps and their gradients against PyTorch's, recorded and walked back: the operator cases
 * of ../shared/golden_train/ops. Bounds are that folder's: 1e-5 of the largest value for
 * results and 3e-5 for gradients, or ten times the noise of PyTorch's own float32. */
#include "base/cpu.h"
#include "base/pool.h"
#include "ops/arithmetic.h"
#include "ops/convnext_block.h"
#include "ops/kernels/kernels.h"
#include "ops/layout.h"
#include "ops/reduction.h"
#include "ops/roi_align.h"
#include "ops/weighted.h"
#include "tests/support/golden.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/tape.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 4, PARAMETERS = 12 };

typedef struct step_case {
    const char *name;
    const cJSON *noise;
    golden file;
    dp_store store;
    dp_parameters parameters;
    float *gradient[PARAMETERS];
    dp_tensor x; /* channels last; owned data */
    int outputs;
    dp_tensor y[OUTPUTS];
    const char *output[OUTPUTS]; /* "y", "y1" */
} step_case;

typedef void case_fn(step_case *c, dp_run *r, dp_tensor x);

static dp_error err;

static const float *add_parameter(step_case *c, const char *name, const float *values,
                                  size_t count)
{
    const dp_parameter p = {.name = name, .rank = 1, .shape = {(int)count}};
    const float *kept;
    const size_t known = c->parameters.count;
    ck_assert_uint_lt(known, PARAMETERS);
    ck_assert_int_eq(
        dp_parameters_add(&err, &c->parameters, &c->store, &p, values, &kept), DP_OK);
    if (c->parameters.count > known)
        c->gradient[known] = calloc(count + 16, sizeof(float));
    return kept;
}

/* The parameter in.NAME. */
static const float *get(step_case *c, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, "in.%s", name);
    size_t count;
    float *values = golden_floats(&c->file, key, &count);
    const float *kept = add_parameter(c, name, values, count);
    free(values);
    return kept;
}

/* The input as the result of a step, so that it has a gradient: the weights of a linear
 * layer of one input, which is 1. */
static dp_tensor start(step_case *c, dp_run *r)
{
    static float one = 1;
    const size_t size = dp_tensor_size(c->x);
    const float *weight = add_parameter(c, "x", c->x.data, size);
    const dp_tensor in = {r->dry ? NULL : &one, 1, 1, 1, 1};
    dp_tensor x = c->x;
    x.data = dp_tensor_linear(r, in, weight, NULL, (int)size).data;
    return x;
}

static void put_output(step_case *c, const char *name, dp_tensor y)
{
    c->output[c->outputs] = name;
    c->y[c->outputs++] = y;
}

static int extent(const step_case *c, const char *name, int axis)
{
    return (int)golden_get(&c->file, name)->shape[axis];
}

static void run_conv(step_case *c, dp_run *r, dp_tensor x)
{
    const int kernel = extent(c, "in.w", 2);
    const int stride = kernel % 2 ? 1 : kernel, padding = kernel == 3;
    const dp_conv_shape shape = {extent(c, "in.w", 0), kernel, stride, padding, 1};
    put_output(c, "y", dp_tensor_conv(r, x, get(c, "w"), get(c, "b"), &shape));
}

static void run_depthwise(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y", dp_tensor_depthwise(r, x, get(c, "w"), get(c, "b"), 7, 1));
}

static void run_deconv(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y",
               dp_tensor_deconv(r, x, get(c, "w"), get(c, "b"), extent(c, "in.w", 1)));
}

static void run_linear(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y",
               dp_tensor_linear(r, x, get(c, "w"), get(c, "b"), extent(c, "in.w", 0)));
}

static void run_layer_norm(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y", dp_tensor_layer_norm(r, x, get(c, "w"), get(c, "b"), 1e-6f));
}

static void run_gelu(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y", dp_tensor_gelu(r, x));
}

static void run_layer_scale(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y", dp_tensor_affine(r, x, get(c, "gamma"), NULL));
}

static void run_bilinear(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y",
               dp_tensor_bilinear(r, x, extent(c, "out.y", 2), extent(c, "out.y", 3)));
}

static void run_nearest(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y",
               dp_tensor_nearest(r, x, extent(c, "out.y", 2), extent(c, "out.y", 3)));
}

static void run_subsample(step_case *c, dp_run *r, dp_tensor x)
{
    put_output(c, "y", dp_tensor_subsample(r, x, 2, 0, 0));
}

static void run_pooling(step_case *c, dp_run *r, dp_tensor x)
{
    static const char *const names[] = {"y1", "y2", "y3", "y6"};
    static const int bins[] = {1, 2, 3, 6};
    for (int i = 0; i < 4; i++)
        put_output(c, names[i], dp_tensor_bin_means(r, x, bins[i]));
}

/* RoIs are an image and a box. */
static void run_roi_align(step_case *c, dp_run *r, dp_tensor x)
{
    const int count = extent(c, "in.rois", 0);
    double *from = golden_doubles(&c->file, "in.rois", NULL);
    dp_box *boxes = dp_run_take(r, (size_t)count, sizeof *boxes);
    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    int *image = dp_run_take(r, (size_t)count, sizeof *image);
    for (int i = 0; boxes && i < count; i++) {
        const double *f = from + i * 5;
        boxes[i] = (dp_box){(float)f[1], (float)f[2], (float)f[3], (float)f[4]};
        level[i] = 0;
        image[i] = (int)f[0];
    }
    free(from);
    const dp_features maps = {.count = 1, .spec = {{.stride = 4}}, .map = {x}};
    const dp_rois rois = {boxes, level, image, x.N, count};
    put_output(c, "y", dp_roi_align_run(r, &maps, extent(c, "out.y", 2), &rois));
}

/* Drop path of rate 0.4. */
static bool drop(void *arg, int N, float *factors)
{
    const step_case *c = arg;
    double *u = golden_doubles(&c->file, "in.u", NULL);
    for (int n = 0; factors && n < N; n++)
        factors[n] = floorf(0.6f + (float)u[n]) / 0.6f;
    free(u);
    return true;
}

static void run_block(step_case *c, dp_run *r, dp_tensor x)
{
    static dp_convnext_block k;
    k = (dp_convnext_block){.spec = {.C = x.C, .eps = 1e-6f, .layer_scale = true}};
    k.raw.dwconv = get(c, "dw");
    k.raw.dwconv_bias = get(c, "db");
    k.raw.norm = get(c, "lw");
    k.raw.norm_bias = get(c, "lb");
    k.raw.pwconv1 = get(c, "w1");
    k.raw.pwconv1_bias = get(c, "b1");
    k.raw.pwconv2 = get(c, "w2");
    k.raw.pwconv2_bias = get(c, "b2");
    k.raw.gamma = get(c, "gamma");
    r->branch = drop;
    r->branch_arg = c;
    const dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    dp_convnext_block_run(r, &k, y, x);
    put_output(c, "y", y);
}

static const struct {
    const char *name;
    case_fn *run;
} cases[] = {
    {"conv1x1", run_conv},
    {"conv2x2s2", run_conv},
    {"conv3x3", run_conv},
    {"conv4x4s4", run_conv},
    {"dwconv7x7", run_depthwise},
    {"deconv2x2s2", run_deconv},
    {"linear", run_linear},
    {"layernorm_channels_first", run_layer_norm},
    {"layernorm_channels_last", run_layer_norm},
    {"gelu", run_gelu},
    {"layer_scale", run_layer_scale},
    {"block", run_block},
    {"roi_align_7", run_roi_align},
    {"roi_align_14", run_roi_align},
    {"bilinear_0", run_bilinear},
    {"bilinear_1", run_bilinear},
    {"bilinear_2", run_bilinear},
    {"bilinear_3", run_bilinear},
    {"bilinear_4", run_bilinear},
    {"bilinear_5", run_bilinear},
    {"nearest_0", run_nearest},
    {"nearest_1", run_nearest},
    {"maxpool_k1s2", run_subsample},
    {"adaptive_pool_0", run_pooling},
    {"adaptive_pool_1", run_pooling},
    {"adaptive_pool_2", run_pooling},
};

enum { CASES = sizeof cases / sizeof cases[0] };

/* ---- layouts ---------------------------------------------------------------------- */

/* Whether the file has this array with channels before rows and columns: all maps, but not
 * the parameters, whose names are other than x and y. */
static bool is_channels_first(const step_case *c, const dp_named_tensor *t,
                              const char *name)
{
    return t->rank == 4 && (name[0] == 'x' || name[0] == 'y') &&
           strcmp(c->name, "layer_scale") != 0 &&
           strcmp(c->name, "layernorm_channels_last") != 0;
}

/* Array NAME as the library lays it out; the caller's to free. */
static dp_tensor load(const step_case *c, const char *kind, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, "%s.%s", kind, name);
    const dp_named_tensor *t = golden_get(&c->file, key);
    int extents[4] = {1, 1, 1, 1};
    for (int d = 0; d < t->rank; d++)
        extents[4 - t->rank + d] = (int)t->shape[d];
    float *values = golden_floats(&c->file, key, NULL);
    dp_tensor out = {values, extents[0], extents[1], extents[2], extents[3]};
    if (t->rank == 2) /* (N, C) */
        out = (dp_tensor){values, extents[2], 1, 1, extents[3]};
    if (!is_channels_first(c, t, name))
        return out;
    out = (dp_tensor){malloc(dp_tensor_size(out) * sizeof(float)), extents[0],
                      extents[2], extents[3], extents[1]};
    size_t from = 0;
    for (int n = 0; n < out.N; n++)
        for (int k = 0; k < out.C; k++)
            for (int h = 0; h < out.H; h++)
                for (int w = 0; w < out.W; w++)
                    dp_tensor_cell(out, n, h, w)[k] = values[from++];
    free(values);
    return out;
}

/* ---- a case ----------------------------------------------------------------------- */

static void compare(const step_case *c, const char *kind, const char *name,
                    const float *got, size_t count)
{
    char key[40];
    snprintf(key, sizeof key, "%s.%s", kind, name);
    const dp_tensor want = load(c, kind, name);
    const cJSON *noise = cJSON_GetObjectItem(c->noise, key);
    const double floor = cJSON_IsNumber(noise) ? 10 * noise->valuedouble : 0;
    const double bound = fmax(strcmp(kind, "out") == 0 ? 1e-5 : 3e-5, floor);
    double most = 0, off = 0;
    ck_assert_uint_eq(count, dp_tensor_size(want));
    for (size_t i = 0; i < count; i++) {
        const double d = fabs((double)got[i] - (double)want.data[i]);
        off = isnan(d) ? (double)INFINITY : fmax(off, d);
        most = fmax(most, fabs((double)want.data[i]));
    }
    ck_assert_msg(off <= bound * most, "%s: %s is off by %g of %g", c->name, key, off,
                  most);
    free(want.data);
}

static void record(step_case *c, int i, dp_run setting)
{
    dp_tape_reset(setting.watch_arg, (dp_tensor){0});
    for (int dry = 1; dry >= 0; dry--) {
        dp_run r = setting;
        r.dry = dry;
        if (dry)
            dp_arena_dry(r.arena);
        else
            ck_assert_int_eq(dp_arena_reserve(&err, r.arena, r.arena->peak), DP_OK);
        c->outputs = 0;
        cases[i].run(c, &r, start(c, &r));
        ck_assert_msg(r.status == DP_OK, "%s: %s", c->name, err.text);
    }
}

static void go_back(step_case *c, dp_run setting, const dp_parameter_gradients *trained)
{
    dp_arena scratch = {0};
    dp_tape_seed seeds[OUTPUTS];
    dp_tensor dy[OUTPUTS];
    for (int k = 0; k < c->outputs; k++) {
        dy[k] = load(c, "dy", c->output[k]);
        seeds[k] = (dp_tape_seed){c->y[k], dy[k].data};
    }
    dp_run r = {.arena = &scratch,
                .pool = setting.pool,
                .kernels = setting.kernels,
                .err = &err};
    const dp_status st =
        dp_tape_backward(&err, setting.watch_arg, &r, trained, seeds, c->outputs);
    ck_assert_msg(st == DP_OK, "%s: %s", c->name, err.text);
    for (int k = 0; k < c->outputs; k++)
        free(dy[k].data);
    dp_arena_done(&scratch);
}

static void check(const step_case *c)
{
    const dp_parameters *p = &c->parameters;
    for (int k = 0; k < c->outputs; k++)
        compare(c, "out", c->output[k], c->y[k].data, dp_tensor_size(c->y[k]));
    for (size_t i = 0; i < p->count; i++)
        compare(c, "grad", p->list[i].name, c->gradient[i], p->list[i].count);
}

static void close_case(step_case *c)
{
    for (size_t i = 0; i < c->parameters.count; i++)
        free(c->gradient[i]);
    dp_parameters_done(&c->parameters);
    dp_store_done(&c->store);
    golden_close(&c->file);
    free(c->x.data);
}

START_TEST(steps_and_gradients_are_pytorchs)
{
    char *text = file_load(shared_path("golden_train/ops/index.json"), &(size_t){0});
    cJSON *index = cJSON_Parse(text);
    step_case c = {.name = cases[_i].name};
    c.noise = cJSON_GetObjectItem(cJSON_GetObjectItem(index, c.name), "float32_noise");
    c.file = golden_open_path(
        shared_path("golden_train/ops/%s.safetensors", cases[_i].name));
    c.x = load(&c, "in", "x");

    dp_kernels kernels;
    dp_kernels_init(&kernels, dp_cpu_detect());
    dp_pool *pool;
    ck_assert_int_eq(dp_pool_new(&err, &pool, 2), DP_OK);
    dp_arena arena = {0};
    dp_tape tape = {0};
    const dp_parameter_gradients trained = {&c.parameters, c.gradient};
    const dp_run setting = {.arena = &arena,
                            .pool = pool,
                            .kernels = &kernels,
                            .err = &err,
                            .plain = true,
                            .fast = true,
                            .trained = &trained,
                            .watch = dp_tape_watch,
                            .watch_arg = &tape};
    record(&c, _i, setting);
    go_back(&c, setting, &trained);
    check(&c);
    close_case(&c);
    dp_tape_done(&tape);
    dp_arena_done(&arena);
    dp_pool_free(pool);
    cJSON_Delete(index);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/step_cases");
    TCase *t = tcase_create("cases");
    if (shared_has("golden_train"))
        tcase_add_loop_test(t, steps_and_gradients_are_pytorchs, 0, CASES);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
