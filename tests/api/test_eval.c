/* The public evaluators: options, order of calls, numbers, notices, texts. Their numbers
 * are compared with upstream's in tests/eval. */
#include "densepred/eval.h"
#include "io/image/png.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_context *ctx;
static char truth[256], results[256];

static void setup(void)
{
    scratch_setup();
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
}

static void teardown(void)
{
    dp_context_free(ctx);
    scratch_teardown();
}

static void expect(dp_status status, dp_status wanted, const char *said)
{
    ck_assert_msg(status == wanted, "%d: %s", (int)status, dp_context_error(ctx));
    if (wanted != DP_OK)
        ck_assert_msg(strstr(dp_context_error(ctx), said) != NULL, "%s",
                      dp_context_error(ctx));
}

/* ---- COCO ------------------------------------------------------------------------------ */

/* Two cats and a dog. The first cat is found, then a false one, then the second cat. */
static void write_files(void)
{
    snprintf(
        truth, sizeof truth, "%s",
        scratch_text("gt.json",
                     "{\"images\":[{\"id\":7,\"width\":100,\"height\":80}],"
                     "\"annotations\":["
                     "{\"id\":1,\"image_id\":7,\"category_id\":3,\"bbox\":[0,0,20,20],"
                     "\"area\":400,\"iscrowd\":0},"
                     "{\"id\":2,\"image_id\":7,\"category_id\":3,\"bbox\":[40,0,20,20],"
                     "\"area\":400,\"iscrowd\":0},"
                     "{\"id\":3,\"image_id\":7,\"category_id\":9,\"bbox\":[70,0,20,20],"
                     "\"area\":400,\"iscrowd\":0}],"
                     "\"categories\":[{\"id\":3,\"name\":\"cat\"},"
                     "{\"id\":9,\"name\":\"dog\"}]}"));
    snprintf(
        results, sizeof results, "%s",
        scratch_text(
            "dt.json",
            "[{\"image_id\":7,\"category_id\":3,\"bbox\":[0,0,20,20],\"score\":0.9},"
            "{\"image_id\":7,\"category_id\":3,\"bbox\":[0,60,9,9],\"score\":0.8},"
            "{\"image_id\":7,\"category_id\":3,\"bbox\":[40,0,20,20],\"score\":0.5},"
            "{\"image_id\":8,\"category_id\":3,\"bbox\":[40,0,20,20],\"score\":1}]"));
}

static const double falling[] = {.5, .4}, two_thirds[] = {.5, .75};
static const int same[] = {5, 5}, none[] = {0}, caps[] = {100, 2};
static const dp_area_range nameless[] = {{"", 0, 1}}, backwards[] = {{"a", 2, 1}};
static const int64_t unknown[] = {7, 8};

static const struct {
    dp_coco_eval_options options;
    const char *said;
} refused[] = {
    {{.types = 4}, "types: 4"},
    {{.iou_thresholds = falling, .iou_threshold_count = 2}, "0.4 after 0.5"},
    {{.iou_thresholds = falling, .iou_threshold_count = 0}, "found 0, expected 1 to"},
    {{.max_dets = same, .max_det_count = 2}, "5 is given twice"},
    {{.max_dets = none, .max_det_count = 1}, "0 is below 1"},
    {{.max_dets = same, .max_det_count = 9}, "found 9 numbers, expected 1 to 8"},
    {{.area_ranges = nameless, .area_range_count = 1}, "a name has 1 to 15 bytes"},
    {{.area_ranges = backwards, .area_range_count = 1}, "2 to 1 is no range"},
    {{.area_ranges = backwards, .area_range_count = 9}, "found 9, expected 1 to 8"},
};

START_TEST(wrong_options_are_refused)
{
    dp_coco_eval *eval;
    expect(dp_coco_eval_new(ctx, &eval, &refused[_i].options), DP_EARG,
           refused[_i].said);
    ck_assert_ptr_null(eval);
}
END_TEST

static dp_coco_eval *evaluate(const dp_coco_eval_options *options)
{
    dp_coco_eval *eval;
    write_files();
    expect(dp_coco_eval_new(ctx, &eval, options), DP_OK, NULL);
    expect(dp_coco_eval_load(ctx, eval, truth, results), DP_OK, NULL);
    expect(dp_coco_eval_run(ctx, eval), DP_OK, NULL);
    return eval;
}

START_TEST(every_number_has_a_place)
{
    const dp_coco_eval_options options = {.iou_thresholds = two_thirds,
                                          .iou_threshold_count = 2,
                                          .max_dets = caps,
                                          .max_det_count = 2};
    dp_coco_eval *eval = evaluate(&options);
    const dp_coco_place all = {.category = -1, .max_dets = -1, .threshold = -1};
    const dp_coco_place cat = {.max_dets = -1, .threshold = 1};
    dp_coco_place few = cat, other = cat;
    double precision[101], scores[101];
    few.max_dets = 0;
    other.threshold = 2;
    ck_assert_int_eq(dp_coco_eval_types(eval), DP_COCO_BBOX);
    ck_assert_int_eq(dp_coco_eval_class_count(eval), 2);
    ck_assert_str_eq(dp_coco_eval_class_name(eval, 1), "dog");
    ck_assert(dp_coco_eval_class_id(eval, 1) == 9);
    ck_assert_ptr_null(dp_coco_eval_class_name(eval, 2));

    /* Recall .5 at precision 1, then 1 at 2/3; the dog is missed. */
    const double ap = (51 + 50 * 2. / 3) / 101;
    ck_assert_double_eq_tol(dp_coco_eval_ap(eval, DP_COCO_BBOX, cat), ap, 1e-12);
    ck_assert_double_eq_tol(dp_coco_eval_ap(eval, DP_COCO_BBOX, all), ap / 2, 1e-12);
    ck_assert_double_eq_tol(dp_coco_eval_stat(eval, DP_COCO_BBOX, 0), ap / 2, 1e-12);
    ck_assert(dp_coco_eval_ar(eval, DP_COCO_BBOX, cat) == 1);
    ck_assert(dp_coco_eval_ar(eval, DP_COCO_BBOX, few) == .5);
    ck_assert_int_eq(dp_coco_eval_stat_count(eval), 11);

    ck_assert_int_eq(dp_coco_eval_curve(eval, DP_COCO_BBOX, cat, precision, scores), 1);
    for (int r = 0; r < 101; r++) {
        ck_assert_double_eq_tol(precision[r], r <= 50 ? 1 : 2. / 3, 1e-12);
        ck_assert(scores[r] == (r <= 50 ? .9 : .5));
    }
    /* What is not there. */
    ck_assert_int_eq(dp_coco_eval_curve(eval, DP_COCO_BBOX, all, precision, NULL), 0);
    ck_assert_int_eq(dp_coco_eval_curve(eval, DP_COCO_BBOX, few, NULL, scores), 0);
    ck_assert(dp_coco_eval_ap(eval, DP_COCO_BBOX, few) == -1);
    ck_assert(dp_coco_eval_ap(eval, DP_COCO_BBOX, other) == -1);
    ck_assert(dp_coco_eval_ap(eval, DP_COCO_SEGM, cat) == -1);
    ck_assert(dp_coco_eval_stat(eval, DP_COCO_BBOX, 11) == -1);
    dp_coco_eval_free(eval);
}
END_TEST

START_TEST(notices_say_what_is_left_out)
{
    dp_coco_eval *eval = evaluate(NULL);
    const char *text;
    ck_assert_uint_eq(dp_coco_eval_notice_count(eval), 1);
    const dp_eval_notice n = dp_coco_eval_get_notice(eval, 0);
    ck_assert_str_eq(n.kind, "result_unknown_image_id");
    ck_assert_str_eq(n.file, results);
    ck_assert(n.count == 1 && n.broken);
    ck_assert_ptr_nonnull(strstr(n.text, "results[3]: image_id: "));
    ck_assert_ptr_null(dp_coco_eval_get_notice(eval, 1).text);
    expect(dp_coco_eval_format_json(ctx, eval, .3, &text), DP_OK, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"kind\": \"result_unknown_image_id\""));
    expect(dp_coco_eval_format_text(ctx, eval, 1, &text), DP_OK, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\ncat                       0.835"));
    dp_coco_eval_free(eval);
}
END_TEST

START_TEST(calls_have_an_order)
{
    dp_coco_eval *eval;
    const char *text;
    write_files();
    expect(dp_coco_eval_new(
               ctx, &eval,
               &(dp_coco_eval_options){.image_ids = unknown, .image_id_count = 2}),
           DP_OK, NULL);
    expect(dp_coco_eval_run(ctx, eval), DP_EARG, "has no files yet");
    expect(dp_coco_eval_load(ctx, eval, truth, results), DP_OK, NULL);
    expect(dp_coco_eval_load(ctx, eval, truth, results), DP_EARG, "has files already");
    expect(dp_coco_eval_run(ctx, eval), DP_EARG, "image id 8");
    expect(dp_coco_eval_format_text(ctx, eval, 0, &text), DP_EARG, "has not run yet");
    expect(dp_coco_eval_format_json(ctx, eval, 0, &text), DP_EARG, "has not run yet");
    expect(dp_coco_eval_save_report(ctx, eval, scratch_path("page"), NULL, 0), DP_EARG,
           "has not run yet");
    ck_assert_int_eq(dp_coco_eval_types(eval), 0);
    ck_assert(dp_coco_eval_stat(eval, DP_COCO_BBOX, 0) == -1);
    dp_coco_eval_free(eval);
    dp_coco_eval_free(NULL);
}
END_TEST

/* ---- label maps ------------------------------------------------------------------------ */

static const char *save(const char *name, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    dp_error err = {0};
    uint8_t labels[] = {a, b, c, d};
    const dp_label_map m = {2, 2, labels, 0};
    const char *path = scratch_path(name);
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, NULL, 0), DP_OK);
    return path;
}

START_TEST(label_maps_are_added_one_by_one)
{
    const dp_semantic_eval_options options = {.classes = 2, .offset = 1};
    dp_semantic_eval *eval;
    const char *text;
    expect(dp_semantic_eval_new(ctx, &eval, &options), DP_OK, NULL);
    expect(dp_semantic_eval_format_text(ctx, eval, &text), DP_EARG, "has not run yet");
    ck_assert_ptr_null(dp_semantic_eval_class(eval, 0).name);
    expect(dp_semantic_eval_add(ctx, eval, save("t.png", 1, 1, 2, 0),
                                save("p.png", 1, 2, 2, 2)),
           DP_OK, NULL);
    expect(dp_semantic_eval_add(ctx, eval, save("u.png", 1, 1, 1, 1), "none.png"),
           DP_OK, NULL);
    expect(dp_semantic_eval_run(ctx, eval), DP_OK, NULL);
    const dp_semantic_summary s = dp_semantic_eval_summary(eval);
    ck_assert(s.pairs == 2 && s.images == 1 && s.pixels == 3 && s.unassigned == 0);
    ck_assert(s.a_acc == 2. / 3 && s.m_iou == .5 && s.m_acc == .75);
    ck_assert_int_eq(dp_semantic_eval_class_count(eval), 2);
    const dp_semantic_class_score c = dp_semantic_eval_class(eval, 1);
    ck_assert_str_eq(c.name, "class 1");
    ck_assert(c.value == 2 && c.label == 1 && c.predicted == 2 && c.intersect == 1);
    ck_assert(c.iou == .5 && c.acc == 1);
    ck_assert_ptr_null(dp_semantic_eval_class(eval, 2).name);

    ck_assert_uint_eq(dp_semantic_eval_notice_count(eval), 1);
    const dp_eval_notice n = dp_semantic_eval_get_notice(eval, 0);
    ck_assert_str_eq(n.kind, "missing prediction");
    ck_assert(n.broken && n.count == 1);
    ck_assert_ptr_nonnull(strstr(n.text, "none.png"));
    expect(dp_semantic_eval_format_text(ctx, eval, &text), DP_OK, NULL);
    ck_assert_ptr_nonnull(strstr(text, "1 image, 3 pixels counted, 1 bad left out"));
    expect(dp_semantic_eval_run(ctx, eval), DP_EARG, "has run already");
    expect(dp_semantic_eval_add(ctx, eval, "t.png", "p.png"), DP_EARG,
           "has run already");
    expect(dp_semantic_eval_save_report(ctx, eval, scratch_path("page"), NULL), DP_OK,
           NULL);
    dp_semantic_eval_free(eval);
    dp_semantic_eval_free(NULL);
}
END_TEST

START_TEST(label_values_are_chosen)
{
    static const int two[] = {2}, beyond[] = {256};
    const struct {
        dp_semantic_eval_options options;
        const char *text; /* NULL: refused */
    } cases[] = {
        {{0}, "classes: 1 to 150 (150); ignored: 0, 255 (reduce_zero_label)"},
        {{.classes = 3}, "classes: 0 to 2 (3); ignored: 255"},
        {{.classes = 3, .ignored = two}, "classes: 0 to 2 (3); ignored: none"},
        {{.classes = 3, .ignored = two, .ignored_count = 1},
         "classes: 0 to 1 (3); ignored: 2"},
        {{.classes = 3, .ignored = beyond, .ignored_count = 1}, NULL},
        {{.classes = 200, .offset = 100}, NULL},
        {{.classes = -1}, NULL},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        dp_semantic_eval *eval;
        const char *text;
        const dp_status st = dp_semantic_eval_new(ctx, &eval, &cases[i].options);
        ck_assert_int_eq(st, cases[i].text ? DP_OK : DP_EARG);
        if (st != DP_OK)
            continue;
        expect(dp_semantic_eval_run(ctx, eval), DP_OK, NULL); /* of no images */
        ck_assert(isnan(dp_semantic_eval_summary(eval).m_iou));
        expect(dp_semantic_eval_format_text(ctx, eval, &text), DP_OK, NULL);
        ck_assert_msg(strstr(text, cases[i].text) != NULL, "%s", text);
        dp_semantic_eval_free(eval);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("api/eval");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, wrong_options_are_refused, 0, COUNT(refused));
    tcase_add_test(t, every_number_has_a_place);
    tcase_add_test(t, notices_say_what_is_left_out);
    tcase_add_test(t, calls_have_an_order);
    tcase_add_test(t, label_maps_are_added_one_by_one);
    tcase_add_test(t, label_values_are_chosen);
    suite_add_tcase(s, t);
    return suite_run(s);
}
