#include "tests/ops/form.h"

#include "ops/arithmetic.h"
#include "tests/support/random.h"

#include <check.h>
#include <stdlib.h>

static int between(form *f, int low, int high)
{
    return low + random_int(&f->seed, high - low + 1);
}

static void give_input(form *f, int i, int N, int H, int W, int C)
{
    f->x[i] = (dp_tensor){NULL, N, H, W, C};
    f->x[i].data = random_floats(&f->seed, dp_tensor_size(f->x[i]), -2, 2);
}

static int items(const form *f)
{
    return 1 + f->number % 2;
}

/* ---- convolutions ----------------------------------------------------------------- */

static void build_conv(form *f, int i, dp_conv_spec spec)
{
    static const char *const names[] = {"first.", "second.", "third."};
    spec.name = names[i];
    dp_conv_build(&f->b, &f->op.conv[i], &spec);
}

static dp_conv_spec random_conv(form *f, int groups)
{
    const int kernel = 1 + 2 * between(f, 0, 2);
    return (dp_conv_spec){.in = groups * between(f, 1, 8),
                          .out = groups * between(f, 1, 8),
                          .kernel = kernel,
                          .stride = between(f, 1, 2),
                          .padding = between(f, 0, kernel / 2),
                          .groups = groups,
                          .norm = f->number % 3 ? NULL : "bn.",
                          .norm_eps = DP_BATCH_NORM_EPS,
                          .activation = (dp_activation)between(f, 0, 2)};
}

static dp_tensor run_conv(const form *f, dp_run *r)
{
    return dp_conv_run(r, &f->op.conv[0], f->x[0]);
}

static void make_conv(form *f)
{
    const dp_conv_spec spec = random_conv(f, between(f, 1, 3));
    build_conv(f, 0, spec);
    give_input(f, 0, items(f), between(f, 5, 12), between(f, 5, 12), spec.in);
    f->run = run_conv;
}

static void make_conv_by_tiles(form *f)
{
    build_conv(f, 0,
               (dp_conv_spec){.in = 32 + between(f, 0, 9),
                              .out = 32 + between(f, 0, 9),
                              .kernel = 3,
                              .stride = 1,
                              .padding = 1,
                              .norm = f->number % 3 ? NULL : "bn.",
                              .norm_eps = DP_BATCH_NORM_EPS});
    ck_assert(f->op.conv[0].by_tiles);
    give_input(f, 0, items(f), between(f, 1, 9), between(f, 1, 9), f->op.conv[0].in);
    f->by_tiles = true;
    f->run = run_conv;
}

static dp_tensor run_conv_add(const form *f, dp_run *r)
{
    const dp_tensor y = dp_run_tensor(r, f->x[1].N, f->x[1].H, f->x[1].W, f->x[1].C);
    dp_tensor_copy(r, y, f->x[1]);
    dp_conv_run_add(r, &f->op.conv[0], y, f->x[0]);
    return y;
}

static void make_conv_add(form *f)
{
    dp_conv_spec spec = random_conv(f, 1);
    int H, W;
    spec.activation = DP_ACTIVATION_RELU;
    build_conv(f, 0, spec);
    give_input(f, 0, items(f), between(f, 5, 9), between(f, 5, 9), spec.in);
    dp_conv_output(&f->op.conv[0], f->x[0].H, f->x[0].W, &H, &W);
    give_input(f, 1, items(f), H, W, spec.out);
    f->run = run_conv_add;
}

/* Both results, one after the other. */
static dp_tensor run_conv_through(const form *f, dp_run *r)
{
    const dp_tensor x = f->x[0];
    const dp_conv *const then[] = {&f->op.conv[1], &f->op.conv[2]};
    dp_tensor all = dp_run_tensor(r, x.N, x.H, x.W, then[0]->out + then[1]->out);
    dp_tensor y[2];
    for (int i = 0; i < 2; i++) {
        y[i] = (dp_tensor){all.data, x.N, x.H, x.W, then[i]->out};
        if (i > 0 && all.data)
            y[i].data += dp_tensor_size(y[0]);
    }
    dp_conv_run_through(r, &f->op.conv[0], then, y, 2, x);
    return all;
}

static void make_conv_through(form *f)
{
    make_conv_by_tiles(f);
    const int in = f->op.conv[0].out;
    build_conv(f, 1, (dp_conv_spec){.in = in, .out = 3, .kernel = 1, .stride = 1});
    build_conv(f, 2, (dp_conv_spec){.in = in, .out = 12, .kernel = 1, .stride = 1});
    f->run = run_conv_through;
}

static dp_tensor run_concat_conv(const form *f, dp_run *r)
{
    return dp_concat_conv_run(r, &f->op.concat, f->x);
}

static void make_concat_conv(form *f)
{
    dp_concat_conv_spec spec = {.count = between(f, 1, 3),
                                .out = between(f, 1, 80),
                                .name = "c.",
                                .norm = "n."};
    const int H = between(f, 3, 9), W = between(f, 3, 9);
    for (int i = 0; i < spec.count; i++) {
        spec.in[i] = between(f, 1, 20);
        give_input(f, i, items(f), i ? between(f, 1, H) : H, i ? between(f, 1, W) : W,
                   spec.in[i]);
    }
    dp_concat_conv_build(&f->b, &f->op.concat, &spec);
    f->run = run_concat_conv;
}

static dp_tensor run_deconv(const form *f, dp_run *r)
{
    return dp_deconv_run(r, &f->op.deconv, f->x[0]);
}

static void make_deconv(form *f)
{
    const int in = between(f, 1, 20);
    dp_deconv_build(&f->b, &f->op.deconv, "d.", in, between(f, 1, 20),
                    DP_ACTIVATION_RELU);
    give_input(f, 0, items(f), between(f, 1, 8), between(f, 1, 8), in);
    f->run = run_deconv;
}

static dp_tensor run_depthwise(const form *f, dp_run *r)
{
    return dp_depthwise_run(r, &f->op.depthwise, f->x[0]);
}

static void make_depthwise(form *f)
{
    const dp_depthwise_spec spec = {.C = between(f, 1, 40),
                                    .kernel = 3 + 2 * between(f, 0, 2),
                                    .stride = between(f, 1, 2),
                                    .name = "d.",
                                    .norm = f->number % 3 ? NULL : "bn.",
                                    .norm_eps = DP_BATCH_NORM_EPS,
                                    .activation = (dp_activation)between(f, 0, 2)};
    dp_depthwise_build(&f->b, &f->op.depthwise, &spec);
    give_input(f, 0, items(f), between(f, 1, 12), between(f, 1, 12), spec.C);
    f->run = run_depthwise;
}

/* ---- layers over channels --------------------------------------------------------- */

static dp_tensor run_linear(const form *f, dp_run *r)
{
    return dp_linear_run(r, &f->op.linear, f->x[0], DP_ACTIVATION_RELU);
}

static void make_linear(form *f)
{
    const int C = between(f, 1, 9), side = f->number % 3 ? 1 : between(f, 2, 4);
    const int out = between(f, 1, 20);
    dp_linear_build(&f->b, &f->op.linear,
                    &(dp_linear_spec){.name = "l.",
                                      .in = C * side * side,
                                      .out = out,
                                      .cells = side * side,
                                      .rows = f->number % 2 ? out + 1 : 0,
                                      .first = f->number % 2});
    give_input(f, 0, between(f, 1, 9), side, side, C);
    f->run = run_linear;
}

static dp_tensor run_layer_norm(const form *f, dp_run *r)
{
    const dp_tensor x = f->x[0];
    const dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    dp_layer_norm_run(r, &f->op.norm, y, x);
    return y;
}

static void make_layer_norm(form *f)
{
    const int C = between(f, 8, 60);
    dp_layer_norm_build(&f->b, &f->op.norm, "n.", C, 1e-6f);
    give_input(f, 0, items(f), between(f, 1, 20), between(f, 1, 20), C);
    f->run = run_layer_norm;
}

static dp_tensor run_mask_logits(const form *f, dp_run *r)
{
    const dp_tensor x = f->x[0];
    const dp_tensor y = dp_run_tensor(r, x.N, 2 * x.H, 2 * x.W, 1);
    dp_mask_logits_run(r, &f->op.logits, y, x, f->labels);
    return y;
}

static void make_mask_logits(form *f)
{
    const int C = between(f, 1, 20), K = between(f, 1, 5);
    dp_mask_logits_build(&f->b, &f->op.logits, C, K, f->number % 2);
    give_input(f, 0, items(f), between(f, 1, 9), between(f, 1, 9), C);
    for (int i = 0; i < 2; i++)
        f->labels[i] = between(f, 0, K - 1);
    f->run = run_mask_logits;
}

/* ---- blocks ----------------------------------------------------------------------- */

/* A new map that an operator changes in place. */
static dp_tensor copy_of(dp_run *r, dp_tensor x)
{
    const dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    dp_tensor_copy(r, y, x);
    return y;
}

static dp_tensor run_convnext_block(const form *f, dp_run *r)
{
    const dp_tensor x = f->x[0];
    const dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    dp_convnext_block_run(r, &f->op.block, y, x);
    return y;
}

static void make_convnext_block(form *f)
{
    const bool second = f->number % 3 == 0; /* version */
    const dp_convnext_block_spec spec = {.C = between(f, 8, 40),
                                         .eps = 1e-6f,
                                         .layer_scale = !second && f->number % 3 == 1,
                                         .grn = second};
    dp_convnext_block_build(&f->b, &f->op.block, &spec);
    give_input(f, 0, items(f), between(f, 1, 17), between(f, 1, 40), spec.C);
    f->run = run_convnext_block;
}

static dp_tensor run_mlp(const form *f, dp_run *r)
{
    const dp_tensor y = copy_of(r, f->x[0]);
    dp_mlp_run(r, &f->op.mlp, y);
    return y;
}

static void make_mlp(form *f)
{
    const int C = between(f, 8, 40);
    dp_mlp_build(&f->b, &f->op.mlp, C, 1e-5f);
    give_input(f, 0, items(f), between(f, 1, 12), between(f, 1, 12), C);
    f->run = run_mlp;
}

static dp_tensor run_window_attention(const form *f, dp_run *r)
{
    const dp_tensor y = copy_of(r, f->x[0]);
    dp_window_attention_run(r, &f->op.attention, y, f->shift);
    return y;
}

static void make_window_attention(form *f)
{
    const int heads = between(f, 1, 3), side = between(f, 2, 7);
    const dp_window_attention_spec spec = {
        .C = heads * between(f, 8, 16), .heads = heads, .side = side, .eps = 1e-5f};
    dp_window_attention_build(&f->b, &f->op.attention, &spec);
    f->shift = f->number % 3 ? between(f, 0, side - 1) : side / 2;
    give_input(f, 0, items(f), between(f, 1, 15), between(f, 1, 15), spec.C);
    f->run = run_window_attention;
}

static dp_tensor run_patch_merging(const form *f, dp_run *r)
{
    const dp_tensor x = f->x[0];
    const dp_tensor y = dp_run_tensor(r, x.N, (x.H + 1) / 2, (x.W + 1) / 2, 2 * x.C);
    dp_patch_merging_run(r, &f->op.merging, y, x);
    return y;
}

static void make_patch_merging(form *f)
{
    const int C = between(f, 8, 20);
    dp_patch_merging_build(&f->b, &f->op.merging, C, 1e-5f);
    give_input(f, 0, items(f), between(f, 1, 12), between(f, 1, 12), C);
    f->run = run_patch_merging;
}

/* ---- sizes ------------------------------------------------------------------------ */

static dp_tensor run_pooling_average(const form *f, dp_run *r)
{
    return dp_pooling_average_run(r, f->x[0], f->out);
}

static dp_tensor run_pooling_max(const form *f, dp_run *r)
{
    return dp_pooling_max_run(r, f->x[0]);
}

static dp_tensor run_pooling_subsample(const form *f, dp_run *r)
{
    return dp_pooling_subsample_run(r, f->x[0], f->out);
}

static dp_tensor run_resize(const form *f, dp_run *r)
{
    return dp_resize_run(r, f->x[0], f->out, 2 * f->out);
}

static dp_tensor run_resize_add(const form *f, dp_run *r)
{
    const dp_tensor y = copy_of(r, f->x[1]);
    dp_resize_add_run(r, y, f->x[0]);
    return y;
}

static dp_tensor run_resize_nearest_add(const form *f, dp_run *r)
{
    const dp_tensor y = copy_of(r, f->x[1]);
    dp_resize_nearest_add_run(r, y, f->x[0]);
    return y;
}

static void give_maps(form *f)
{
    const int C = between(f, 1, 90);
    f->out = between(f, 1, 6);
    give_input(f, 0, items(f), between(f, 1, 12), between(f, 1, 12), C);
    give_input(f, 1, items(f), between(f, 1, 12), between(f, 1, 12), C);
}

#define MAPS_ONLY(name)              \
    static void make_##name(form *f) \
    {                                \
        give_maps(f);                \
        f->run = run_##name;         \
    }
MAPS_ONLY(pooling_average)
MAPS_ONLY(pooling_max)
MAPS_ONLY(pooling_subsample)
MAPS_ONLY(resize)
MAPS_ONLY(resize_add)
MAPS_ONLY(resize_nearest_add)

/* ---- every row -------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*make)(form *f);
} operators[] = {
#define OPERATOR(name, form) {#name, make_##name},
#include "ops/ops.def"
#undef OPERATOR
};

const char *form_name(int operator_)
{
    return operators[operator_].name;
}

void form_init(form *f, int operator_, int number)
{
    *f = (form){.seed = (uint64_t)(operator_ * FORM_INSTANCES + number),
                .number = number};
    forward_init(&f->f, 2, ~0u);
    ck_assert(dp_builder_init(&f->f.err, &f->b, &f->store, &f->f.kernels, NULL, 0) ==
              DP_OK);
    dp_builder_keep(&f->b, &f->parameters);
    operators[operator_].make(f);
    ck_assert_msg(dp_builder_finish(&f->b) == DP_OK, "%s", f->f.err.text);
    dp_builder_done(&f->b);
}

void form_done(form *f)
{
    for (int i = 0; i < FORM_INPUTS; i++)
        free(f->x[i].data);
    dp_parameters_done(&f->parameters);
    dp_store_done(&f->store);
    forward_done(&f->f);
}
