/* Checkpoints under other projects' names: the same model, the same answer. */
#include "core/label_map.h"
#include "io/checkpoint.h"
#include "io/image.h"
#include "io/name_map.h"
#include "io/safetensors.h"
#include "model/classifier.h"
#include "model/detector.h"
#include "model/model.h"
#include "model/segmentor.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* The map with "from" and "to" of every rule exchanged, as a file. */
static const char *reversed(const char *map)
{
    cJSON *root = json_load(map);
    cJSON *rule;
    cJSON_ArrayForEach(rule, cJSON_GetObjectItem(root, "rules"))
    {
        cJSON *from = cJSON_DetachItemFromObject(rule, "from");
        cJSON *to = cJSON_DetachItemFromObject(rule, "to");
        cJSON_AddItemToObject(rule, "from", to);
        cJSON_AddItemToObject(rule, "to", from);
        cJSON_DeleteItemFromObject(rule, "squeeze");
        cJSON *shape = cJSON_DetachItemFromObject(rule, "unsqueeze");
        if (shape)
            cJSON_AddItemToObject(rule, "squeeze", shape);
    }
    char *text = cJSON_Print(root);
    const char *path = scratch_file("reversed.json", text, strlen(text));
    free(text);
    cJSON_Delete(root);
    return path;
}

/* A copy of a checkpoint under the names of the map. */
static void rename_checkpoint(const char *out, const char *weights, const char *map)
{
    dp_error err = {0};
    dp_checkpoint *file;
    dp_name_map *names;
    dp_named_tensor *renamed;
    size_t count;
    ck_assert_int_eq(dp_checkpoint_open(&file, weights, &err), DP_OK);
    const dp_named_tensor *tensors = dp_checkpoint_tensors(file, &count);
    ck_assert_msg(dp_name_map_load(&err, &names, reversed(map)) == DP_OK, "%s",
                  err.text);
    ck_assert_int_eq(dp_name_map_apply(names, &err, &renamed, tensors, count), DP_OK);
    size_t changed = 0;
    for (size_t i = 0; i < count; i++)
        changed += strcmp(renamed[i].name, tensors[i].name) != 0;
    ck_assert_uint_gt(changed, 10);
    ck_assert_int_eq(dp_safetensors_save(&err, out, renamed, count, NULL), DP_OK);
    dp_name_map_free(names);
    free(renamed);
    dp_checkpoint_close(file);
}

static dp_context *new_context(void)
{
    dp_context *ctx;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    return ctx;
}

static dp_label_map segment(const char *config, const char *weights,
                            const char *picture)
{
    dp_context *ctx = new_context();
    dp_model *m;
    dp_pixels pixels;
    dp_label_map map = {0};
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(dp_pixels_load(&ctx->err, &pixels, picture), DP_OK);
    ck_assert_int_eq(dp_segmentor_run(ctx, m, &pixels, &map), DP_OK);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
    return map;
}

static const char *const upernet_maps[] = {"configs/names/huggingface_upernet.json",
                                           "configs/names/openmmlab_upernet.json"};

START_TEST(a_segmentor_under_other_names_is_the_same)
{
    static const char config[] = "tests/golden/upernet_tiny/config_whole.json";
    static const char weights[] = "tests/golden/upernet_tiny/model.safetensors";
    static const char picture[] = "tests/golden/upernet_tiny/000000000201.png";
    const char *copy = scratch_path("copy.safetensors");
    rename_checkpoint(copy, weights, upernet_maps[_i]);
    dp_label_map a = segment(config, weights, picture),
                 b = segment(config, copy, picture);
    ck_assert(a.h == b.h && a.w == b.w);
    ck_assert_mem_eq(a.labels, b.labels, (size_t)a.h * (size_t)a.w);
    dp_label_map_done(&a);
    dp_label_map_done(&b);
}
END_TEST

static dp_detections detect(const char *config, const char *weights,
                            const char *picture)
{
    dp_context *ctx = new_context();
    dp_model *m;
    dp_pixels pixels;
    dp_detections found = {0};
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(dp_pixels_load(&ctx->err, &pixels, picture), DP_OK);
    ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &found), DP_OK);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
    return found;
}

START_TEST(a_detector_under_other_names_is_the_same)
{
    static const char config[] = "tests/golden/mask_rcnn_tiny/config.json";
    static const char weights[] = "tests/golden/mask_rcnn_tiny/model.pth";
    static const char picture[] = "tests/golden/mask_rcnn_tiny/000000000101.png";
    const char *copy = scratch_path("copy.safetensors");
    rename_checkpoint(copy, weights, "configs/names/openmmlab.json");
    dp_detections a = detect(config, weights, picture),
                  b = detect(config, copy, picture);
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
};

START_TEST(a_classifier_under_other_names_is_the_same)
{
    static dp_class_score a[TOP], b[TOP];
    const char *copy = scratch_path("copy.safetensors");
    const char *config = classifier_maps[_i].config;
    const char *weights = shared_path("%s/model.pth", classifier_maps[_i].weights);
    rename_checkpoint(copy, weights, classifier_maps[_i].map);
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
    ck_assert_int_eq(dp_name_map_apply(map, &err, &out, &in, 1), DP_OK);
    ck_assert_str_eq(out[0].name, renamings[_i].expected);
    ck_assert_int_eq(out[0].rank, strcmp(in.name, out[0].name) ? 1 : 3);
    free(out);
    dp_name_map_free(map);
}
END_TEST

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
    tcase_add_loop_test(t, a_segmentor_under_other_names_is_the_same, 0,
                        COUNT(upernet_maps));
    tcase_add_test(t, a_detector_under_other_names_is_the_same);
    if (shared_has("golden/convnext_cls") && shared_has("golden2/swin_cls"))
        tcase_add_loop_test(t, a_classifier_under_other_names_is_the_same, 0,
                            COUNT(classifier_maps));
    tcase_add_loop_test(t, a_rule_renames_whole_names, 0, COUNT(renamings));
    tcase_add_loop_test(t, a_wrong_map_is_refused_with_its_file, 0, COUNT(bad_maps));
    suite_add_tcase(s, t);
    return suite_run(s);
}
