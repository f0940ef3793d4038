/* The network's input against the upstream models: the digests of every resized image
 * and float32 input of the reference data, so not one value may differ. */
#include "base/json.h"
#include "io/image/image.h"
#include "io/image/normalize.h"
#include "io/image/opencv_resize.h"
#include "tests/support/forward.h"
#include "tests/support/sha256.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const cases[] = {
    "golden/mask_rcnn_a",        "golden/mask_rcnn_b",
    "golden/cascade_a",          "golden/cascade_b",
    "golden/full_mask_rcnn_t",   "golden/full_cascade_t",
    "golden/upernet_a",          "golden/upernet_a2",
    "golden/upernet_b",          "golden/upernet_b2",
    "golden/upernet_c",          "golden/upernet_c2",
    "golden/full_upernet_t",     "golden2/resnet_mask_rcnn",
    "golden2/resnext_mask_rcnn", "golden2/resnet_caffe_mask_rcnn",
    "golden2/swin_cascade",      "golden2/swin_mask_rcnn",
    "golden2/swin_upernet",      "golden2/swin_upernet_ms",
    "golden2/swin_upernet_w12",
};

/* What a case does to an image. */
struct pipeline {
    dp_normalize normalize;
    int long_side, short_side, multiple;
    bool flips;
    const cJSON *ratios; /* NULL: 1 */
};

struct step {
    const struct pipeline *pipeline;
    const dp_pixels *pixels;
    dp_size size;
    bool flip;
    uint8_t *resized;
    dp_tensor input;
};

static cJSON *load_json(const char *path)
{
    dp_error err = {0};
    cJSON *json;
    ck_assert_msg(dp_json_load(&err, &json, path) == DP_OK, "%s", err.text);
    return json;
}

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no key %s", key);
    return item;
}

static void read_three(float out[3], const cJSON *array)
{
    for (int i = 0; i < 3; i++)
        out[i] = (float)cJSON_GetArrayItem(array, i)->valuedouble;
}

static struct pipeline read_pipeline(const cJSON *config)
{
    const cJSON *augment = cJSON_GetArrayItem(get(config, "test_pipeline"), 1), *step;
    const cJSON *scale = get(augment, "img_scale");
    struct pipeline p = {
        .long_side = cJSON_GetArrayItem(scale, 0)->valueint,
        .short_side = cJSON_GetArrayItem(scale, 1)->valueint,
        .multiple = 1,
        .flips = cJSON_IsTrue(get(augment, "flip")),
        .ratios = cJSON_GetObjectItemCaseSensitive(augment, "img_ratios"),
    };
    cJSON_ArrayForEach(step, get(augment, "transforms"))
    {
        const char *type = get(step, "type")->valuestring;
        if (strcmp(type, "Pad") == 0)
            p.multiple = get(step, "size_divisor")->valueint;
        if (strcmp(type, "Normalize") != 0)
            continue;
        float mean[3], std[3];
        read_three(mean, get(step, "mean"));
        read_three(std, get(step, "std"));
        dp_normalize_build(&p.normalize, mean, std, cJSON_IsTrue(get(step, "to_rgb")));
    }
    return p;
}

static void prepare(dp_run *r, void *arg)
{
    struct step *s = arg;
    s->resized = dp_run_take(r, (size_t)s->size.h * (size_t)s->size.w, 3);
    dp_opencv_resize_run(r, s->resized, s->size.h, s->size.w, s->pixels->data,
                         s->pixels->h, s->pixels->w);
    const dp_pixel_window window = {s->resized, (size_t)s->size.w * 3, s->size.h,
                                    s->size.w, s->flip};
    s->input =
        dp_normalize_run(r, &s->pipeline->normalize, &window, s->pipeline->multiple);
}

static void expect_digest(const void *bytes, size_t size, const cJSON *want)
{
    char got[65];
    sha256_hex(got, bytes, size);
    ck_assert_str_eq(got, want->valuestring);
}

/* The digests are of rows of one channel after the other. */
static void expect_input(dp_tensor t, const cJSON *want)
{
    const size_t cells = (size_t)t.H * (size_t)t.W, size = 3 * cells * sizeof(float);
    float *planes = malloc(size);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < cells; i++)
            planes[c * cells + i] = t.data[i * 3 + c];
    expect_digest(planes, size, want);
    free(planes);
}

static void check_variant(forward *f, struct step *s, double ratio, const cJSON *facts,
                          int variant)
{
    const struct pipeline *p = s->pipeline;
    s->size =
        dp_opencv_resize_target(s->pixels->h, s->pixels->w, (int)(p->long_side * ratio),
                                (int)(p->short_side * ratio));
    forward_run(f, prepare, s);
    const cJSON *resized = cJSON_GetObjectItemCaseSensitive(facts, "resized_bgr");
    if (resized)
        expect_digest(s->resized, (size_t)s->size.h * (size_t)s->size.w * 3,
                      get(resized, "sha256"));
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(facts, "input_sha256_f32_chw");
    expect_input(s->input, one ? one
                               : get(cJSON_GetArrayItem(get(facts, "inputs"), variant),
                                     "sha256_f32_chw"));
}

static void check_image(forward *f, const struct pipeline *p, const cJSON *facts)
{
    dp_error err = {0};
    dp_pixels pixels;
    const char *file = get(get(facts, "image"), "file")->valuestring;
    ck_assert_msg(dp_pixels_load(&err, &pixels, shared_path("%s", file)) == DP_OK, "%s",
                  err.text);
    expect_digest(pixels.data, (size_t)pixels.h * (size_t)pixels.w * 3,
                  get(get(facts, "image"), "sha256_decoded_bgr"));

    const int ratios = p->ratios ? cJSON_GetArraySize(p->ratios) : 1;
    const int mirrors = p->flips ? 2 : 1;
    for (int i = 0; i < ratios * mirrors; i++) {
        struct step s = {.pipeline = p, .pixels = &pixels, .flip = i % mirrors};
        const int k = i / mirrors;
        check_variant(f, &s,
                      p->ratios ? cJSON_GetArrayItem(p->ratios, k)->valuedouble : 1.0,
                      facts, i);
    }
    dp_pixels_done(&pixels);
}

START_TEST(inputs_are_those_of_upstream)
{
    cJSON *config = load_json(shared_path("%s/config.json", cases[_i]));
    const struct pipeline p = read_pipeline(config);
    const int images = cJSON_GetArraySize(get(config, "images"));
    ck_assert_int_gt(images, 0);
    forward f;
    forward_init(&f, 2, ~0u);
    for (int i = 0; i < images; i++) {
        cJSON *facts = load_json(shared_path("%s/image%d.json", cases[_i], i));
        check_image(&f, &p, facts);
        cJSON_Delete(facts);
    }
    forward_done(&f);
    cJSON_Delete(config);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/network_input");
    TCase *t = tcase_create("reference");
    tcase_set_timeout(t, 120);
    if (shared_has("golden") && shared_has("golden2"))
        tcase_add_loop_test(t, inputs_are_those_of_upstream, 0,
                            sizeof cases / sizeof cases[0]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
