/* Checkpoints under other projects' names: the same model, the same answer. */
#include "core/label_map.h"
#include "io/checkpoint/name_map.h"
#include "io/image/image.h"
#include "model/classifier.h"
#include "model/detector.h"
#include "model/model.h"
#include "model/segmentor.h"
#include "tests/support/renamed.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_context *new_context(void)
{
    dp_context *ctx;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    return ctx;
}

static dp_label_map segment(const char *config, const char *weights, const char *image)
{
    dp_context *ctx = new_context();
    dp_model *m;
    dp_pixels pixels;
    dp_label_map map = {0};
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(dp_pixels_load(&ctx->err, &pixels, image), DP_OK);
    ck_assert_int_eq(dp_segmentor_run(ctx, m, &pixels, &map), DP_OK);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
    return map;
}

#define PICTURE "tests/golden/upernet_tiny/000000000201.png"
#define CONVNEXT_UPERNET                           \
    "tests/golden/upernet_tiny/config_whole.json", \
        "tests/golden/upernet_tiny/model.safetensors"
#define SWIN_UPERNET \
    "configs/golden/swin_upernet.json", "../shared/golden2/swin_upernet/model.pth"

static const struct {
    const char *map, *config, *weights;
} segmentor_maps[] = {
    {"configs/names/huggingface_upernet.json", CONVNEXT_UPERNET},
    {"configs/names/openmmlab_upernet.json", CONVNEXT_UPERNET},
    {"configs/names/huggingface_swin_upernet.json", SWIN_UPERNET},
    {"configs/names/openmmlab_swin.json", SWIN_UPERNET},
};

START_TEST(a_segmentor_under_other_names_is_the_same)
{
    const char *config = segmentor_maps[_i].config;
    const char *weights = segmentor_maps[_i].weights;
    const char *copy = scratch_path("copy.safetensors");
    renamed_write(copy, weights, segmentor_maps[_i].map);
    renamed_check(copy, segmentor_maps[_i].map, weights);
    dp_label_map a = segment(config, weights, PICTURE),
                 b = segment(config, copy, PICTURE);
    ck_assert(a.h == b.h && a.w == b.w);
    ck_assert_mem_eq(a.labels, b.labels, (size_t)a.h * (size_t)a.w);
    dp_label_map_done(&a);
    dp_label_map_done(&b);
}
END_TEST

static dp_detections detect(const char *config, const char *weights, const char *image)
{
    dp_context *ctx = new_context();
    dp_model *m;
    dp_pixels pixels;
    dp_detections found = {0};
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(dp_pixels_load(&ctx->err, &pixels, image), DP_OK);
    ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &found), DP_OK);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
    return found;
}

static const struct {
    const char *map, *config, *weights;
} detector_maps[] = {
    {"configs/names/openmmlab.json", "tests/golden/mask_rcnn_tiny/config.json",
     "tests/golden/mask_rcnn_tiny/model.pth"},
    {"configs/names/openmmlab_swin.json", "configs/golden/swin_mask_rcnn.json",
     "../shared/golden2/swin_mask_rcnn/model.pth"},
};

START_TEST(a_detector_under_other_names_is_the_same)
{
    static const char image[] = "tests/golden/mask_rcnn_tiny/000000000101.png";
    const char *config = detector_maps[_i].config;
    const char *weights = detector_maps[_i].weights;
    const char *copy = scratch_path("copy.safetensors");
    renamed_write(copy, weights, detector_maps[_i].map);
    renamed_check(copy, detector_maps[_i].map, weights);
    dp_detections a = detect(config, weights, image), b = detect(config, copy, image);
    ck_assert_uint_gt(a.count, 0);
    ck_assert_uint_eq(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        ck_assert_mem_eq(&a.list[i].box, &b.list[i].box, sizeof a.list[i].box);
        ck_assert_mem_eq(&a.list[i].score, &b.list[i].score, sizeof a.list[i].score);
    }
    ck_assert_mem_eq(a.runs, b.runs, a.run_count * sizeof *a.runs);
    dp_detections_done(&a);
    dp_detections_done(&b);
}
END_TEST

enum { TOP = 1000 };

static void classify(dp_class_score *best, const char *config, const char *weights)
{
    dp_context *ctx = new_context();
    dp_model *m;
    dp_pixels pixels;
    int count;
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(
        dp_pixels_load(&ctx->err, &pixels, shared_path("golden/images/tiny_50x37.jpg")),
        DP_OK);
    ck_assert_int_eq(dp_classifier_run(ctx, m, &pixels, best, TOP, &count), DP_OK);
    ck_assert_int_gt(count, 0);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}

static const struct {
    const char *map, *config, *weights;
} classifier_maps[] = {
    {"configs/names/timm_convnext.json", "configs/golden/convnext_cls_224.json",
     "golden/convnext_cls"},
    {"configs/names/torchvision_convnext.json", "configs/golden/convnext_cls_224.json",
     "golden/convnext_cls"},
    {"configs/names/huggingface_convnext.json", "configs/golden/convnext_cls_224.json",
     "golden/convnext_cls"},
    {"configs/names/openmmlab_convnext.json", "configs/golden/convnext_cls_224.json",
     "golden/convnext_cls"},
    {"configs/names/timm_convnext.json", "configs/golden/convnextv2_cls_224.json",
     "golden/convnextv2_cls"},
    {"configs/names/huggingface_convnextv2.json",
     "configs/golden/convnextv2_cls_224.json", "golden/convnextv2_cls"},
    {"configs/names/timm_swin.json", "configs/golden/swin_cls_224.json",
     "golden2/swin_cls"},
    {"configs/names/torchvision_swin.json", "configs/golden/swin_cls_224.json",
     "golden2/swin_cls"},
    {"configs/names/huggingface_swin.json", "configs/golden/swin_cls_224.json",
     "golden2/swin_cls"},
    {"configs/names/openmmlab_swin_classifier.json", "configs/golden/swin_cls_224.json",
     "golden2/swin_cls"},
};

START_TEST(a_classifier_under_other_names_is_the_same)
{
    static dp_class_score a[TOP], b[TOP];
    const char *copy = scratch_path("copy.safetensors");
    const char *config = classifier_maps[_i].config;
    const char *weights = shared_path("%s/model.pth", classifier_maps[_i].weights);
    renamed_write(copy, weights, classifier_maps[_i].map);
    renamed_check(copy, classifier_maps[_i].map, weights);
    classify(a, config, weights);
    classify(b, config, copy);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

/* ---- the rules ------------------------------------------------------------------------- */

static const struct {
    const char *from, *to, *name, *expected;
} renamings[] = {
    {"a.{i}.*", "b.{i}.*", "a.12.weight", "b.12.weight"},
    {"a.{i}.{j}.*", "b.{j}.{i}.*", "a.1.2.x.y", "b.2.1.x.y"},
    {"a.*", "*", "a.weight", "weight"},
    {"a.{i}", "b", "a.7", "b"},
    {"a.{i}", "b.{i}", "a.", "a."},
    {"a.{i}", "b.{i}", "a.7x", "a.7x"},
    {"a", "b", "ab", "ab"},
};

START_TEST(a_rule_renames_whole_names)
{
    char json[300];
    dp_error err = {0};
    dp_name_map *map;
    dp_named_tensor *out;
    size_t count;
    const dp_named_tensor in = {
        .name = renamings[_i].name, .rank = 3, .shape = {5, 1, 1}, .stride = {1, 1, 1}};
    snprintf(json, sizeof json,
             "{\"name\": \"n\", \"source\": \"s\", \"marks\": [\"%s\"], \"rules\": "
             "[{\"from\": \"%s\", \"to\": \"%s\", \"squeeze\": true}]}",
             renamings[_i].name, renamings[_i].from, renamings[_i].to);
    ck_assert_msg(dp_name_map_load(&err, &map,
                                   scratch_file("m.json", json, strlen(json))) == DP_OK,
                  "%s", err.text);
    ck_assert(dp_name_map_fits(map, &in, 1));
    ck_assert(!dp_name_map_fits(map, &in, 0));
    ck_assert_int_eq(dp_name_map_apply(&err, map, &out, &count, &in, 1), DP_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(out[0].name, renamings[_i].expected);
    ck_assert_int_eq(out[0].rank, strcmp(in.name, out[0].name) ? 1 : 3);
    free(out);
    dp_name_map_free(map);
}
END_TEST

static dp_name_map *load_map(const char *path)
{
    dp_error err = {0};
    dp_name_map *map;
    ck_assert_msg(dp_name_map_load(&err, &map, path) == DP_OK, "%s", err.text);
    return map;
}

static dp_named_tensor matrix(const char *name, int64_t rows, int64_t columns,
                              const float *values)
{
    return (dp_named_tensor){.name = name,
                             .rank = 2,
                             .shape = {rows, columns},
                             .stride = {columns, 1},
                             .data = values};
}

/* The values as the checkpoint's reader would convert them. */
static void check_values(const dp_named_tensor *t, const char *name, size_t count,
                         const float *expected)
{
    float values[64];
    ck_assert_str_eq(t->name, name);
    ck_assert_uint_eq(dp_named_tensor_count(t), count);
    ck_assert(dp_named_tensor_is_dense(t) && dp_named_tensor_to_f32(t, values));
    ck_assert_mem_eq(values, expected, count * sizeof *values);
}

/* Input 4 c + 2 row + column of an unfolded cell is input (row + 2 column) C + c of upstream's
 * : the formula itself, and not the map backwards. */
START_TEST(a_merging_of_openmmlab_is_reordered)
{
    enum { C = 3, OUT = 2 };
    static const char *const maps[] = {"configs/names/openmmlab_swin.json",
                                       "configs/names/openmmlab_swin_classifier.json"};
    static const char *const names[] = {"backbone.layers.1.downsample.reduction.weight",
                                        "layers.1.downsample.reduction.weight"};
    dp_error err = {0};
    dp_named_tensor *out;
    size_t count;
    float theirs[OUT][4 * C], ours[OUT][4 * C];
    for (int o = 0; o < OUT; o++)
        for (int c = 0; c < C; c++)
            for (int row = 0; row < 2; row++)
                for (int column = 0; column < 2; column++)
                    theirs[o][4 * c + 2 * row + column] =
                        ours[o][(row + 2 * column) * C + c] =
                            (float)(1000 * o + 100 * c + 10 * row + column);
    dp_named_tensor in =
        matrix("backbone.stages.1.downsample.reduction.weight", OUT, 4 * C, theirs[0]);
    dp_name_map *map = load_map(maps[_i]);
    ck_assert_int_eq(dp_name_map_apply(&err, map, &out, &count, &in, 1), DP_OK);
    check_values(out, names[_i], sizeof ours / sizeof **ours, ours[0]);
    free(out);

    in.shape[1] = 4 * C - 1;
    ck_assert_int_eq(dp_name_map_apply(&err, map, &out, &count, &in, 1), DP_EFORMAT);
    ck_assert_str_eq(err.text, "tensor backbone.stages.1.downsample.reduction.weight: "
                               "the last extent of [2, 11] is no multiple of 4");
    dp_name_map_free(map);
}
END_TEST

#define SELF "swin.encoder.layers.0.blocks.1.attention.self."

START_TEST(query_key_and_value_of_hugging_face_are_joined)
{
    static const float q[] = {1, 2, 3, 4}, k[] = {5, 6, 7, 8}, v[] = {9, 10, 11, 12};
    static const float joined[] = {1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11, 12};
    dp_error err = {0};
    dp_named_tensor *out;
    size_t count;
    /* In any order, other tensors between them, and one of them transposed. */
    dp_named_tensor in[] = {
        matrix(SELF "value.weight", 2, 2, v), matrix("classifier.weight", 2, 2, q),
        matrix(SELF "query.weight", 2, 2, q), matrix(SELF "key.weight", 2, 2, k)};
    in[3].stride[0] = 1;
    in[3].stride[1] = 2;
    dp_name_map *map = load_map("configs/names/huggingface_swin.json");
    ck_assert_int_eq(dp_name_map_apply(&err, map, &out, &count, in, 4), DP_OK);
    ck_assert_uint_eq(count, 2);
    check_values(&out[0], "head.weight", 4, q);
    check_values(&out[1], "layers.0.blocks.1.attn.qkv.weight", 12, joined);
    ck_assert(out[1].rank == 2 && out[1].shape[0] == 6);
    free(out);
    dp_name_map_free(map);
}
END_TEST

/* What one of three tensors to be joined is changed to, and what is said. */
static const struct {
    dp_named_tensor piece;
    dp_status status;
    const char *sentence;
} bad_pieces[] = {
    {{.name = SELF "quay.weight", .rank = 1, .shape = {4}, .stride = {1}},
     DP_EFORMAT,
     "tensor " SELF "query.weight: no swin.encoder.layers.{s}.blocks.{b}."
     "attention.self.key.* to join it to, as Hugging Face's names have it"},
    {{.name = SELF "key.weight", .rank = 2, .shape = {2, 2}, .stride = {2, 1}},
     DP_EFORMAT,
     "tensor " SELF "key.weight: F32 [2, 2] cannot be joined to F32 [4] of " SELF
     "query.weight"},
    {{.name = SELF "key.weight",
      .dtype = DP_DTYPE_F16,
      .rank = 1,
      .shape = {4},
      .stride = {1}},
     DP_EFORMAT,
     "tensor " SELF "key.weight: F16 [4] cannot be joined to F32 [4] of " SELF
     "query.weight"},
    {{.name = SELF "key.weight",
      .dtype = DP_DTYPE_OTHER,
      .rank = 1,
      .shape = {4},
      .stride = {1}},
     DP_EUNSUPPORTED,
     "tensor " SELF "key.weight: its type is not read"},
    {{.name = SELF "key.weight", .rank = 1, .shape = {0}, .stride = {1}},
     DP_EFORMAT,
     "tensor " SELF "key.weight: has no elements"},
};

START_TEST(what_cannot_be_joined_is_named)
{
    static const float values[4];
    dp_error err = {0};
    dp_named_tensor *out;
    size_t count;
    dp_named_tensor in[] = {
        {.name = SELF "query.weight", .rank = 1, .shape = {4}, .stride = {1}},
        bad_pieces[_i].piece,
        {.name = SELF "value.weight", .rank = 1, .shape = {4}, .stride = {1}}};
    for (int i = 0; i < COUNT(in); i++)
        in[i].data = values;
    dp_name_map *map = load_map("configs/names/huggingface_swin.json");
    ck_assert_int_eq(dp_name_map_apply(&err, map, &out, &count, in, COUNT(in)),
                     bad_pieces[_i].status);
    ck_assert_str_eq(err.text, bad_pieces[_i].sentence);
    ck_assert_ptr_null(out);
    dp_name_map_free(map);
}
END_TEST

#define MAP_OF(rule)  "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [{" rule "}]}"
#define REORDER(axes) MAP_OF("\"from\": \"a\", \"to\": \"b\", \"reorder\": " axes)

static const char *const bad_maps[] = {
    "[]",
    "{\"name\": \"n\", \"marks\": [\"a\"]}",
    "{\"name\": \"n\", \"marks\": [], \"rules\": []}",
    "{\"name\": \"n\", \"marks\": [1], \"rules\": []}",
    "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [], \"nmae\": 1}",
    "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [{\"from\": \"a\"}]}",
    "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [{\"from\": \"*.a\", \"to\": "
    "\"b\"}]}",
    "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [{\"from\": \"{i\", \"to\": "
    "\"b\"}]}",
    "{\"name\": \"n\", \"marks\": [\"a\"], \"rules\": [{\"from\": \"a\", \"to\": "
    "\"{i}\"}]}",
    MAP_OF("\"from\": \"a\", \"to\": \"b\", \"sqeeze\": true"),
    MAP_OF("\"from\": [], \"to\": \"b\""),
    MAP_OF("\"from\": [\"a\", 1], \"to\": \"b\""),
    MAP_OF("\"from\": [\"a\", \"b\", \"c\", \"d\", \"e\"], \"to\": \"b\""),
    MAP_OF("\"from\": [\"a.*\", \"b.{i}.*\"], \"to\": \"c.*\""),
    MAP_OF("\"from\": [\"a.{i}.*\", \"b.*\"], \"to\": \"c.*\""),
    REORDER("1"),
    REORDER("{\"extents\": [-1], \"order\": [0]}"),
    REORDER("{\"extents\": [-1, 2, 2, 2, 2], \"order\": [0, 1, 2, 3, 4]}"),
    REORDER("{\"extents\": [-1, 2], \"order\": [0]}"),
    REORDER("{\"extents\": [-1, 0], \"order\": [1, 0]}"),
    REORDER("{\"extents\": [-1, -1], \"order\": [1, 0]}"),
    REORDER("{\"extents\": [2, 2], \"order\": [1, 0]}"),
    REORDER("{\"extents\": [-1, 2], \"order\": [1, 1]}"),
    REORDER("{\"extents\": [-1, 2], \"order\": [1, 2]}"),
    REORDER("{\"extents\": [-1, 2], \"order\": [1, \"0\"]}"),
};

START_TEST(a_wrong_map_is_refused_with_its_file)
{
    dp_error err = {0};
    dp_name_map *map;
    const char *path = scratch_file("bad.json", bad_maps[_i], strlen(bad_maps[_i]));
    ck_assert_int_eq(dp_name_map_load(&err, &map, path), DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "bad.json"));
    ck_assert_ptr_null(map);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("names");
    TCase *t = tcase_create("names");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    /* Those of Swin are beside the repository. */
    const bool swin =
        shared_has("golden2/swin_upernet") && shared_has("golden2/swin_mask_rcnn");
    tcase_add_loop_test(t, a_segmentor_under_other_names_is_the_same, 0,
                        swin ? COUNT(segmentor_maps) : 2);
    tcase_add_loop_test(t, a_detector_under_other_names_is_the_same, 0,
                        swin ? COUNT(detector_maps) : 1);
    if (shared_has("golden/convnext_cls") && shared_has("golden2/swin_cls"))
        tcase_add_loop_test(t, a_classifier_under_other_names_is_the_same, 0,
                            COUNT(classifier_maps));
    tcase_add_loop_test(t, a_rule_renames_whole_names, 0, COUNT(renamings));
    tcase_add_loop_test(t, a_merging_of_openmmlab_is_reordered, 0, 2);
    tcase_add_test(t, query_key_and_value_of_hugging_face_are_joined);
    tcase_add_loop_test(t, what_cannot_be_joined_is_named, 0, COUNT(bad_pieces));
    tcase_add_loop_test(t, a_wrong_map_is_refused_with_its_file, 0, COUNT(bad_maps));
    suite_add_tcase(s, t);
    return suite_run(s);
}
