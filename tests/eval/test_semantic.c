/* Label maps: exact counts against plain loops, upstream's numbers, rules at corners. */
#include "base/memory.h"
#include "eval/semantic_pairs.h"
#include "eval/semantic_text.h"
#include "io/image/png.h"
#include "tests/support/random.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dp_error err;

enum { ROOM = 512 };

static void save(const char *path, int h, int w, const uint8_t *labels)
{
    dp_label_map m = {h, w, NULL, 0};
    uint8_t copy[100000];
    memcpy(copy, labels, (size_t)h * (size_t)w);
    m.labels = copy;
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, NULL, 0), DP_OK);
}

/* One more pair, of these maps; prediction NULL: no file. */
static void add_pair(dp_semantic_pairs *p, int h, int w, const uint8_t *truth, int ph,
                     int pw, const uint8_t *prediction)
{
    char name[32], t[ROOM], q[ROOM];
    snprintf(name, sizeof name, "t%zu.png", p->count);
    snprintf(t, ROOM, "%s", scratch_path(name));
    snprintf(name, sizeof name, "p%zu.png", p->count);
    snprintf(q, ROOM, "%s", scratch_path(name));
    save(t, h, w, truth);
    if (prediction)
        save(q, ph, pw, prediction);
    ck_assert_int_eq(dp_semantic_pairs_add(&err, p, t, q), DP_OK);
}

static void add_same_size(dp_semantic_pairs *p, int w, const uint8_t *truth,
                          const uint8_t *prediction)
{
    add_pair(p, 1, w, truth, 1, w, prediction);
}

static dp_semantic_settings settings_of(int classes, int offset)
{
    dp_semantic_settings s;
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, classes, offset), DP_OK);
    dp_semantic_settings_ignore_usual(&s);
    return s;
}

static dp_semantic_counts count(dp_semantic_pairs *p, const dp_semantic_settings *s,
                                int threads)
{
    dp_semantic_counts c;
    dp_pool *pool;
    ck_assert_int_eq(dp_pool_new(&err, &pool, threads), DP_OK);
    ck_assert_int_eq(dp_semantic_count(&err, &c, s, p->list, p->count, pool), DP_OK);
    dp_pool_free(pool);
    return c;
}

static void done(dp_semantic_pairs *p, dp_semantic_counts *c)
{
    dp_semantic_counts_done(c);
    dp_semantic_pairs_done(p);
}

/* ---- numbers --------------------------------------------------------------------------- */

START_TEST(counts_are_those_of_a_plain_loop)
{
    enum { K = 20, W = 317, H = 101 };
    dp_semantic_pairs p = {0};
    static uint8_t truth[H * W], prediction[H * W];
    static uint64_t expected[K * (K + 1)];
    uint64_t seed = 7;
    memset(expected, 0, sizeof expected);
    for (int image = 0; image < 8; image++) {
        int t = 0, q = 0;
        const int calm = 1 + 40 * image; /* from noise to long runs */
        for (int i = 0; i < H * W; i++) {
            t = random_int(&seed, calm) ? t : random_int(&seed, K + 1);
            q = random_int(&seed, calm) ? q : random_int(&seed, K + 1);
            truth[i] = (uint8_t)t;
            prediction[i] = (uint8_t)q;
            if (t > 0)
                expected[(t - 1) * (K + 1) + (q > 0 ? q - 1 : K)]++;
        }
        add_pair(&p, H, W, truth, H, W, prediction);
    }
    const dp_semantic_settings s = settings_of(K, 1);
    dp_semantic_counts c = count(&p, &s, _i);
    ck_assert_uint_eq(c.images, 8);
    ck_assert_mem_eq(c.confusion, expected, sizeof expected);
    uint64_t pixels = 0, correct = 0;
    for (size_t i = 0; i < p.count; i++) {
        pixels += p.list[i].pixels;
        correct += p.list[i].correct;
    }
    dp_semantic_class classes[K];
    const dp_semantic_scores scores = dp_semantic_score(&c, classes);
    ck_assert_uint_eq(scores.pixels, pixels);
    ck_assert(scores.a_acc == (double)correct / (double)pixels);
    done(&p, &c);
}
END_TEST

/* Truth 1 1 1 2 2 0, prediction 1 1 2 2 3 3: class 3 is predicted and never true. */
START_TEST(classes_without_pixels_are_left_out_of_the_means)
{
    static const uint8_t truth[] = {1, 1, 1, 2, 2, 0},
                         prediction[] = {1, 1, 2, 2, 3, 3};
    dp_semantic_pairs p = {0};
    dp_semantic_class x[4];
    add_same_size(&p, 6, truth, prediction);
    const dp_semantic_settings s = settings_of(4, 1);
    dp_semantic_counts c = count(&p, &s, 1);
    const dp_semantic_scores scores = dp_semantic_score(&c, x);
    ck_assert(x[0].iou == 2. / 3 && x[0].acc == 2. / 3);
    ck_assert(x[1].iou == 1. / 3 && x[1].acc == .5);
    ck_assert(x[2].iou == 0 && isnan(x[2].acc));
    ck_assert(isnan(x[3].iou) && isnan(x[3].acc));
    ck_assert(scores.a_acc == 3. / 5);
    ck_assert_double_eq_tol(scores.m_iou, (2. / 3 + 1. / 3 + 0) / 3, 1e-15);
    ck_assert_double_eq_tol(scores.m_acc, (2. / 3 + .5) / 2, 1e-15);
    ck_assert_uint_eq(scores.pixels, 5);
    ck_assert_uint_eq(scores.unassigned, 0);
    done(&p, &c);
}
END_TEST

START_TEST(no_class_predicted_is_wrong_and_nobodys)
{
    static const uint8_t truth[] = {1, 1, 255, 0}, prediction[] = {1, 0, 9, 200};
    dp_semantic_pairs p = {0};
    dp_semantic_class x[10];
    add_same_size(&p, 4, truth, prediction);
    const dp_semantic_settings s = settings_of(10, 1);
    dp_semantic_counts c = count(&p, &s, 1);
    const dp_semantic_scores scores = dp_semantic_score(&c, x);
    ck_assert_uint_eq(c.images, 1); /* 9 and 200 are where the truth is ignored */
    ck_assert(x[0].label == 2 && x[0].pred == 1 && x[0].intersect == 1);
    ck_assert(scores.unassigned == 1 && scores.a_acc == .5);
    done(&p, &c);
}
END_TEST

START_TEST(nothing_to_count_has_no_numbers)
{
    static const uint8_t zeros[4] = {0};
    dp_semantic_pairs p = {0};
    dp_semantic_class x[3];
    add_same_size(&p, 4, zeros, zeros);
    const dp_semantic_settings s = settings_of(3, 1);
    dp_semantic_counts c = count(&p, &s, 1);
    const dp_semantic_scores scores = dp_semantic_score(&c, x);
    ck_assert(isnan(scores.a_acc) && isnan(scores.m_iou) && isnan(scores.m_acc));
    done(&p, &c);
}
END_TEST

/* Every bit of upstream's three numbers, and its counts. */
START_TEST(the_reference_numbers_come_out)
{
    static const char folder[] = "data/coco_eval/golden/";
    cJSON *golden = json_load(shared_path("%sade20k_synth_metrics.json", folder));
    dp_semantic_pairs p = {0};
    dp_semantic_class x[150];
    for (int i = 1; i <= 3; i++) {
        char t[ROOM], q[ROOM];
        snprintf(t, ROOM, "%s",
                 shared_path("data/ade20k/annotations/ADE_val_0000000%d.png", i));
        snprintf(q, ROOM, "%s",
                 shared_path("%sade20k_synth_pred/ADE_val_0000000%d.png", folder, i));
        ck_assert_int_eq(dp_semantic_pairs_add(&err, &p, t, q), DP_OK);
    }
    const dp_semantic_settings s = settings_of(150, 1);
    dp_semantic_counts c = count(&p, &s, 2);
    const dp_semantic_scores scores = dp_semantic_score(&c, x);
    ck_assert(scores.a_acc == json_number(golden, "aAcc"));
    ck_assert(scores.m_iou == json_number(golden, "mIoU_nanmean"));
    ck_assert(scores.m_acc == json_number(golden, "mAcc_nanmean"));
    for (int k = 0; k < 150; k++) {
        const cJSON *inter = cJSON_GetArrayItem(json_get(golden, "inter"), k);
        const cJSON *pred = cJSON_GetArrayItem(json_get(golden, "pred"), k);
        const cJSON *label = cJSON_GetArrayItem(json_get(golden, "label"), k);
        ck_assert((double)x[k].intersect == inter->valuedouble);
        ck_assert((double)x[k].pred == pred->valuedouble);
        ck_assert((double)x[k].label == label->valuedouble);
    }
    done(&p, &c);
    cJSON_Delete(golden);
}
END_TEST

/* ---- what is bad ------------------------------------------------------------------------- */

START_TEST(bad_pairs_are_told_apart_and_left_out)
{
    static const uint8_t good[] = {1, 2, 3, 0, 0, 0}, high[] = {1, 2, 4, 0, 0, 0};
    static const uint8_t hidden[] = {1, 2, 3, 4, 77, 200};
    dp_semantic_pairs p = {0};
    add_same_size(&p, 6, good, good);
    add_same_size(&p, 6, good, NULL);
    add_pair(&p, 1, 6, good, 2, 3, good);
    add_same_size(&p, 6, high, good);
    add_same_size(&p, 6, good, high);
    add_same_size(&p, 6, good, hidden); /* beyond only where the truth is ignored */
    add_same_size(&p, 6, good, good);
    scratch_text("p6.png", "no PNG");
    static const dp_semantic_kind kinds[] = {
        DP_SEMANTIC_GOOD,         DP_SEMANTIC_NO_PREDICTION,     DP_SEMANTIC_SIZE,
        DP_SEMANTIC_TRUTH_BEYOND, DP_SEMANTIC_PREDICTION_BEYOND, DP_SEMANTIC_GOOD,
        DP_SEMANTIC_UNREADABLE};
    static const char *const words[] = {
        NULL,
        "there is no prediction",
        "found 3 x 2 pixels (width x height), expected 6 x 1",
        "t3.png: label 4, of 1 pixels, is no class",
        "p4.png: label 4, of 1 pixels, is no class",
        NULL,
        "p6.png"};
    const dp_semantic_settings s = settings_of(3, 1);
    dp_semantic_counts c = count(&p, &s, _i);
    ck_assert_uint_eq(c.images, 2);
    for (size_t i = 0; i < p.count; i++) {
        ck_assert_int_eq(p.list[i].kind, kinds[i]);
        ck_assert_int_eq(p.list[i].problem == NULL, words[i] == NULL);
        if (words[i])
            ck_assert_msg(strstr(p.list[i].problem, words[i]) != NULL, "%s",
                          p.list[i].problem);
        ck_assert_uint_eq(c.bad[kinds[i]], kinds[i] == DP_SEMANTIC_GOOD ? 0 : 1);
    }
    done(&p, &c);
}
END_TEST

/* ---- settings and text --------------------------------------------------------------------- */

static const struct {
    int classes, offset;
    const char *text;
} said[] = {
    {150, 1,
     "label values that are classes: 1 to 150 (150); ignored: 0, 255 "
     "(reduce_zero_label)"},
    {19, 0, "label values that are classes: 0 to 18 (19); ignored: 255"},
    {256, 0, "label values that are classes: 0 to 255 (256); ignored: none"},
    {1, 7, "label values that are classes: 7 (1); ignored: 0, 255"},
};

START_TEST(settings_are_said)
{
    dp_text t = {.err = &err};
    const dp_semantic_settings s = settings_of(said[_i].classes, said[_i].offset);
    dp_semantic_add_settings(&t, &s);
    ck_assert_str_eq(dp_text_get(&t), said[_i].text);
    dp_text_done(&t);
}
END_TEST

START_TEST(more_values_than_there_are_are_refused)
{
    dp_semantic_settings s;
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, 0, 0), DP_EARG);
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, 257, 0), DP_EARG);
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, 256, 1), DP_EARG);
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, 1, -1), DP_EARG);
    ck_assert_int_eq(dp_semantic_settings_init(&err, &s, 1, 255), DP_OK);
}
END_TEST

/* The layout of upstream's tables: centred, a blank more on the left of a text of even
 * length, on the right of one of odd length. */
START_TEST(tables_are_laid_out_as_those_of_upstream)
{
    static char a[] = "wall", b[] = "swivel chair", c0[] = "sky";
    static dp_class list[] = {{a, 1, {0, 0, 0}}, {b, 2, {0, 0, 0}}, {c0, 3, {0, 0, 0}}};
    static const uint8_t truth[] = {1, 1, 1, 1, 2, 2, 2, 2},
                         prediction[] = {1, 1, 1, 2, 2, 2, 2, 2};
    const dp_dataset dataset = {NULL, 3, list};
    dp_semantic_pairs p = {0};
    dp_semantic_class x[3];
    dp_text t = {.err = &err};
    add_same_size(&p, 8, truth, prediction);
    const dp_semantic_settings s = settings_of(3, 1);
    dp_semantic_counts c = count(&p, &s, 1);
    const dp_semantic_result r = {.counts = &c,
                                  .classes = x,
                                  .scores = dp_semantic_score(&c, x),
                                  .dataset = &dataset,
                                  .pairs = p.list,
                                  .pair_count = p.count};
    dp_semantic_add_tables(&t, &r);
    ck_assert_str_eq(dp_text_get(&t), "per class results:\n\n"
                                      "+--------------+------+-------+\n"
                                      "|    Class     | IoU  |  Acc  |\n"
                                      "+--------------+------+-------+\n"
                                      "|     wall     | 75.0 |  75.0 |\n"
                                      "| swivel chair | 80.0 | 100.0 |\n"
                                      "|     sky      | n/a  |  n/a  |\n"
                                      "+--------------+------+-------+\n"
                                      "Summary:\n\n"
                                      "+------+------+------+\n"
                                      "| aAcc | mIoU | mAcc |\n"
                                      "+------+------+------+\n"
                                      "| 87.5 | 77.5 | 87.5 |\n"
                                      "+------+------+------+\n");
    dp_text_done(&t);
    done(&p, &c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("eval/semantic");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, counts_are_those_of_a_plain_loop, 1, 4);
    tcase_add_test(t, classes_without_pixels_are_left_out_of_the_means);
    tcase_add_test(t, no_class_predicted_is_wrong_and_nobodys);
    tcase_add_test(t, nothing_to_count_has_no_numbers);
    tcase_add_loop_test(t, bad_pairs_are_told_apart_and_left_out, 1, 4);
    tcase_add_loop_test(t, settings_are_said, 0, (int)(sizeof said / sizeof *said));
    tcase_add_test(t, more_values_than_there_are_are_refused);
    tcase_add_test(t, tables_are_laid_out_as_those_of_upstream);
    if (shared_has("data/ade20k") && shared_has("data/coco_eval/golden"))
        tcase_add_test(t, the_reference_numbers_come_out);
    suite_add_tcase(s, t);
    return suite_run(s);
}
