/* densepred eval coco: what it says of wrong files and options, and what it writes. */
#include "base/json.h"
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

#define IMAGES \
    "{\"images\":[{\"id\":1,\"width\":100,\"height\":80,\"file_name\":\"a.jpg\"}],\n"
#define CLASSES \
    "\"categories\":[{\"id\":1,\"name\":\"cat\"},{\"id\":5,\"name\":\"dog\"}]}\n"
#define SQUARE "\"segmentation\":[[10,10,30,10,30,30,10,30]]"
#define OBJECT                                                                        \
    "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[10,10,20,20],\"area\":400," \
    "\"iscrowd\":0," SQUARE "}"
#define TRUTH(list)  IMAGES "\"annotations\":[\n" list "],\n" CLASSES
#define GOOD_TRUTH   TRUTH(OBJECT)
#define RESULT       "{\"image_id\":1,\"category_id\":1,\"bbox\":[10,10,20,20],\"score\":0.9}"
#define GOOD_RESULTS "[\n" RESULT "]"

static void write_files(const char *truth, const char *results)
{
    scratch_text("gt.json", truth);
    scratch_text("dt.json", results);
}

/* ---- the check of the inputs ------------------------------------------------------------ */

static const struct {
    const char *truth, *results, *options;
    int status;
    const char *said; /* on standard error */
} inputs[] = {
    /* What is no JSON, or no COCO. */
    {"", GOOD_RESULTS, "", 1,
     "gt.json:1:1: found the end of the text, expected an object"},
    {"[]", GOOD_RESULTS, "", 1, "gt.json:1:1: found '[', expected an object"},
    {"{\"images\":[],\n\"annotations\":[1 2]}", GOOD_RESULTS, "", 1,
     "gt.json:2:18: found '2', expected ',' or ']'"},
    {"{\"images\":[],\"annotations\":[]}", GOOD_RESULTS, "", 1,
     "gt.json: no \"categories\"; these are no COCO annotations"},
    {"{\"images\":[],\"images\":[]}", GOOD_RESULTS, "", 1,
     "gt.json: \"images\" stands twice"},
    {"{\"images\":[],\"annotations\":[],\"categories\":[]}", GOOD_RESULTS, "", 1,
     "gt.json: categories: there are none"},
    {"{\"images\":[],\"annotations\":null,\"categories\":[]}", GOOD_RESULTS, "", 1,
     "gt.json:1:28: found 'n', expected an array"},
    {GOOD_TRUTH, "{}", "", 1, "dt.json:1:1: found '{', expected an array"},
    {GOOD_TRUTH, "[" RESULT "\n,", "", 1, "dt.json:2:2: found the end of the text"},
    {GOOD_TRUTH, "[" RESULT "] x", "", 1, "found 'x', expected the end"},

    /* Broken annotations. */
    {TRUTH("{\"id\":1,\"category_id\":1}"), GOOD_RESULTS, "", 1,
     "gt.json:3: annotations[0]: image_id: missing; must be a number"},
    {TRUTH(OBJECT ",\n{\"id\":2,\"image_id\":1,\"category_id\":\"1\"}"), GOOD_RESULTS,
     "", 1,
     "gt.json:4: annotations[1]: category_id: found a string, expected a whole number"},
    {TRUTH("7"), GOOD_RESULTS, "", 1,
     "gt.json:3: annotations[0]: found a number, expected an object"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3],\"area\":1}"),
     GOOD_RESULTS, "", 1, "annotations[0]: bbox: found 3 numbers, expected 4"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"area\":1,\"iscrowd\":0,\"id\":1}"),
     GOOD_RESULTS, "--type bbox", 1, "annotations[0]: bbox: missing"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"area\":1}"),
     GOOD_RESULTS, "--type segm", 1,
     "annotations[0]: segmentation: missing; must be a mask"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"segmentation\":"
           "{\"size\":[80,90],\"counts\":[7200]}}"),
     GOOD_RESULTS, "--type segm", 1,
     "size: found 80 x 90, expected 80 x 100 as the image"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"segmentation\":"
           "{\"size\":[80,100],\"counts\":[10,10]}}"),
     GOOD_RESULTS, "--type segm", 1, "counts: 7980 pixels less than 80 x 100"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"segmentation\":"
           "[[1,2,3]]}"),
     GOOD_RESULTS, "--type segm", 1, "3 coordinates are no pairs"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"segmentation\":"
           "[[1,2,3,1e99,5,6]]}"),
     GOOD_RESULTS, "--type segm", 1, "a coordinate lies beyond 100000000"},

    /* Odd annotations. */
    {TRUTH(OBJECT "," OBJECT), GOOD_RESULTS, "", 0, "annotations[1]: id: 1 again"},
    {TRUTH("{\"id\":0,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"area\":81,"
           "\"iscrowd\":0}"),
     GOOD_RESULTS, "", 0, "warning: gt.json:3: annotations[0]: id: 0: pycocotools"},
    {TRUTH("{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"area\":81}"),
     GOOD_RESULTS, "", 0, "id: missing; must be a whole number"},
    {TRUTH(
         "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"area\":81}"),
     GOOD_RESULTS, "", 0, "iscrowd: missing; 0 is taken"},
    {TRUTH("{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"iscrowd\":"
           "0}"),
     GOOD_RESULTS, "", 0, "area: missing; that of bbox is taken"},
    {TRUTH(
         "{\"id\":1,\"image_id\":7,\"category_id\":1,\"bbox\":[1,1,9,9],\"area\":81}"),
     GOOD_RESULTS, "", 0, "image_id: 7 is none of the images; left out"},
    {TRUTH(
         "{\"id\":1,\"image_id\":1,\"category_id\":2,\"bbox\":[1,1,9,9],\"area\":81}"),
     GOOD_RESULTS, "", 0, "category_id: 2 is none of the categories"},
    {TRUTH("{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[90,1,20,9],\"area\":"
           "180}"),
     GOOD_RESULTS, "", 0, "bbox: 90 1 20 9 in an image of 100 x 80 pixels"},
    {TRUTH("{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,0,9],\"area\":0}"),
     GOOD_RESULTS, "", 0, "bbox: width 0 and height 9"},
    {TRUTH("{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"area\":9,"
           "\"segmentation\":[[1,1,2,2]]}"),
     GOOD_RESULTS, "--type segm", 0, "segmentation: a polygon encloses nothing"},
    {"{\"images\":[{\"id\":1},{\"id\":1}],\"annotations\":[],\"categories\":[{\"id\":1}"
     "]}",
     GOOD_RESULTS, "", 0, "images: id 1 stands more than once"},

    /* Broken results. */
    {GOOD_TRUTH,
     "[\n" RESULT ",\n{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4]}]", "", 1,
     "dt.json:3: results[1]: score: missing; must be a number"},
    {GOOD_TRUTH, "[{\"image_id\":1,\"category_id\":1,\"score\":1}]", "--type bbox", 1,
     "results[0]: neither bbox nor segmentation"},
    {GOOD_TRUTH, "[{\"image_id\":2,\"category_id\":1,\"bbox\":[1,2,3,4],\"score\":1}]",
     "", 1, "results[0]: image_id: 2 is no image of the annotations"},
    {GOOD_TRUTH,
     "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"score\":NaN}]", "", 1,
     "results[0]: score: found NaN, expected a finite number"},
    {GOOD_TRUTH,
     "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,Infinity,4],\"score\":1}]", "",
     1, "results[0]: bbox: found a number beyond all bounds, expected a finite number"},
    {GOOD_TRUTH,
     "[{\"image_id\":1.5,\"category_id\":1,\"bbox\":[1,2,3,4],\"score\":1}]", "", 1,
     "image_id: found 1.5, expected a whole number"},
    {GOOD_TRUTH,
     "[{\"image_id\":1,\"category_id\":1,\"score\":1,\"segmentation\":{\"size\":[100,"
     "80],"
     "\"counts\":\"Pj7\"}}]",
     "", 1, "size: found 100 x 80, expected 80 x 100 as image 1"},
    {GOOD_TRUTH,
     "[{\"image_id\":1,\"category_id\":1,\"score\":1,\"segmentation\":{\"size\":[80,"
     "100],"
     "\"counts\":\"11\"}}]",
     "", 1, "counts: RLE string: found 2 pixels, expected 80 x 100 = 8000"},
    {GOOD_TRUTH, "[" RESULT "," RESULT ",7,8,9]", "", 1,
     "results[2]: found a number, expected an object (the first of 3)"},

    /* Odd results. */
    {GOOD_TRUTH, "[]", "", 0,
     "dt.json: no results at all; everything counts as missed"},
    {GOOD_TRUTH, "[{\"image_id\":1,\"category_id\":77,\"bbox\":[1,2,3,4],\"score\":1}]",
     "", 0, "category_id: 77 is no category of the annotations; left out"},
    {GOOD_TRUTH, "[{\"image_id\":1,\"category_id\":0,\"bbox\":[1,2,3,4],\"score\":1}]",
     "", 0, "dt.json: category ids 0 to 0 look like class indices"},
    {GOOD_TRUTH,
     "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,300,4],\"score\":1}]", "", 0,
     "results[0]: bbox: 1 2 300 4 in an image of 100 x 80 pixels"},
    {GOOD_TRUTH, "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,-3,4],\"score\":1}]",
     "", 0, "results[0]: bbox: width -3 and height 4"},
    {GOOD_TRUTH, "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"score\":90}]",
     "", 0, "results[0]: score: found 90, expected 0 to 1"},
    {GOOD_TRUTH, GOOD_RESULTS, "--type segm", 0,
     "no segmentation; the bbox is taken as mask"},
};

START_TEST(inputs_are_checked_and_named)
{
    write_files(inputs[_i].truth, inputs[_i].results);
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json %s", inputs[_i].options);
    ck_assert_msg(strstr(r->err, inputs[_i].said) != NULL, "\n%s\nexpected\n%s", r->err,
                  inputs[_i].said);
    ck_assert_msg(r->status == inputs[_i].status, "status %d: %s", r->status, r->err);
    /* Numbers only from inputs that are whole. */
    ck_assert_int_eq(strstr(r->out, "Average Precision") != NULL, r->status == 0);
}
END_TEST

START_TEST(good_inputs_are_met_with_silence)
{
    write_files(GOOD_TRUTH, GOOD_RESULTS);
    const program_result *r = program_run("densepred eval coco gt.json dt.json");
    ck_assert_str_eq(r->err, "");
    ck_assert_int_eq(r->status, 0);
    ck_assert(strstr(r->out,
                     " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | "
                     "maxDets=100 ] = 1.000\n") == r->out);
    ck_assert(strstr(r->out, "area=medium | maxDets=100 ] = -1.000\n") != NULL);
    int lines = 0;
    for (const char *p = r->out; (p = strchr(p, '\n')); p++)
        lines++;
    ck_assert_int_eq(lines, 12);
}
END_TEST

START_TEST(broken_records_are_left_out_when_asked)
{
    write_files(GOOD_TRUTH, "[7,\n" RESULT ",{\"image_id\":9}]");
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json --skip-bad");
    ck_assert(strstr(r->err, "dt.json: left out 2 broken records") != NULL);
    ck_assert(strstr(r->out, "= 1.000\n") != NULL);
    ck_assert_int_eq(r->status, 1); /* some inputs failed, the others were finished */
}
END_TEST

START_TEST(missing_files_are_named)
{
    scratch_text("gt.json", GOOD_TRUTH);
    const program_result *r = program_run("densepred eval coco gt.json none.json");
    ck_assert_str_eq(r->err, "densepred: none.json: No such file or directory\n");
    ck_assert_int_eq(r->status, 1);
    r = program_run("densepred eval coco . gt.json");
    ck_assert(strstr(r->err, "a directory, not a regular file") != NULL);
    ck_assert_int_eq(r->status, 1);
}
END_TEST

/* ---- options ---------------------------------------------------------------------------- */

static const struct {
    const char *options, *said;
} mistakes[] = {
    {"", "found 1 argument, expected GT.json DT.json"},
    {"dt.json --type mask", "--type: \"mask\" is not bbox, segm or bbox,segm"},
    {"dt.json --type bbox,bbox", "--type: \"bbox,bbox\""},
    {"dt.json --max-dets 0", "maxDets: 0 is below 1"},
    {"dt.json --max-dets 1,1", "maxDets: 1 is given twice"},
    {"dt.json --max-dets 1,", "--max-dets: \"1,\" is no list of numbers"},
    {"dt.json --iou-thrs 0.5,0.4", "IoU thresholds: 0.4 after 0.5"},
    {"dt.json --iou-thrs 0:1:0.1", "IoU thresholds: 0 after 0"},
    {"dt.json --iou-thrs 0.5:0.9", "--iou-thrs: \"0.5:0.9\" is not FIRST:LAST:STEP"},
    {"dt.json --iou-thrs 0.1:0.9:0.001", "IoU thresholds: found 801, expected 1 to 64"},
    {"dt.json --area-ranges 0:10",
     "--area-ranges: \"0:10\" is no list of NAME:LOW:HIGH"},
    {"dt.json --area-ranges a:5:1", "area range a: 5 to 1 is no range"},
    {"dt.json --img-ids x", "--img-ids: \"x\" is no list of numbers with commas"},
    {"dt.json --img-ids 3", "image id 3: the annotations do not have it"},
    {"dt.json --cat-ids 3", "category id 3: the annotations do not have it"},
    {"dt.json --images .", "--images needs --report"},
};

START_TEST(mistaken_options_are_refused)
{
    write_files(GOOD_TRUTH, GOOD_RESULTS);
    const program_result *r =
        program_run("densepred eval coco gt.json %s", mistakes[_i].options);
    ck_assert_msg(strstr(r->err, mistakes[_i].said) != NULL, "%s", r->err);
    ck_assert_int_eq(r->status, 2);
    ck_assert_str_eq(r->out, "");
}
END_TEST

#define DOG "{\"image_id\":1,\"category_id\":5,\"bbox\":[50,50,20,20],\"score\":0.8}"
#define DOG_OBJECT                                                                    \
    "{\"id\":2,\"image_id\":1,\"category_id\":5,\"bbox\":[50,52,20,20],\"area\":400," \
    "\"iscrowd\":0}"

START_TEST(options_choose_what_counts)
{
    static const struct {
        const char *options, *first; /* line of output */
    } cases[] = {
        /* The dog's IoU is 360 / 440: it matches to .80. */
        {"", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.850"},
        {"--cat-ids 5", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.700"},
        {"--iou-thrs 0.5,0.9", "IoU=0.50:0.90 | area=   all | maxDets=100 ] = 0.750"},
        {"--iou-thrs 0.6:0.8:0.1",
         "IoU=0.60:0.80 | area=   all | maxDets=100 ] = 1.000"},
        {"--area-ranges tiny:0:100,all:0:1e10", "area=  tiny | maxDets=100 ] = -1.000"},
        {"--no-cats", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.851"},
        {"--max-dets 5,20,70", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = -1.000"},
        {"--max-dets 100", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.850"},
        {"--img-ids 1", "IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.850"},
    };
    write_files(TRUTH(OBJECT "," DOG_OBJECT), "[" RESULT "," DOG "]");
    for (int i = 0; i < COUNT(cases); i++) {
        const program_result *r =
            program_run("densepred eval coco gt.json dt.json %s", cases[i].options);
        ck_assert_msg(r->status == 0, "%s", r->err);
        const char *end = strchr(r->out, '\n');
        ck_assert_ptr_nonnull(end);
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)(end - r->out), r->out);
        ck_assert_msg(strstr(line, cases[i].first) != NULL, "%s: %s", cases[i].options,
                      line);
    }
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json --max-dets 5,20,70");
    ck_assert(strstr(r->err, "AP at maxDets=70 is 0.850") != NULL);
    r = program_run("densepred eval coco gt.json dt.json --classwise --cat-ids 5");
    ck_assert_ptr_nonnull(
        strstr(r->out, "\ncat                       n/a (no ground truth)\n"));
}
END_TEST

/* ---- what is written --------------------------------------------------------------------- */

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "%s", key);
    return item->valuedouble;
}

START_TEST(json_holds_every_number)
{
    write_files(TRUTH(OBJECT "," DOG_OBJECT), "[" RESULT "," DOG "]");
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json --json - -t 2");
    ck_assert_int_eq(r->status, 0);
    dp_error err = {0};
    cJSON *tree;
    ck_assert_msg(dp_json_parse(&err, &tree, r->out, strlen(r->out), "out") == DP_OK,
                  "%s", err.text);
    const cJSON *bbox = cJSON_GetObjectItemCaseSensitive(tree, "bbox");
    const cJSON *stats = cJSON_GetObjectItemCaseSensitive(bbox, "stats");
    ck_assert_int_eq(cJSON_GetArraySize(stats), 12);
    ck_assert(fabs(cJSON_GetArrayItem(stats, 0)->valuedouble - 0.85) < 1e-12);
    ck_assert(cJSON_IsNull(cJSON_GetArrayItem(stats, 4))); /* no medium object */
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(bbox, "classes");
    ck_assert_int_eq(cJSON_GetArraySize(classes), 2);
    const cJSON *dog = cJSON_GetArrayItem(classes, 1);
    ck_assert(number(dog, "id") == 5 && number(dog, "AP50") > 1 - 1e-12 &&
              number(dog, "F1") == 1);
    ck_assert(number(dog, "F1_score") == 0.8);
    ck_assert_int_eq(
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(dog, "AP_by_iou")), 10);
    ck_assert_int_eq(
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(dog, "precision")), 101);
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(bbox, "errors");
    ck_assert(number(cJSON_GetObjectItemCaseSensitive(errors, "objects"), "right") ==
              2);
    ck_assert_int_eq(
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(bbox, "confusion")), 3);
    ck_assert(cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(tree, "warnings")));
    cJSON_Delete(tree);
}
END_TEST

START_TEST(warnings_are_in_the_json)
{
    write_files(GOOD_TRUTH, "[]");
    const program_result *r = program_run(
        "densepred eval coco gt.json dt.json -q --json o.json && cat o.json");
    ck_assert_str_eq(r->err, "");
    ck_assert_ptr_nonnull(strstr(r->out, "{\"kind\": \"no_results\", \"count\": 1, "
                                         "\"first\": \"dt.json: no results at all"));
}
END_TEST

/* A file whose name and class are markup, and a name that leads elsewhere. */
#define NASTY                                                                          \
    "{\"images\":[{\"id\":1,\"width\":100,\"height\":80,\"file_name\":\"<script>&."    \
    "jpg\"},"                                                                          \
    "{\"id\":2,\"width\":100,\"height\":80,\"file_name\":\"../secret.jpg\"}],"         \
    "\"annotations\":[" OBJECT ",{\"id\":2,\"image_id\":2,\"category_id\":1,\"bbox\":" \
    "[1,1,9,9],\"area\":81,\"iscrowd\":0}],"                                           \
    "\"categories\":[{\"id\":1,\"name\":\"<b>\\\"cat\\\"\"}]}"

START_TEST(the_report_is_one_safe_page)
{
    write_files(NASTY, "[{\"image_id\":1,\"category_id\":1,\"bbox\":[50,50,9,9],"
                       "\"score\":0.9}]");
    scratch_text("secret.jpg", "\xff\xd8\xff of others");
    scratch_text("images/<script>&.jpg", "\xff\xd8\xff an image");
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json --report page --images images "
                    "&& cat page/index.html");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "<!DOCTYPE html>"));
    ck_assert_ptr_nonnull(strstr(r->out, "</html>"));
    ck_assert_ptr_null(strstr(r->out, "http:"));
    ck_assert_ptr_null(strstr(r->out, "https:"));
    ck_assert_ptr_null(strstr(r->out, "<b>\"cat"));
    ck_assert_ptr_null(strstr(r->out, "<script>&"));
    ck_assert_ptr_nonnull(strstr(r->out, "&lt;b&gt;&quot;cat&quot;"));
    /* The image is in, base64; the one outside of the folder is not. */
    ck_assert_ptr_nonnull(strstr(r->out, "data:image/jpeg;base64,/9j/IGFuIGltYWdl"));
    ck_assert_ptr_null(strstr(r->out, "/9j/IG9mIG90aGVycw"));
    ck_assert_ptr_nonnull(strstr(r->out, "The image could not be shown."));
    r = program_run("cat page/errors_bbox.csv");
    ck_assert_ptr_nonnull(strstr(r->out,
                                 "false positive,background,1,\"<script>&.jpg\","
                                 "\"<b>\"\"cat\"\"\",0.9,0.0000,50,50,9,9,,\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "false negative,missed,1,\"<script>&.jpg\","));
}
END_TEST

START_TEST(outputs_that_cannot_be_written_are_named)
{
    write_files(GOOD_TRUTH, GOOD_RESULTS);
    const program_result *r =
        program_run("densepred eval coco gt.json dt.json --json none/o.json");
    ck_assert_int_eq(r->status, 4);
    ck_assert_ptr_nonnull(strstr(r->err, "none/o.json"));
    r = program_run("densepred eval coco gt.json dt.json --report gt.json");
    ck_assert_int_eq(r->status, 4);
    r = program_run("densepred eval coco gt.json dt.json --json /dev/full");
    ck_assert_int_eq(r->status, 4);
    ck_assert_ptr_nonnull(strstr(r->err, "No space left on device"));
}
END_TEST

START_TEST(second_words_are_known)
{
    const program_result *r = program_run("densepred eval");
    ck_assert_int_eq(r->status, 2);
    r = program_run("densepred eval coc a b");
    ck_assert_str_eq(r->err, "densepred: eval coc: unknown kind; did you mean coco?\n");
    r = program_run("densepred eval coco --help");
    ck_assert_int_eq(r->status, 0);
    ck_assert_ptr_nonnull(strstr(r->out, "usage: densepred eval coco GT.json DT.json"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval_coco");
    TCase *tc = tcase_create("eval_coco");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, inputs_are_checked_and_named, 0, COUNT(inputs));
    tcase_add_test(tc, good_inputs_are_met_with_silence);
    tcase_add_test(tc, broken_records_are_left_out_when_asked);
    tcase_add_test(tc, missing_files_are_named);
    tcase_add_loop_test(tc, mistaken_options_are_refused, 0, COUNT(mistakes));
    tcase_add_test(tc, options_choose_what_counts);
    tcase_add_test(tc, json_holds_every_number);
    tcase_add_test(tc, warnings_are_in_the_json);
    tcase_add_test(tc, the_report_is_one_safe_page);
    tcase_add_test(tc, outputs_that_cannot_be_written_are_named);
    tcase_add_test(tc, second_words_are_known);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
