/* Writing and drawing results: every allocation of ours fails once. */
#include "io/data/labelme.h"
#include "io/data/yolo.h"
#include "report/draw.h"
#include "report/draw_labels.h"
#include "tests/alloc/heap.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static char name[] = "apple";
static dp_class classes[] = {{name, 1, {200, 0, 0}}};
static const dp_dataset dataset = {NULL, 1, classes};
static uint32_t runs[] = {7, 3, 3, 1, 1, 1, 3, 3, 26};
static dp_detection list[] = {{{1, 1, 4, 4}, 0.9f, 0, 0, 9},
                              {{0, 0, 8, 6}, 0.5f, 0, 0, 0}};
static const dp_detections found = {
    .image = {6, 8}, .count = 2, .list = list, .runs = runs};
static const dp_found image = {&found, &dataset, "a.jpg", 1, 0, 1, true};

static dp_status write_stream(dp_error *err, dp_results_format format)
{
    FILE *stream = fopen(scratch_path("stream"), "wb");
    dp_results_writer w;
    if (!stream)
        return dp_fail(err, DP_EIO, "the test's own file");
    dp_results_writer_init(&w, format, stream, "stream");
    dp_status st = dp_results_writer_add(err, &w, &image);
    if (st == DP_OK)
        st = dp_results_writer_end(err, &w);
    dp_results_writer_done(&w);
    fclose(stream);
    return st;
}

static dp_status write_coco(dp_error *err)
{
    return write_stream(err, DP_RESULTS_COCO);
}

static dp_status write_csv(dp_error *err)
{
    return write_stream(err, DP_RESULTS_CSV);
}

static dp_status write_coco_dataset(dp_error *err)
{
    return write_stream(err, DP_RESULTS_COCO_DATASET);
}

static dp_status write_label_studio(dp_error *err)
{
    return write_stream(err, DP_RESULTS_LABEL_STUDIO);
}

static dp_status save_yolo(dp_error *err)
{
    return dp_yolo_save(err, scratch_path("a.txt"), &image);
}

static dp_status save_labelme(dp_error *err)
{
    return dp_labelme_save(err, scratch_path("a.json"), &image);
}

static dp_status draw_found(dp_error *err)
{
    dp_pixels p;
    dp_status st = dp_pixels_init(err, &p, 6, 8);
    if (st == DP_OK)
        st = dp_draw_detections(err, &p, &image);
    dp_pixels_done(&p);
    return st;
}

static dp_status draw_map(dp_error *err)
{
    uint8_t labels[48] = {0};
    const dp_label_map m = {6, 8, labels, 48};
    dp_pixels p, out = {0};
    dp_status st = dp_pixels_init(err, &p, 6, 8);
    if (st == DP_OK)
        st = dp_draw_labels(err, &out, &p, &m, &dataset);
    dp_pixels_done(&p);
    dp_pixels_done(&out);
    return st;
}

static const struct {
    const char *what;
    dp_status (*run)(dp_error *err);
    long least;
} writers[] = {
    {"COCO", write_coco, 3},
    {"CSV", write_csv, 2},
    {"YOLO", save_yolo, 4},
    {"LabelMe", save_labelme, 4},
    {"COCO data set", write_coco_dataset, 5},
    {"Label Studio", write_label_studio, 5},
    {"drawing", draw_found, 3},
    {"label map", draw_map, 2},
};

START_TEST(every_allocation_may_fail)
{
    dp_error err = {0};
    writers[_i].run(&err); /* what libraries keep from the first time is kept now */
    heap_reset(0);
    const dp_status plain = writers[_i].run(&err);
    const long allocations = heap_count();
    ck_assert_msg(plain == DP_OK, "%s: %s", writers[_i].what, err.text);
    ck_assert_msg(allocations >= writers[_i].least, "%s: %ld allocations",
                  writers[_i].what, allocations);

    for (long k = 1; k <= allocations; k++) {
        const long live = heap_live();
        heap_reset(k);
        const dp_status st = writers[_i].run(&err);
        heap_reset(0);
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM || (st == DP_EIO && strstr(err.text, "own file")),
                      "%s, allocation %ld: status %d, %s", writers[_i].what, k, (int)st,
                      err.text);
        ck_assert_msg(left == 0, "%s, allocation %ld: %ld blocks leaked",
                      writers[_i].what, k, left);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("results_allocation");
    TCase *t = tcase_create("heap");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    if (heap_is_watched())
        tcase_add_loop_test(t, every_allocation_may_fail, 0,
                            sizeof writers / sizeof *writers);
    else
        suite_skip("the sanitizer's allocator is not watched");
    suite_add_tcase(s, t);
    return suite_run(s);
}
