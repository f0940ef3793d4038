/* Configs, class files and tables when memory runs out: at every single allocation the
 * answer is DP_ENOMEM with a sentence, and nothing leaks. */
#include "core/config.h"
#include "core/dataset.h"
#include "core/json.h"
#include "core/memory.h"
#include "core/params.h"
#include "core/text.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)

/* The C library's own, under the names that it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static long live, left = -1; /* left: allocations until they fail; -1: never */
static bool failed;

static bool refuse(void)
{
    if (left == 0) /* and from now on */
        failed = true;
    else if (left > 0)
        left--;
    if (failed)
        errno = ENOMEM;
    return failed;
}

/* Seen by the shared libraries too, cJSON among them. */
#define FOR_ALL __attribute__((visibility("default")))

FOR_ALL void *malloc(size_t size)
{
    void *memory = refuse() ? NULL : __libc_malloc(size);
    live += memory != NULL;
    return memory;
}

FOR_ALL void *calloc(size_t count, size_t size)
{
    void *memory = refuse() ? NULL : __libc_calloc(count, size);
    live += memory != NULL;
    return memory;
}

FOR_ALL void *realloc(void *old, size_t size)
{
    if (refuse())
        return NULL;
    void *memory = __libc_realloc(old, size);
    live += !old && memory;
    return memory;
}

FOR_ALL void free(void *memory)
{
    live -= memory != NULL;
    __libc_free(memory);
}

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
    const dp_status st = dp_dataset_load(&d, "configs/datasets/coco.json", err);
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
        dp_params_format(&text, table, &t);
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
    long k = 0;
    for (;; k++) {
        err = (dp_error){0};
        const long before = live;
        failed = false;
        left = k;
        const dp_status st = actions[_i](&err);
        const bool refused = failed;
        left = -1;
        failed = false;
        const long after = live;
        ck_assert_msg(after == before, "allocation %ld: %ld blocks leak", k,
                      after - before);
        if (!refused) {
            ck_assert_int_eq(st, DP_OK);
            break;
        }
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, \"%s\"", k, (int)st,
                      err.text);
        ck_assert_str_ne(err.text, "");
    }
    printf("%ld allocations failed in turn\n", k);
    ck_assert_int_gt(k, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory");
    TCase *tc = tcase_create("no_memory");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0,
                        (int)(sizeof actions / sizeof *actions));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}

#else

int main(void)
{
    puts("skipped: the heap cannot be replaced here");
    return 0;
}

#endif
