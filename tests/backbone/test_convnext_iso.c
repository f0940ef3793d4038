/* The isotropic backbone against its parts put together by hand, under the published
 * names. Random weights do: a tensor's values follow from its name. */
#include "backbone/backbone.h"
#include "ops/conv.h"
#include "ops/convnext_block.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 12, DEPTH_MAX = 3, PATCH = 16 };

typedef struct net {
    const float *pixels;
    int H, W, depth;

    void *iso; /* the backbone */
    dp_features maps;

    dp_conv stem; /* by hand */
    dp_convnext_block blocks[DEPTH_MAX];
    dp_tensor y;
} net;

static dp_tensor take_image(dp_run *r, const net *t)
{
    const dp_tensor image = dp_run_tensor(r, 1, t->H, t->W, 3);
    if (!r->dry)
        memcpy(image.data, t->pixels, dp_tensor_size(image) * sizeof(float));
    return image;
}

static void run_backbone(dp_run *r, void *arg)
{
    net *t = arg;
    t->maps = dp_backbone_convnext_iso.forward(t->iso, r, take_image(r, t));
}

static void run_by_hand(dp_run *r, void *arg)
{
    net *t = arg;
    t->y = dp_conv_run(r, &t->stem, take_image(r, t));
    for (int i = 0; i < t->depth; i++) {
        const dp_tensor x = t->y;
        t->y = dp_run_tensor(r, 1, x.H, x.W, x.C);
        dp_convnext_block_run(r, &t->blocks[i], t->y, x);
    }
}

static void build_backbone(forward *f, dp_store *store, net *t, bool layer_scale)
{
    const dp_module *def = &dp_backbone_convnext_iso.module;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "depth", t->depth);
    cJSON_AddNumberToObject(json, "dim", DIM);
    cJSON_AddBoolToObject(json, "layer_scale", layer_scale);
    t->iso = calloc(1, def->size);
    ck_assert_int_eq(
        dp_params_parse(&f->err, def->params, t->iso, json, NULL, "backbone"), DP_OK);
    cJSON_Delete(json);
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&f->err, &b, store, &f->kernels, NULL, 0), DP_OK);
    ck_assert_int_eq(def->build(t->iso, def, &b, NULL), DP_OK);
    const uint64_t block = 49 * DIM + DIM + 2 * DIM + 8 * DIM * DIM + 5 * DIM;
    ck_assert_uint_eq(b.params,
                      PATCH * PATCH * 3 * DIM + DIM +
                          (uint64_t)t->depth * (block + (layer_scale ? DIM : 0)));
    dp_builder_done(&b);
}

static void build_by_hand(forward *f, dp_store *store, net *t, bool layer_scale)
{
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&f->err, &b, store, &f->kernels, NULL, 0), DP_OK);
    dp_conv_build(
        &b, &t->stem,
        &(dp_conv_spec){
            .in = 3, .out = DIM, .kernel = PATCH, .stride = PATCH, .name = "stem."});
    for (int i = 0; i < t->depth; i++) {
        const size_t outer = dp_builder_enter(&b, "blocks.%d.", i);
        dp_convnext_block_build(&b, &t->blocks[i],
                                &(dp_convnext_block_spec){.C = DIM,
                                                          .eps = 1e-6f,
                                                          .layer_scale = layer_scale});
        dp_builder_leave(&b, outer);
    }
    dp_builder_done(&b);
}

static const struct {
    int H, W, depth;
    bool layer_scale;
} cases[] = {
    {64, 48, 1, false}, {64, 48, 2, true},   {16, 16, 3, false},
    {79, 33, 2, false}, {224, 224, 3, true},
};

START_TEST(the_backbone_is_its_parts)
{
    net t = {.H = cases[_i].H, .W = cases[_i].W, .depth = cases[_i].depth};
    uint64_t seed = 5;
    float *pixels = random_floats(&seed, (size_t)(t.H * t.W * 3), -2, 2);
    t.pixels = pixels;
    forward f, g;
    dp_store store = {0};
    forward_init(&f, 2, ~0u);
    forward_init(&g, 1, ~0u);
    build_backbone(&f, &store, &t, cases[_i].layer_scale);
    build_by_hand(&f, &store, &t, cases[_i].layer_scale);
    forward_run(&f, run_backbone, &t);
    forward_run(&g, run_by_hand, &t);

    const dp_feature_specs specs = dp_backbone_convnext_iso.describe(t.iso);
    ck_assert_int_eq(specs.count, 1);
    ck_assert_int_eq(specs.spec[0].channels, DIM);
    ck_assert_int_eq(specs.spec[0].stride, PATCH);
    const dp_tensor map = t.maps.map[0];
    ck_assert(map.H == t.H / PATCH && map.W == t.W / PATCH && map.C == DIM);
    ck_assert_mem_eq(map.data, t.y.data, dp_tensor_size(map) * sizeof(float));
    /* What it took is given back, but for the map; the image is the test's. */
    ck_assert_uint_lt(f.arena.used,
                      (size_t)(t.H * t.W * 3 + map.H * map.W * DIM) * sizeof(float) +
                          1024);
    free(t.iso);
    free(pixels);
    dp_store_done(&store);
    forward_done(&f);
    forward_done(&g);
}
END_TEST

START_TEST(an_image_below_a_patch_is_refused)
{
    net t = {.H = 15, .W = 40, .depth = 1};
    forward f;
    dp_store store = {0};
    forward_init(&f, 1, ~0u);
    build_backbone(&f, &store, &t, false);
    forward_expect_shape_error(&f, run_backbone, &t);
    free(t.iso);
    dp_store_done(&store);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backbone/convnext_iso");
    TCase *tc = tcase_create("isotropic");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, the_backbone_is_its_parts, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, an_image_below_a_patch_is_refused);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
