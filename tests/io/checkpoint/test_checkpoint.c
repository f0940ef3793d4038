/* Checkpoints in every form: what is found in them, under which names. */
#include "core/limits.h"
#include "io/checkpoint/checkpoint.h"
#include "tests/support/pth_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static dp_error err;
static dp_checkpoint *c;

static void teardown(void)
{
    dp_checkpoint_close(c);
    scratch_teardown();
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

static void refused_with(const char *path, dp_status status, const char *sentence)
{
    ck_assert_int_eq(open_path(path), status);
    ck_assert_ptr_null(c);
    ck_assert_msg(strstr(err.text, sentence) != NULL,
                  "found \"%s\", expected \"...%s...\"", err.text, sentence);
}

/* ---- whole checkpoints ---- */

static const float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const int64_t steps = 77;

static const dp_named_tensor model[] = {{.name = "stem.weight",
                                         .dtype = DP_DTYPE_F32,
                                         .rank = 2,
                                         .shape = {3, 4},
                                         .stride = {4, 1},
                                         .data = weights},
                                        {.name = "stem.bias",
                                         .dtype = DP_DTYPE_F32,
                                         .rank = 1,
                                         .shape = {2},
                                         .stride = {1},
                                         .data = weights + 3},
                                        {.name = "steps", /* a scalar */
                                         .dtype = DP_DTYPE_I64,
                                         .data = &steps}};

static void model_is_read(void)
{
    size_t count;
    const dp_named_tensor *t = dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, COUNT(model));
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(t[i].name, model[i].name); /* in the file's order */
        ck_assert_ptr_eq(dp_checkpoint_find(c, model[i].name), &t[i]);
        ck_assert_int_eq(t[i].dtype, model[i].dtype);
        ck_assert_int_eq(t[i].rank, model[i].rank);
        ck_assert_mem_eq(t[i].shape, model[i].shape, sizeof t[i].shape);
        ck_assert_mem_eq(t[i].stride, model[i].stride, sizeof t[i].stride);
        ck_assert_mem_eq(t[i].data, model[i].data,
                         dp_named_tensor_count(&t[i]) * dp_dtype_size(t[i].dtype));
    }
    ck_assert_ptr_null(dp_checkpoint_find(c, "stem"));
    ck_assert_ptr_null(dp_checkpoint_find(c, ""));
}

static const struct {
    pth_options options;
    const char *format, *source, *prefix;
} layouts[] = {
    {{PTH_BARE, false, NULL, NULL, NULL, false}, "torch zip", "", ""},
    {{PTH_MODEL, false, NULL, NULL, NULL, false}, "torch zip", "model", ""},
    {{PTH_STATE_DICT, false, NULL, NULL, NULL, false}, "torch zip", "state_dict", ""},
    {{PTH_STATE_DICT, false, "module.", NULL, NULL, false},
     "torch zip",
     "state_dict",
     "module."},
    {{PTH_BARE, true, NULL, NULL, NULL, false}, "torch legacy", "", ""},
    {{PTH_MODEL, true, "module.", NULL, NULL, false},
     "torch legacy",
     "model",
     "module."},
    {{PTH_STATE_DICT, true, NULL, NULL, NULL, false}, "torch legacy", "state_dict", ""},
};

START_TEST(a_model_is_found_in_every_layout)
{
    const char *path = scratch_path("model.pth");
    ck_assert(pth_write(path, model, COUNT(model), &layouts[_i].options));
    open_or_fail(path);
    ck_assert_str_eq(dp_checkpoint_format(c), layouts[_i].format);
    ck_assert_str_eq(dp_checkpoint_source(c), layouts[_i].source);
    ck_assert_str_eq(dp_checkpoint_prefix(c), layouts[_i].prefix);
    model_is_read();
}
END_TEST

static const dp_dtype types[] = {
    DP_DTYPE_F32, DP_DTYPE_F16, DP_DTYPE_BF16, DP_DTYPE_F64, DP_DTYPE_I8,
    DP_DTYPE_U8,  DP_DTYPE_I16, DP_DTYPE_I32,  DP_DTYPE_I64, DP_DTYPE_BOOL};

START_TEST(every_type_and_stride_is_read)
{
    /* 2 x 3 x 2 out of 24 elements, channels last. */
    static const unsigned char bytes[24 * 8] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int legacy = 0; legacy < 2; legacy++) {
        const dp_named_tensor t = {.name = "t",
                                   .dtype = types[_i],
                                   .rank = 3,
                                   .shape = {2, 3, 2},
                                   .stride = {12, 1, 3},
                                   .data = bytes};
        const pth_options options = {.legacy = legacy != 0};
        const char *path = scratch_path("model.pth");
        ck_assert(pth_write(path, &t, 1, &options));
        open_or_fail(path);
        const dp_named_tensor *got = dp_checkpoint_find(c, "t");
        ck_assert_int_eq(got->dtype, t.dtype);
        ck_assert_mem_eq(got->stride, t.stride, sizeof t.stride);
        ck_assert_mem_eq(got->data, bytes, 18 * dp_dtype_size(t.dtype));
        ck_assert_str_eq(dp_checkpoint_type(c, got)->name, dp_dtype_name(t.dtype));
    }
}
END_TEST

/* ---- objects made by hand ---- */

static memory_file object;

static FILE *begin_object(void)
{
    memory_file_open(&object);
    pickle_begin(object.stream);
    return object.stream;
}

/* End the object, and write it with storages "0" and "1": 12 floats, 6 of them again. */
static const char *write_object(void)
{
    zip_writer z;
    pickle_end(object.stream);
    memory_file_close(&object);
    const char *path = scratch_path("object.pth");
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    zip_begin(&z, f);
    zip_add(&z, "archive/data.pkl", object.data, object.size);
    zip_add(&z, "archive/byteorder", "little", 6);
    zip_add(&z, "archive/data/0", weights, sizeof weights);
    zip_add(&z, "archive/data/1", weights, 6 * sizeof *weights);
    zip_add(&z, "archive/.data/serialization_id", "123", 3);
    zip_end(&z);
    ck_assert_int_eq(fclose(f), 0);
    free(object.data);
    return path;
}

/* A row of `count` elements of storage "0" or "1". */
static void put_row(FILE *f, const char *key, int64_t offset, int64_t count)
{
    static const int64_t one = 1;
    const pth_view v = {.storage_class = "FloatStorage",
                        .key = key,
                        .storage_count = *key == '0' ? 12 : 6,
                        .offset = offset,
                        .rank = 1,
                        .shape = &count,
                        .stride = &one};
    pickle_tensor(f, &v, false);
}

static void put_item(FILE *f, const char *name, const char *key, int64_t offset,
                     int64_t count)
{
    pickle_text(f, name);
    put_row(f, key, offset, count);
    fputc('s', f);
}

/* {"epoch": 3, "model": {"w": tensor, "v": a view of the same}, "optimizer": {"state":
 * {0: {"step": 5, "exp_avg": tensor}}, "groups": [{"lr": 0.5, "params": [0]}]}} */
static void put_training(FILE *f)
{
    fputc('}', f);
    pickle_text(f, "epoch");
    pickle_int(f, 3);
    fputs("s", f);
    pickle_text(f, "model");
    pickle_ordered_dict(f);
    put_item(f, "w", "0", 0, 12);
    put_item(f, "v", "0", 4, 6);
    fputc('s', f);
    pickle_text(f, "optimizer");
    fputc('}', f);
    pickle_text(f, "state");
    fputc('}', f);
    pickle_int(f, 0);
    fputc('}', f);
    pickle_text(f, "step");
    pickle_int(f, 5);
    fputc('s', f);
    put_item(f, "exp_avg", "1", 0, 6);
    fputs("ss", f); /* into state, into optimizer */
    pickle_text(f, "groups");
    fputs("]}", f);
    pickle_text(f, "lr");
    pickle_float(f, 0.5);
    fputc('s', f);
    fputs("as", f);
    fputc('s', f);
}

START_TEST(views_share_their_storage)
{
    put_training(begin_object());
    open_or_fail(write_object());
    const float *w = dp_checkpoint_find(c, "w")->data;
    const float *v = dp_checkpoint_find(c, "v")->data;
    ck_assert_ptr_eq(v, w + 4);
    ck_assert_mem_eq(v, weights + 4, 6 * sizeof *v);
}
END_TEST

START_TEST(the_optimizer_is_listed_only_on_demand)
{
    put_training(begin_object());
    open_or_fail(write_object());
    size_t count;
    dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_null(dp_checkpoint_find(c, "optimizer.state.0.exp_avg"));

    static const char *const names[] = {"model.w", "model.v",
                                        "optimizer.state.0.exp_avg"};
    for (int twice = 0; twice < 2; twice++) {
        const dp_named_tensor *t = dp_checkpoint_list_all(&err, c, &count);
        ck_assert_ptr_nonnull(t);
        ck_assert_uint_eq(count, COUNT(names));
        for (size_t i = 0; i < count; i++)
            ck_assert_str_eq(t[i].name, names[i]);
        ck_assert_str_eq(dp_checkpoint_type(c, &t[2])->name, "F32");
    }
    dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(values_beside_the_tensors_are_kept)
{
    static const char *const classes[] = {"person", "bed ", "\xc3\xa4", NULL};
    const pth_options options = {.layout = PTH_STATE_DICT, .classes = classes};
    const char *path = scratch_path("model.pth");
    ck_assert(pth_write(path, model, COUNT(model), &options));
    open_or_fail(path);
    dp_pickle_value root;
    const dp_pickle_values *p = dp_checkpoint_values(c, &root);
    const dp_pickle_value meta = dp_pickle_value_find(p, root, "meta");
    const dp_pickle_value epoch = dp_pickle_value_find(p, meta, "epoch");
    ck_assert_int_eq(dp_pickle_value_kind(p, epoch), DP_PICKLE_INT);
    ck_assert_int_eq(dp_pickle_value_int(p, epoch), 36);
    const dp_pickle_value names = dp_pickle_value_find(p, meta, "CLASSES");
    ck_assert_int_eq(dp_pickle_value_kind(p, names), DP_PICKLE_TUPLE);
    ck_assert_uint_eq(dp_pickle_value_count(p, names), 3);
    for (size_t i = 0; classes[i]; i++)
        ck_assert(dp_name_equals(
            dp_pickle_value_text(p, dp_pickle_value_item(p, names, i)), classes[i]));
    ck_assert_uint_eq(dp_pickle_value_find(p, meta, "time"), DP_PICKLE_ABSENT);
}
END_TEST

START_TEST(what_is_not_read_is_named_and_not_found)
{
    FILE *f = begin_object();
    fputc('}', f);
    pickle_text(f, "hook");
    pickle_global(f, "os", "system");
    fputc('(', f);
    pickle_text(f, "touch pwned");
    fputs("tRs", f);
    pickle_text(f, "state_dict");
    fputc('}', f);
    put_item(f, "module.w", "0", 0, 12);
    pickle_text(f, "module.q");
    pickle_global(f, "torch._utils", "_rebuild_qtensor");
    fputs(")Rs", f);
    fputc('s', f);
    open_or_fail(write_object());

    size_t count;
    const dp_named_tensor *t = dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(t[0].name, "w");
    ck_assert_ptr_null(dp_checkpoint_find(c, "q"));
    const dp_refusal *r = dp_checkpoint_refusals(c, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(r[0].name, "q");
    ck_assert_str_eq(r[0].class, "torch._utils._rebuild_qtensor");
    const char *const *globals = dp_checkpoint_globals(c, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(globals[0], "os.system");
    ck_assert_str_eq(globals[1], "torch._utils._rebuild_qtensor");
}
END_TEST

START_TEST(a_prefix_stays_when_one_name_lacks_it)
{
    FILE *f = begin_object();
    fputc('}', f);
    put_item(f, "module.w", "0", 0, 12);
    put_item(f, "w", "0", 0, 12);
    open_or_fail(write_object());
    ck_assert_str_eq(dp_checkpoint_prefix(c), "");
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, "module.w"));
}
END_TEST

START_TEST(a_key_without_tensors_is_passed_over)
{
    FILE *f = begin_object();
    fputc('}', f);
    pickle_text(f, "state_dict");
    fputs("}s", f);
    pickle_text(f, "model");
    pickle_global(f, "my", "Model");
    fputs(")Rs", f);
    pickle_text(f, "model_ema");
    fputc('}', f);
    put_item(f, "w", "0", 0, 12);
    fputc('s', f);
    open_or_fail(write_object());
    ck_assert_str_eq(dp_checkpoint_source(c), "model_ema");
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, "w"));
}
END_TEST

START_TEST(lists_and_bare_tensors_have_names_too)
{
    FILE *f = begin_object();
    fputc('(', f);
    put_row(f, "0", 0, 12);
    put_row(f, "1", 0, 6);
    fputc('t', f);
    open_or_fail(write_object());
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, "0"));
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, "1"));
    put_row(begin_object(), "0", 0, 12);
    open_or_fail(write_object());
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, ""));
    f = begin_object(); /* {"": {"x": tensor}, "x": tensor} */
    fputc('}', f);
    pickle_text(f, "");
    fputc('}', f);
    put_item(f, "x", "0", 0, 12);
    fputc('s', f);
    put_item(f, "x", "1", 0, 6);
    open_or_fail(write_object());
    ck_assert_int_eq(dp_checkpoint_find(c, ".x")->shape[0], 12);
    ck_assert_int_eq(dp_checkpoint_find(c, "x")->shape[0], 6);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(a_file_without_tensors_says_what_it_holds)
{
    FILE *f = begin_object();
    fputc('}', f);
    pickle_text(f, "epoch");
    pickle_int(f, 3);
    fputc('s', f);
    pickle_text(f, "model");
    pickle_global(f, "models.yolo", "Model");
    fputs(")Rs", f);
    refused_with(write_object(), DP_EFORMAT,
                 "no tensors, but dict of 2 (epoch: int, model: models.yolo.Model)");
    f = begin_object();
    pickle_global(f, "torchvision.models.resnet", "ResNet");
    fputs(")\x81}b", f);
    refused_with(write_object(), DP_EFORMAT,
                 "no tensors, but torchvision.models.resnet.ResNet");
    f = begin_object();
    fputs("]NaNa", f);
    refused_with(write_object(), DP_EFORMAT, "no tensors, but list of 2 (None, None)");
    fputc('N', begin_object());
    refused_with(write_object(), DP_EFORMAT, "no tensors, but None");
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
    FILE *f = begin_object();
    fputc('}', f);
    put_item(f, "w", "0", 0, 12);
    put_item(f, "w", "1", 0, 6);
    refused_with(write_object(), DP_EFORMAT, "tensor w stands twice");
}
END_TEST

/* A dict that holds a tensor under the key that `put_key` writes. */
static void put_under(void (*put_key)(FILE *f))
{
    FILE *f = begin_object();
    fputc('}', f);
    put_key(f);
    put_row(f, "0", 0, 12);
    fputc('s', f);
}

static void put_tuple_key(FILE *f)
{
    fputs("K\x01K\x02\x86", f);
}

static void put_zero_key(FILE *f)
{
    fputs("U\x03", f);
    fwrite("a\0b", 1, 3, f);
}

static void put_broken_key(FILE *f)
{
    fputs("U\x02\xc3(", f);
}

static void put_long_key(FILE *f)
{
    char key[DP_MAX_TENSOR_NAME + 2];
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    pickle_text(f, key);
}

START_TEST(a_key_that_cannot_be_a_name_is_refused)
{
    static void (*const keys[])(FILE *) = {put_tuple_key, put_zero_key, put_broken_key,
                                           put_long_key};
    put_under(keys[_i]);
    refused_with(write_object(), DP_EFORMAT, "a key that cannot be a name");
}
END_TEST

START_TEST(a_changed_object_is_seen_at_once_and_a_changed_tensor_when_asked)
{
    put_training(begin_object());
    const char *path = write_object();
    size_t size, checked;
    char *bytes = file_load(path, &size);
    open_or_fail(path);
    ck_assert_int_eq(dp_checkpoint_verify(&err, c, &checked), DP_OK);
    ck_assert_uint_eq(checked, 5);

    bytes[64 + 10] ^= 1; /* within data.pkl */
    path = scratch_file("changed.pth", bytes, size);
    refused_with(path, DP_EFORMAT, "archive/data.pkl: found CRC-32");
    bytes[64 + 10] ^= 1;

    char *data = bytes;
    while (memcmp(data, weights, sizeof weights) != 0)
        data++;
    data[5] ^= 1;
    open_or_fail(scratch_file("changed.pth", bytes, size));
    ck_assert_int_eq(dp_checkpoint_verify(&err, c, &checked), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "archive/data/0: found CRC-32"));
    free(bytes);
}
END_TEST

/* An archive of one tensor, with one more member. */
static const char *write_with(const char *name, const char *content)
{
    zip_writer z;
    memory_file m;
    static const int64_t count = 12, one = 1;
    const pth_view v = {.storage_class = "FloatStorage",
                        .key = "0",
                        .storage_count = 12,
                        .rank = 1,
                        .shape = &count,
                        .stride = &one};
    memory_file_open(&m);
    pickle_begin(m.stream);
    pickle_tensor(m.stream, &v, false);
    pickle_end(m.stream);
    memory_file_close(&m);
    const char *path = scratch_path("with.pth");
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    zip_begin(&z, f);
    zip_add(&z, "a/data.pkl", m.data, m.size);
    zip_add(&z, "a/data/0", weights, sizeof weights);
    zip_add(&z, name, content, strlen(content));
    zip_end(&z);
    ck_assert_int_eq(fclose(f), 0);
    free(m.data);
    return path;
}

START_TEST(archives_that_are_not_a_state_dict_are_refused_by_name)
{
    open_or_fail(write_with("a/other", "x"));
    open_or_fail(write_with("a/byteorder", "little"));
    refused_with(write_with("a/byteorder", "big"), DP_EUNSUPPORTED,
                 "found byte order big, expected little");
    refused_with(write_with("a/constants.pkl", "x"), DP_EUNSUPPORTED, "TorchScript");
    refused_with(write_with("b/data.pkl", "x"), DP_EFORMAT, "2 members */data.pkl");
}
END_TEST

START_TEST(other_files_are_refused_by_what_they_are)
{
    static const char tar[600] = "sys_info";
    char with_mark[600];
    memcpy(with_mark, tar, sizeof tar);
    memcpy(with_mark + 257, "ustar", 5);
    refused_with(scratch_file("x.pth", with_mark, 600), DP_EUNSUPPORTED,
                 "a tar archive");
    refused_with(scratch_file("x.pth", "", 0), DP_EFORMAT, "an empty file");
    refused_with(scratch_file("x.pth", "\x80\x02N.", 4), DP_EFORMAT, "a bare pickle");
    refused_with(scratch_file("x.pth", "\x89PNG", 4), DP_EFORMAT, "starts with 89 50");
    refused_with(scratch_file("x.pth", "a", 1), DP_EFORMAT, "starts with 61 00");
    refused_with(scratch_file("x.safetensors", "a", 1), DP_EFORMAT,
                 "found a file of 1 bytes, expected 8 or more");
    refused_with(scratch_file("x.pth", "PK\3\4xxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32),
                 DP_EFORMAT, "the ZIP archive has no end record");
    refused_with(scratch_path("none.pth"), DP_EIO, "none.pth");
    refused_with(scratch_path("."), DP_EIO, "a directory");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_checked_fixture(t, scratch_setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_model_is_found_in_every_layout, 0, COUNT(layouts));
    tcase_add_loop_test(t, every_type_and_stride_is_read, 0, COUNT(types));
    tcase_add_test(t, views_share_their_storage);
    tcase_add_test(t, the_optimizer_is_listed_only_on_demand);
    tcase_add_test(t, values_beside_the_tensors_are_kept);
    tcase_add_test(t, what_is_not_read_is_named_and_not_found);
    tcase_add_test(t, a_prefix_stays_when_one_name_lacks_it);
    tcase_add_test(t, a_key_without_tensors_is_passed_over);
    tcase_add_test(t, lists_and_bare_tensors_have_names_too);
    tcase_add_test(t, a_file_without_tensors_says_what_it_holds);
    tcase_add_test(t, a_name_twice_is_refused);
    tcase_add_loop_test(t, a_key_that_cannot_be_a_name_is_refused, 0, 4);
    tcase_add_test(t, a_changed_object_is_seen_at_once_and_a_changed_tensor_when_asked);
    tcase_add_test(t, archives_that_are_not_a_state_dict_are_refused_by_name);
    tcase_add_test(t, other_files_are_refused_by_what_they_are);
    suite_add_tcase(s, t);
    return suite_run(s);
}
