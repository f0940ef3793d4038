/* Layouts of images with classes: what they become, and what is refused. */
#include "train/image_list.h"

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* Images are not opened, so any bytes serve. */
static void make(const char *const *names)
{
    for (; *names; names++)
        scratch_text(*names, *names);
}
#define MAKE(...) make((const char *const[]){__VA_ARGS__, NULL})

static dp_image_lists load(const char *name, double set_aside, uint64_t seed)
{
    dp_error err = {0};
    dp_image_lists lists;
    const dp_image_lists_options options = {
        .path = scratch_path(name), .set_aside = set_aside, .seed = seed};
    ck_assert_msg(dp_image_lists_load(&err, &lists, &options) == DP_OK, "%s", err.text);
    return lists;
}

static void expect_refusal(const char *name, int class_count, dp_status want,
                           const char *sentence)
{
    dp_error err = {0};
    dp_image_lists lists;
    const dp_image_lists_options options = {.path = scratch_path(name),
                                            .class_count = class_count};
    ck_assert_int_eq(dp_image_lists_load(&err, &lists, &options), want);
    ck_assert_msg(strstr(err.text, sentence), "found: %s\nexpected: %s", err.text,
                  sentence);
    ck_assert(!lists.classes.list && !lists.split[DP_SPLIT_TRAIN].list);
}

/* "LABEL NAME ..." of a split. */
static void expect_split(const dp_image_list *list, const char *want)
{
    char text[512] = "";
    for (size_t i = 0; i < list->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d %s ",
                 list->list[i].label, list->list[i].path + list->list[i].name);
    ck_assert_str_eq(text, want);
}

static void make_imagenet(void)
{
    MAKE("set/train/dog/b.PNG", "set/train/dog/a.jpg", "set/train/cat/x.jpeg",
         "set/train/cat/notes.txt", "set/train/cat/.hidden.jpg", "set/train/readme.txt",
         "set/val/cat/y.jpg", "set/val/dog/c.jpg");
}

START_TEST(imagenet_has_two_folders)
{
    make_imagenet();
    dp_image_lists lists = load("set", 0, 0);
    ck_assert_str_eq(lists.classes.name, "set");
    ck_assert_int_eq(lists.classes.count, 2);
    ck_assert_str_eq(lists.classes.list[0].name, "cat");
    ck_assert_str_eq(lists.classes.list[1].name, "dog");
    ck_assert_int_eq(lists.classes.list[1].id, 1);
    expect_split(&lists.split[DP_SPLIT_TRAIN],
                 "0 train/cat/x.jpeg 1 train/dog/a.jpg 1 train/dog/b.PNG ");
    expect_split(&lists.split[DP_SPLIT_VAL], "0 val/cat/y.jpg 1 val/dog/c.jpg ");
    dp_image_lists_done(&lists);
}
END_TEST

START_TEST(the_digest_tells_other_data)
{
    char digest[DP_SHA256_HEX];
    make_imagenet();
    dp_image_lists lists = load("set", 0, 0);
    memcpy(digest, lists.digest, sizeof digest);
    dp_image_lists_done(&lists);
    lists = load("set", 0, 0);
    ck_assert_str_eq(lists.digest, digest);
    dp_image_lists_done(&lists);
    scratch_text("set/val/dog/c.jpg", "more bytes than were there");
    lists = load("set", 0, 0);
    ck_assert_str_ne(lists.digest, digest);
    dp_image_lists_done(&lists);
}
END_TEST

START_TEST(a_class_may_be_called_train)
{
    MAKE("traffic/train/a.jpg", "traffic/train/b.jpg", "traffic/car/a.jpg",
         "traffic/car/b.jpg");
    dp_image_lists lists = load("traffic/", 0.5, 1);
    ck_assert_str_eq(lists.classes.name, "traffic");
    ck_assert_str_eq(lists.classes.list[1].name, "train");
    ck_assert_uint_eq(lists.split[DP_SPLIT_TRAIN].count, 2);
    ck_assert_uint_eq(lists.split[DP_SPLIT_VAL].count, 2);
    dp_image_lists_done(&lists);
}
END_TEST

enum { EACH = 10 };

static void make_flat(void)
{
    for (int i = 0; i < EACH; i++) {
        char name[32];
        for (int c = 0; c < 2; c++) {
            snprintf(name, sizeof name, "flat/%c/%d.png", 'a' + c, i);
            scratch_text(name, "");
        }
    }
}

START_TEST(a_part_of_each_class_is_set_aside)
{
    make_flat();
    dp_image_lists first = load("flat", 0.3, 5), again = load("flat", 0.3, 5);
    dp_image_lists other = load("flat", 0.3, 6);
    const dp_image_list *val = &first.split[DP_SPLIT_VAL];
    ck_assert_uint_eq(val->count, 6);
    ck_assert_uint_eq(first.split[DP_SPLIT_TRAIN].count, 14);
    for (size_t i = 0; i < val->count; i++) {
        ck_assert_int_eq(val->list[i].label, i >= 3);
        ck_assert_str_eq(val->list[i].path, again.split[DP_SPLIT_VAL].list[i].path);
        for (size_t k = 0; k < first.split[DP_SPLIT_TRAIN].count; k++)
            ck_assert_str_ne(val->list[i].path,
                             first.split[DP_SPLIT_TRAIN].list[k].path);
    }
    ck_assert_str_eq(first.digest, again.digest);
    ck_assert_str_ne(first.digest, other.digest);
    dp_image_lists_done(&first);
    dp_image_lists_done(&again);
    dp_image_lists_done(&other);
}
END_TEST

/* However small the part, one image of each class is set aside; however large, one stays. */
START_TEST(both_sides_have_every_class)
{
    make_flat();
    dp_image_lists few = load("flat", 1e-6, 0), most = load("flat", 1, 0);
    ck_assert_uint_eq(few.split[DP_SPLIT_VAL].count, 2);
    ck_assert_uint_eq(most.split[DP_SPLIT_TRAIN].count, 2);
    dp_image_lists_done(&few);
    dp_image_lists_done(&most);
}
END_TEST

START_TEST(a_csv_has_paths_and_labels)
{
    MAKE("csv/x/a.jpg", "csv/b, 2.jpg", "csv/c.jpg");
    scratch_text("csv/list.csv", "\xef\xbb\xbfpath,label,split\r\n"
                                 "./x//a.jpg,zebra,train\r\n\n"
                                 "\"b, 2.jpg\",\"a \"\"cat\"\"\",train\n"
                                 "c.jpg,zebra,val");
    dp_image_lists lists = load("csv/list.csv", 0, 0);
    ck_assert_str_eq(lists.classes.name, "list");
    ck_assert_int_eq(lists.classes.count, 2);
    ck_assert_str_eq(lists.classes.list[0].name, "a \"cat\"");
    expect_split(&lists.split[DP_SPLIT_TRAIN], "1 x/a.jpg 0 b, 2.jpg ");
    expect_split(&lists.split[DP_SPLIT_VAL], "1 c.jpg ");
    dp_image_lists_done(&lists);
}
END_TEST

START_TEST(labels_that_are_numbers_keep_their_order)
{
    MAKE("n/a.jpg", "n/b.jpg", "n/c.jpg");
    scratch_text("n/list.csv", "a.jpg,10,val\na.jpg,10,train\n");
    char text[4096] = "c.jpg,10,val\n";
    for (int i = 0; i <= 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "n/%d.jpg", i);
        scratch_text(name, "");
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d.jpg,%d,train\n",
                 i, i);
    }
    scratch_text("n/list.csv", text);
    dp_image_lists lists = load("n/list.csv", 0, 0);
    ck_assert_int_eq(lists.classes.count, 11);
    ck_assert_str_eq(lists.classes.list[10].name, "10");
    ck_assert_int_eq(lists.split[DP_SPLIT_VAL].list[0].label, 10);
    dp_image_lists_done(&lists);
    expect_refusal("n/list.csv", 10, DP_EFORMAT,
                   "line 1: found label 10, expected 0 to 9");
    expect_refusal("n/list.csv", 12, DP_EFORMAT, "class 11: no images to train on");
}
END_TEST

START_TEST(folders_that_are_wrong_are_refused)
{
    MAKE("one/train/cat/a.jpg", "one/val/cat/a.jpg");
    expect_refusal("one", 0, DP_EFORMAT,
                   "found one class, expected two classes or more");
    MAKE("empty/train/cat/a.jpg", "empty/train/dog/a.txt", "empty/val/cat/a.jpg",
         "empty/val/dog/b.jpg");
    expect_refusal("empty", 0, DP_EFORMAT, "empty/train/dog: no images");
    MAKE("fewer/train/cat/a.jpg", "fewer/train/dog/a.jpg", "fewer/val/cat/a.jpg");
    expect_refusal("fewer", 0, DP_EFORMAT,
                   "fewer/val: no folder of class dog, which train has");
    MAKE("more/train/cat/a.jpg", "more/train/dog/a.jpg", "more/val/cat/a.jpg",
         "more/val/dog/a.jpg", "more/val/emu/a.jpg");
    expect_refusal("more", 0, DP_EFORMAT, "more/val: class emu is not in train");
    MAKE("noval/cat/a.jpg", "noval/dog/a.jpg");
    expect_refusal("noval", 0, DP_EFORMAT, "noval: no images to evaluate on");
    expect_refusal("absent", 0, DP_EIO, "absent: No such file");
}
END_TEST

START_TEST(one_image_cannot_be_on_both_sides)
{
    dp_error err = {0};
    dp_image_lists lists;
    MAKE("few/cat/a.jpg", "few/cat/b.jpg", "few/dog/a.jpg");
    const dp_image_lists_options options = {.path = scratch_path("few"),
                                            .set_aside = 0.5};
    ck_assert_int_eq(dp_image_lists_load(&err, &lists, &options), DP_EFORMAT);
    ck_assert(
        strstr(err.text, "few: class dog: found one image, expected two or more"));
}
END_TEST

static const struct {
    const char *text, *sentence;
} wrong[] = {
    {"", "list.csv: no images in it"},
    {"path,label\n", "list.csv: no images in it"},
    {"a.jpg,x,train\nb.jpg,x,val\n", "found one class, expected two"},
    {"a.jpg,x,train\nb.jpg\n", "line 2: found 1 fields, expected 3: path,label,split"},
    {"a.jpg,x\nb.jpg,y,val\n", "line 2: found 3 fields, expected 2: path,label"},
    {"a.jpg,x,train\nb.jpg,y,test\n",
     "line 2: found split 'test', expected 'train' or 'val'"},
    {"a.jpg,x,train\n\nb.jpg,,val\n", "line 3: the label is empty"},
    {"a.jpg,x,train\n,y,val\n", "line 2: the path is empty"},
    {"a.jpg,x,train\n\"b.jpg,y,val\n", "line 2: a field in quotes does not end"},
    {"a.jpg,x,train\n\"b.jpg\"c,y,val\n", "line 2: a field in quotes does not end"},
    {"a.jpg,x,train\n./a.jpg,y,train\nb.jpg,y,val\n", "a.jpg stands in the list twice"},
    {"a.jpg,x,train\nb.jpg,y,train\na.jpg,y,val\n", "a.jpg stands in the list twice"},
    {"a.jpg,x,train\nz.jpg,y,val\n", "line 2: "},
    {"a.jpg,x,train\nb.jpg,y,val\n", "class y: no images to train on"},
    {"a.jpg,0,train\nb.jpg,2,train\nc.jpg,0,val\n", "class 1: no images to train on"},
    {"a.jpg,0,train\nb.jpg,70000,train\n",
     "line 2: found label 70000, expected 0 to 65534"},
    {"a.jpg,x,train\nb.jpg,y,train\n", "list.csv: no images to evaluate on"},
};

START_TEST(lines_that_are_wrong_are_refused)
{
    MAKE("w/a.jpg", "w/b.jpg", "w/c.jpg");
    scratch_text("w/list.csv", wrong[_i].text);
    expect_refusal("w/list.csv", 0, DP_EFORMAT, wrong[_i].sentence);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("image list");
    TCase *t = tcase_create("layouts");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, imagenet_has_two_folders);
    tcase_add_test(t, the_digest_tells_other_data);
    tcase_add_test(t, a_class_may_be_called_train);
    tcase_add_test(t, a_part_of_each_class_is_set_aside);
    tcase_add_test(t, both_sides_have_every_class);
    tcase_add_test(t, a_csv_has_paths_and_labels);
    tcase_add_test(t, labels_that_are_numbers_keep_their_order);
    suite_add_tcase(s, t);
    t = tcase_create("refusals");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, folders_that_are_wrong_are_refused);
    tcase_add_test(t, one_image_cannot_be_on_both_sides);
    tcase_add_loop_test(t, lines_that_are_wrong_are_refused, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    suite_add_tcase(s, t);
    return suite_run(s);
}
