#include "tests/cli/small_sets.h"

#include "tests/support/scratch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "found no \"%s\" in\n%s", part, text);
}

void run_ok(const char *command)
{
    const program_result *r = program_run("%s", command);
    ck_assert_msg(r->status == 0, "%s: %d\n%s", command, r->status, r->err);
}

void make_coco(void)
{
    static char text[20000];
    int n = snprintf(text, sizeof text, "{\"images\": [");
    run_ok("mkdir -p coco/annotations coco/val2017");
    for (int i = IMAGES; i > 0; i--) {
        char command[600];
        snprintf(command, sizeof command,
                 "cp '%s/tests/golden/mask_rcnn_tiny/00000000010%d.png' "
                 "coco/val2017/%d.png",
                 program_root(), 1 + i % 2, i);
        run_ok(command);
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s{\"id\": %d, \"file_name\": \"%d.png\", \"width\": %d, "
                      "\"height\": %d}",
                      i < IMAGES ? "," : "", 100 + i, i, i % 2 ? 50 : 90,
                      i % 2 ? 101 : 70);
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "], \"annotations\": [");
    for (int i = 1; i <= IMAGES; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s{\"id\": %d, \"image_id\": %d, \"category_id\": 1, \"area\": "
                      "400, \"iscrowd\": 0, \"bbox\": [5, 5, 20, 20], "
                      "\"segmentation\": [[5, 5, 25, 5, 25, 25, 5, 25]]}",
                      i > 1 ? "," : "", i, 100 + i);
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "], \"categories\": [{\"id\": 1, \"name\": \"disc\"}, {\"id\": 2, "
                  "\"name\": \"square\"}, {\"id\": 4, \"name\": \"ring\"}, {\"id\": 7, "
                  "\"name\": \"cross\"}, {\"id\": 90, \"name\": \"rest\"}]}");
    ck_assert_int_lt(n, (int)sizeof text);
    scratch_text("coco/annotations/instances_val2017.json", text);
}

void make_ade(void)
{
    char command[2000];
    const char *root = program_root();
    snprintf(
        command, sizeof command,
        "mkdir -p ade/images && cp '%s'/tests/golden/upernet_tiny/*.png ade/images "
        "&& densepred segment '%s/tests/golden/upernet_tiny/config_whole.json' -w "
        "'%s/tests/golden/upernet_tiny/model.safetensors' ade/images -o "
        "ade/annotations && rm ade/annotations/*.jpg",
        root, root, root);
    run_ok(command);
}

const program_result *test_coco(const char *rest)
{
    const char *root = program_root();
    return program_run("densepred test '%s/tests/golden/mask_rcnn_tiny/config.json' -w "
                       "'%s/tests/golden/mask_rcnn_tiny/model.pth' coco %s",
                       root, root, rest);
}

const program_result *test_ade(const char *rest)
{
    const char *root = program_root();
    return program_run(
        "densepred test '%s/tests/golden/upernet_tiny/config_slide.json' -w "
        "'%s/tests/golden/upernet_tiny/model.safetensors' ade %s",
        root, root, rest);
}

void expect_ok(const program_result *r)
{
    ck_assert_msg(r->status == 0, "%d: %s", r->status, r->err);
}

void expect_same(const char *a, const char *b)
{
    const program_result *r = program_run("diff -r -x '*.records' '%s' '%s'", a, b);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
