/* Configs, class files and tables when memory runs out: at every single allocation the
 * answer is DP_ENOMEM with a sentence (or DP_OK, where one can do without), and nothing
 * leaks. */
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "core/config.h"
#include "core/dataset.h"
#include "core/params.h"
#include "tests/alloc/heap.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>

typedef dp_status action(dp_error *err);

static dp_status load_config(dp_error *err)
{
    dp_config *config;
    dp_text text = {.err = err};
    dp_status st = dp_config_load(err, &config, "configs/golden/mask_rcnn_a.json");
    if (st != DP_OK)
        return st;
    char *path = NULL;
    st = dp_config_resolve(
        err, &path, config,
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "dataset"));
    if (st == DP_OK) {
        dp_config_format(config, &text);
        dp_config_format_origins(config, &text);
        st = text.status;
    }
    dp_free(path);
    dp_text_done(&text);
    dp_config_free(config);
    return st;
}

static dp_status load_dataset(dp_error *err)
{
    dp_dataset d;
    const dp_status st = dp_dataset_load(err, &d, "configs/datasets/coco.json");
    dp_dataset_done(&d);
    return st;
}

typedef struct thing {
    int side[2];
    char name[16];
} thing;

static const dp_param table[] = {
    DP_PARAM(thing, side, "[1, 2]", 0, 9, "of the thing"),
    DP_PARAM(thing, name, "\"none\"", 0, 0, "of the thing"),
    DP_PARAM_END,
};

static dp_status parse_params(dp_error *err)
{
    static const char json[] = "{\"side\": [3, 4]}";
    cJSON *object;
    thing t;
    dp_text text = {.err = err};
    dp_status st = dp_json_parse(err, &object, json, sizeof json - 1, "t");
    if (st != DP_OK)
        return st;
    st = dp_params_parse(err, table, &t, object, NULL, "part");
    if (st == DP_OK) {
        dp_params_explain(&text, table);
        st = text.status;
    }
    dp_text_done(&text);
    cJSON_Delete(object);
    return st;
}

static action *const actions[] = {load_config, load_dataset, parse_params};

START_TEST(every_allocation_may_fail)
{
    dp_error err = {0};
    ck_assert_int_eq(actions[_i](&err), DP_OK); /* what stays for good is made now */
    long refused = 0;
    long k = 1;
    for (;; k++) {
        err = (dp_error){0};
        heap_reset(k);
        const long before = heap_live();
        const dp_status st = actions[_i](&err);
        const long leaked = heap_live() - before, count = heap_count();
        heap_reset(0);
        ck_assert_msg(leaked == 0, "allocation %ld: %ld blocks leak", k, leaked);
        if (count < k) {
            ck_assert_int_eq(st, DP_OK);
            break;
        }
        /* What the C library asked for may be done without: a buffer of a file. */
        ck_assert_msg(st == DP_ENOMEM || st == DP_OK, "allocation %ld: %d, %s", k,
                      (int)st, err.text);
        ck_assert(st == DP_OK || err.text[0]);
        refused += st == DP_ENOMEM;
    }
    printf("%ld allocations failed in turn, %ld refused\n", k - 1, refused);
    ck_assert_int_gt(refused, (k - 1) * 9 / 10);
}
END_TEST

int main(void)
{
    if (!heap_is_watched()) {
        suite_skip("the sanitizer's allocator is not watched");
        return 0;
    }
    heap_watch_libraries(true);
    Suite *suite = suite_create("config_allocation");
    TCase *tc = tcase_create("config_allocation");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0,
                        (int)(sizeof actions / sizeof *actions));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
