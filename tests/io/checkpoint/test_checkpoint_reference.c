/* Checkpoints of others: what PyTorch's own reader found in them, tensor by tensor. */
#include "io/checkpoint/checkpoint.h"
#include "tests/support/sha256.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static dp_error err;
static dp_checkpoint *c;

static void teardown(void)
{
    dp_checkpoint_close(c);
}

static dp_status open_path(const char *path)
{
    dp_checkpoint_close(c);
    err = (dp_error){0};
    return dp_checkpoint_open(&err, &c, path);
}

static void open_or_fail(const char *path)
{
    ck_assert_msg(open_path(path) == DP_OK, "%s", err.text);
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Elements in row-major order, as bytes; the caller's to free. */
static unsigned char *dense_bytes(const dp_named_tensor *t, size_t width)
{
    const size_t count = dp_named_tensor_count(t);
    unsigned char *out = malloc(count * width + 1);
    int64_t index[DP_MAX_TENSOR_RANK] = {0}, at = 0;
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * width, (const unsigned char *)t->data + (size_t)at * width,
               width);
        for (int d = t->rank - 1; d >= 0; d--) {
            at += t->stride[d];
            if (++index[d] < t->shape[d])
                break;
            at -= t->stride[d] * t->shape[d];
            index[d] = 0;
        }
    }
    return out;
}

static void numbers_equal(const cJSON *list, const int64_t *numbers, int count)
{
    ck_assert_int_eq(cJSON_GetArraySize(list), count);
    for (int d = 0; d < count; d++)
        ck_assert_int_eq((int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(list, d)),
                         numbers[d]);
}

static void tensor_equals(const dp_named_tensor *t, const cJSON *expected,
                          const char *what)
{
    char digest[65];
    const dp_stored_type *type = dp_checkpoint_type(c, t);
    ck_assert_str_eq(type->torch, cJSON_GetStringValue(member(expected, "dtype")));
    numbers_equal(member(expected, "shape"), t->shape, t->rank);
    numbers_equal(member(expected, "stride"), t->stride, t->rank);
    unsigned char *bytes = dense_bytes(t, type->bits / 8);
    sha256_hex(digest, bytes, dp_named_tensor_count(t) * (type->bits / 8));
    free(bytes);
    ck_assert_msg(strcmp(digest, cJSON_GetStringValue(
                                     member(expected, "sha256_le_contiguous"))) == 0,
                  "%s: %s differs", what, t->name);
}

/* The offset that the file gives, of a tensor directly below the root. */
static void offset_equals(const char *name, const cJSON *expected)
{
    dp_pickle_value root;
    const dp_pickle_values *p = dp_checkpoint_values(c, &root);
    const dp_pickle_value v = dp_pickle_value_find(p, root, name);
    if (v != DP_PICKLE_ABSENT && dp_pickle_value_kind(p, v) == DP_PICKLE_TENSOR)
        ck_assert_int_eq(
            dp_pickle_value_int(p, dp_pickle_value_item(p, v, 1)),
            (int64_t)cJSON_GetNumberValue(member(expected, "storage_offset")));
}

/* The reference's names of list items are "[0]". */
static const dp_named_tensor *find_expected(const dp_named_tensor *all, size_t count,
                                            const char *name)
{
    char plain[DP_MAX_TENSOR_NAME];
    size_t used = 0;
    for (const char *p = name; *p && used + 1 < sizeof plain; p++)
        if (*p != '[' && *p != ']')
            plain[used++] = *p;
    plain[used] = '\0';
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, plain) == 0)
            return &all[i];
    return NULL;
}

static int compare_file(const cJSON *file)
{
    const cJSON *tensors = member(file, "tensors"), *expected;
    size_t count, found = 0;
    const dp_named_tensor *all = dp_checkpoint_list_all(&err, c, &count);
    ck_assert_msg(all != NULL, "%s: %s", file->string, err.text);
    cJSON_ArrayForEach(expected, tensors)
    {
        if (!member(expected, "dtype"))
            continue; /* a number or a text */
        const dp_named_tensor *t = find_expected(all, count, expected->string);
        ck_assert_msg(t != NULL, "%s: no tensor %s", file->string, expected->string);
        tensor_equals(t, expected, file->string);
        offset_equals(expected->string, expected);
        found++;
    }
    ck_assert_msg(found == count, "%s: %zu tensors, expected %zu", file->string, count,
                  found);
    return (int)found;
}

static bool has_tensors(const cJSON *file)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, member(file, "tensors"))
    {
        if (member(entry, "dtype"))
            return true;
    }
    return false;
}

/* The reference reader of PyTorch 1.13 refuses seven files. Two of them only for lack of
 * an opcode (BINFLOAT), which is read here; their tensors were counted by hand. */
static const struct {
    const char *file;
    int tensors;
} read_here[] = {{"config/weights_with_config.pt", 3}, {"test_data/checkpoint.pt", 5}};

static int tensors_read_here(const char *name)
{
    for (int i = 0; i < COUNT(read_here); i++)
        if (strstr(name, read_here[i].file))
            return read_here[i].tensors;
    return 0;
}

START_TEST(reference_files_hold_what_upstream_reader_found)
{
    size_t size;
    char *text =
        file_load(shared_path("data/coco_eval/golden/checkpoint_tensors.json"), &size);
    cJSON *files = cJSON_Parse(text);
    const cJSON *file;
    int read = 0, refused = 0, tensors = 0;
    cJSON_ArrayForEach(file, files)
    {
        const int here = tensors_read_here(file->string);
        const bool readable = has_tensors(file) || here;
        const dp_status st =
            open_path(shared_path("data/checkpoints/%s", file->string));
        ck_assert_msg((st == DP_OK) == readable, "%s: %s", file->string,
                      st == DP_OK ? "read" : err.text);
        if (!readable) {
            ck_assert_int_eq(st, DP_EFORMAT);
            refused++;
            continue;
        }
        read++;
        size_t count = 0;
        if (here) {
            ck_assert_ptr_nonnull(dp_checkpoint_list_all(&err, c, &count));
            ck_assert_uint_eq(count, (size_t)here);
        } else {
            tensors += compare_file(file);
        }
    }
    ck_assert_int_eq(read, 63);
    ck_assert_int_eq(refused, 8); /* 4 of numpy arrays, 3 without a tensor, 1 broken */
    ck_assert_int_gt(tensors, 900);
    cJSON_Delete(files);
    free(text);
}
END_TEST

START_TEST(the_files_of_the_reference_models_verify)
{
    static const char *const cases[] = {"mask_rcnn_a", "cascade_a", "upernet_a",
                                        "convnext_cls"};
    for (int i = 0; i < COUNT(cases); i++) {
        size_t checked, count;
        open_or_fail(shared_path("golden/%s/model.pth", cases[i]));
        ck_assert_str_eq(dp_checkpoint_source(c), i == 3 ? "model" : "state_dict");
        ck_assert_int_eq(dp_checkpoint_verify(&err, c, &checked), DP_OK);
        dp_checkpoint_tensors(c, &count);
        ck_assert_uint_eq(checked, count + 2);
        dp_checkpoint_globals(c, &count);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/checkpoint_reference");
    TCase *t = tcase_create("reference");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 120);
    if (shared_has("data/coco_eval/golden/checkpoint_tensors.json"))
        tcase_add_test(t, reference_files_hold_what_upstream_reader_found);
    if (shared_has("golden"))
        tcase_add_test(t, the_files_of_the_reference_models_verify);
    suite_add_tcase(s, t);
    return suite_run(s);
}
