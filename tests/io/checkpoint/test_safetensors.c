/* Safetensors: written and read back, and headers that are refused. */
#include "base/memory.h"
#include "io/checkpoint/checkpoint.h"
#include "io/checkpoint/safetensors.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static dp_error err;

/* ---- bytes that are read ---- */

static dp_tensor_list list;
static dp_pickle_values metadata;
static dp_pickle_value root;
static char *texts;
static unsigned char *bytes;

static void forget(void)
{
    dp_tensor_list_done(&list);
    dp_pickle_values_done(&metadata);
    dp_free(texts);
    free(bytes);
    texts = NULL;
    bytes = NULL;
}

static void teardown(void)
{
    forget();
    scratch_teardown();
}

/* Read a copy in a block of exactly its size, so that a sanitizer sees a byte too far. */
static dp_status read_bytes(const void *data, size_t size)
{
    forget();
    err = (dp_error){0};
    bytes = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(bytes);
    if (size)
        memcpy(bytes, data, size);
    return dp_safetensors_read(&err, &list, &metadata, &root, &texts, "f", bytes, size);
}

/* A header, and `buffer` bytes of zeros behind it. */
static dp_status read_header(const char *header, size_t header_size, size_t buffer)
{
    unsigned char *file = calloc(8 + header_size + buffer, 1);
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)header_size >> (8 * i));
    memcpy(file + 8, header, header_size);
    const dp_status st = read_bytes(file, 8 + header_size + buffer);
    free(file);
    return st;
}

/* ---- written and read back ---- */

static const int16_t numbers[24] = {1,  -2,  3,  -4,  5,  -6,  7,  -8,
                                    9,  -10, 11, -12, 13, -14, 15, -16,
                                    17, -18, 19, -20, 21, -22, 23, -24};

START_TEST(every_type_comes_back_as_it_was)
{
    const dp_named_tensor t = {.name = "x",
                               .dtype = (dp_dtype)_i,
                               .rank = 2,
                               .shape = {2, 3},
                               .stride = {3, 1},
                               .data = numbers};
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, &t, 1, NULL), DP_OK);
    dp_checkpoint *c;
    ck_assert_int_eq(dp_checkpoint_open(&err, &c, path), DP_OK);
    ck_assert_str_eq(dp_checkpoint_format(c), "safetensors");
    const dp_named_tensor *got = dp_checkpoint_find(c, "x");
    ck_assert_ptr_nonnull(got);
    ck_assert_int_eq(got->dtype, t.dtype);
    ck_assert_int_eq(got->rank, 2);
    for (int d = 0; d < 2; d++) {
        ck_assert_int_eq(got->shape[d], t.shape[d]);
        ck_assert_int_eq(got->stride[d], t.stride[d]);
    }
    ck_assert_mem_eq(got->data, numbers, 6 * dp_dtype_size(t.dtype));
    ck_assert_str_eq(dp_checkpoint_type(c, got)->name, dp_dtype_name(t.dtype));
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(a_strided_tensor_is_written_row_major)
{
    /* 3 x 2 out of the columns of 2 x 4, and one number repeated. */
    static const int16_t expected[] = {1, 5, 2, 6, 3, 7};
    static const int16_t numbers_in[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const dp_named_tensor t[] = {{.name = "turned",
                                  .dtype = DP_DTYPE_I16,
                                  .rank = 2,
                                  .shape = {3, 2},
                                  .stride = {1, 4},
                                  .data = numbers_in},
                                 {.name = "repeated",
                                  .dtype = DP_DTYPE_I16,
                                  .rank = 1,
                                  .shape = {100000},
                                  .stride = {0},
                                  .data = numbers_in}};
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, NULL), DP_OK);
    dp_checkpoint *c;
    ck_assert_int_eq(dp_checkpoint_open(&err, &c, path), DP_OK);
    const dp_named_tensor *turned = dp_checkpoint_find(c, "turned");
    ck_assert(dp_named_tensor_is_dense(turned));
    ck_assert_mem_eq(turned->data, expected, sizeof expected);
    const int16_t *repeated = dp_checkpoint_find(c, "repeated")->data;
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(repeated[i], 1);
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(tensors_are_aligned_whatever_their_order)
{
    static const dp_dtype types[] = {DP_DTYPE_U8,  DP_DTYPE_F64, DP_DTYPE_F16,
                                     DP_DTYPE_I64, DP_DTYPE_F32, DP_DTYPE_BOOL};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    dp_named_tensor t[COUNT(types)];
    for (int i = 0; i < COUNT(types); i++)
        t[i] = (dp_named_tensor){.name = names[i],
                                 .dtype = types[i],
                                 .rank = 1,
                                 .shape = {3},
                                 .stride = {1},
                                 .data = numbers};
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, COUNT(types), NULL), DP_OK);
    dp_checkpoint *c;
    ck_assert_int_eq(dp_checkpoint_open(&err, &c, path), DP_OK);
    size_t count;
    const dp_named_tensor *got = dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, COUNT(types));
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq((uintptr_t)got[i].data % dp_dtype_size(got[i].dtype), 0);
    ck_assert_str_eq(got[0].name, "b"); /* large first, else as given */
    ck_assert_str_eq(got[1].name, "d");
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(names_and_metadata_of_any_text_come_back)
{
    static const char *const meta[] = {
        "format", "pt", "quote\"back\\", "\xc3\xa4\n\t\x01", "", "", NULL};
    static const char name[] = "a \"b\" \\ / \xf0\x9f\x98\x80";
    const dp_named_tensor t[] = {
        {.name = name, .dtype = DP_DTYPE_U8, .rank = 0, .data = numbers},
        {.name = "",
         .dtype = DP_DTYPE_F32,
         .rank = 3,
         .shape = {2, 0, 5},
         .data = numbers}};
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, meta), DP_OK);
    dp_checkpoint *c;
    ck_assert_msg(dp_checkpoint_open(&err, &c, path) == DP_OK, "%s", err.text);
    ck_assert_ptr_nonnull(dp_checkpoint_find(c, name));
    const dp_named_tensor *empty = dp_checkpoint_find(c, "");
    ck_assert_int_eq(empty->rank, 3);
    ck_assert_uint_eq(dp_named_tensor_count(empty), 0);
    dp_pickle_value dict;
    const dp_pickle_values *values = dp_checkpoint_values(c, &dict);
    ck_assert_uint_eq(dp_pickle_value_count(values, dict), 3);
    for (int i = 0; meta[i]; i += 2) {
        const dp_pickle_value v = dp_pickle_value_find(values, dict, meta[i]);
        ck_assert_uint_ne(v, DP_PICKLE_ABSENT);
        ck_assert(dp_name_equals(dp_pickle_value_text(values, v), meta[i + 1]));
    }
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(no_tensors_at_all_are_a_file)
{
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, NULL, 0, NULL), DP_OK);
    dp_checkpoint *c;
    ck_assert_int_eq(dp_checkpoint_open(&err, &c, path), DP_OK);
    size_t count, checked;
    dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(dp_checkpoint_find(c, "x"));
    ck_assert_int_eq(dp_checkpoint_verify(&err, c, &checked), DP_OK);
    ck_assert_uint_eq(checked, 0);
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_no_file)
{
    const dp_named_tensor good = {.name = "x", .dtype = DP_DTYPE_U8, .data = numbers};
    dp_named_tensor t[2] = {good, good};
    const char *path = scratch_path("f.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, NULL), DP_EARG);
    ck_assert_ptr_nonnull(strstr(err.text, "tensor x stands twice"));
    t[1].name = "__metadata__";
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, NULL), DP_EARG);
    t[1].name = "\xff";
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, NULL), DP_EARG);
    t[1].name = "y";
    t[1].dtype = DP_DTYPE_OTHER;
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, NULL), DP_EUNSUPPORTED);
    static const char *const meta[] = {"k", "\xff", NULL};
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 1, meta), DP_EARG);
    ck_assert_int_eq(
        dp_safetensors_save(&err, scratch_path("no/such/folder"), t, 1, NULL), DP_EIO);
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

/* ---- headers ---- */

#define ENTRY(dtype, shape, range) \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" range "]}"

static const struct {
    const char *header;
    size_t buffer;
    int tensors;
} accepted[] = {
    {"{}", 0, 0},
    {"{}   ", 0, 0},
    {"{\"a\":" ENTRY("F32", "2", "0,8") "}", 8, 1},
    {"{\"a\":" ENTRY("F32", "", "0,4") "}", 4, 1},
    {"{\"a\":" ENTRY("F32", "0", "0,0") "}", 0, 1},
    {"{\"a\":" ENTRY("F32", "1,0,9999999", "0,0") "}", 0, 1},
    {"{\"a\":" ENTRY("F4", "3,2", "0,3") "}", 3, 1},
    {"{\"a\":" ENTRY("F6_E2M3", "4", "0,3") "}", 3, 1},
    {"{\"a\":" ENTRY("C64", "1", "0,8") "}", 8, 1},
    {"{\"a\":" ENTRY("F8_E4M3", "8", "0,8") "}", 8, 1},
    /* the order of the header is not that of the bytes */
    {"{\"b\":" ENTRY("U8", "3", "5,8") ",\"a\":" ENTRY("U8", "5", "0,5") "}", 8, 2},
    {"{\"b\":" ENTRY("U8", "0", "5,5") ",\"a\":" ENTRY("U8", "5", "0,5") "}", 5, 2},
    /* the order of an entry's keys is free, blanks too, escapes in names */
    {"{ \"a\" : { \"data_offsets\" : [ 0 , 1 ] , \"shape\" : [ ] , \"dtype\" : \"U8\" "
     "} }",
     1, 1},
    {"{\"\\u00e4\\ud83d\\ude00\":" ENTRY("U8", "", "0,1") "}", 1, 1},
    {"{\"__metadata__\":{},\"a\":" ENTRY("U8", "", "0,1") "}", 1, 1},
    {"{\"__metadata__\":{\"a\":\"b\"}}", 0, 0},
};

START_TEST(a_right_header_is_read)
{
    ck_assert_msg(read_header(accepted[_i].header, strlen(accepted[_i].header),
                              accepted[_i].buffer) == DP_OK,
                  "%s: %s", accepted[_i].header, err.text);
    ck_assert_uint_eq(list.count, (size_t)accepted[_i].tensors);
}
END_TEST

static const struct {
    const char *header;
    size_t buffer;
    const char *sentence;
} refused[] = {
    {"", 0, "does not start with {"},
    {" {}", 0, "does not start with {"},
    {"\xef\xbb\xbf{}", 0, "does not start with {"},
    {"[]", 0, "does not start with {"},
    {"{", 0, "f:1:"},
    {"{}x", 0, "f:1:"},
    {"{} {}", 0, "f:1:"},
    {"{\"a\"}", 0, "f:1:"},
    {"{\"a\":1}", 0, "tensor a: its entry is no object"},
    {"{\"a\":{}}", 0, "tensor a: it has no dtype"},
    {"{\"a\":null}", 0, "no object"},
    {"{'a':{}}", 0, "f:1:"},
    {"{\"a\":" ENTRY("F32", "2", "0,8") ",}", 8, "f:1:"},
    {"{\"a\xff\":" ENTRY("U8", "1", "0,1") "}", 1, "UTF-8"},
    {"{\"a\\u0000\":" ENTRY("U8", "1", "0,1") "}", 1, "control characters"},
    {"{\"a\\n\":" ENTRY("U8", "1", "0,1") "}", 1, "control characters"},
    {"{\"a\\ud800\":" ENTRY("U8", "1", "0,1") "}", 1, "f:1:"},
    {"{\"a\":" ENTRY("F31", "2", "0,8") "}", 8, "unknown dtype F31"},
    {"{\"a\":" ENTRY("float32", "2", "0,8") "}", 8, "unknown dtype float32"},
    {"{\"a\":" ENTRY("C128", "1", "0,16") "}", 16, "unknown dtype C128"},
    {"{\"a\":" ENTRY("QI8", "1", "0,1") "}", 1, "unknown dtype QI8"},
    {"{\"a\":" ENTRY("F32F32F32F32F32F32", "1", "0,1") "}", 1, "unknown dtype F32F32"},
    {"{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "is no text"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "is no list"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":8}}", 8, "are no list"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "no dtype, shape or"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}",
     1, "a key stands twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1}}", 1,
     "unknown key x"},
    {"{\"a\":" ENTRY("F32", "-2", "0,8") "}", 8, "not of whole numbers"},
    {"{\"a\":" ENTRY("F32", "2.0", "0,8") "}", 8, "not of whole numbers"},
    {"{\"a\":" ENTRY("F32", "2e0", "0,8") "}", 8, "not of whole numbers"},
    {"{\"a\":" ENTRY("F32", "\\\"2\\\"", "0,8") "}", 8, "f:1:"},
    {"{\"a\":" ENTRY("F32", "[2]", "0,8") "}", 8, "not of whole numbers"},
    {"{\"a\":" ENTRY("U8", "9223372036854775808", "0,8") "}", 8,
     "not of whole numbers"},
    {"{\"a\":" ENTRY("F32", "4611686018427387904,2", "0,0") "}", 0, "size overflows"},
    {"{\"a\":" ENTRY("F32", "4294967296,4294967296", "0,0") "}", 0, "size overflows"},
    {"{\"a\":" ENTRY("F32", "0,4294967296,4294967296", "0,0") "}", 0, "size overflows"},
    {"{\"a\":" ENTRY("U8", "4611686018427387904", "0,4") "}", 4, "overflows"},
    {"{\"a\":" ENTRY("F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4,
     "more than 8 dimensions"},
    {"{\"a\":" ENTRY("F4", "3", "0,2") "}", 2, "within a byte"},
    {"{\"a\":" ENTRY("F32", "2", "0,8,8") "}", 8, "not two whole numbers"},
    {"{\"a\":" ENTRY("F32", "2", "8") "}", 8, "not two whole numbers"},
    {"{\"a\":" ENTRY("F32", "2", "-8,0") "}", 8, "not two whole numbers"},
    {"{\"a\":" ENTRY("F32", "2", "0,8.0") "}", 8, "not two whole numbers"},
    {"{\"a\":" ENTRY("F32", "2", "8,0") "}", 8, "do not hold its 8 bytes"},
    {"{\"a\":" ENTRY("F32", "2", "0,7") "}", 7, "do not hold its 8 bytes"},
    {"{\"a\":" ENTRY("F32", "2", "1,9") "}", 9, "must start at 0"},
    {"{\"a\":" ENTRY("F32", "2", "0,8") "}", 7, "end by 7"},
    {"{\"a\":" ENTRY("F32", "2", "0,8") "}", 9, "1 bytes follow the last tensor"},
    {"{}", 1, "1 bytes follow the last tensor"},
    {"{\"a\":" ENTRY("U8", "4", "0,4") ",\"b\":" ENTRY("U8", "4", "2,6") "}", 6,
     "tensor b: bytes 2 to 6 must start at 4"},
    {"{\"a\":" ENTRY("U8", "4", "0,4") ",\"b\":" ENTRY("U8", "4", "5,9") "}", 9,
     "tensor b: bytes 5 to 9 must start at 4"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "a value is no text"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ stands twice"},
};

START_TEST(a_wrong_header_is_refused_in_words)
{
    const dp_status st =
        read_header(refused[_i].header, strlen(refused[_i].header), refused[_i].buffer);
    ck_assert_msg(st == DP_EFORMAT || st == DP_EUNSUPPORTED, "%s", refused[_i].header);
    ck_assert_msg(strstr(err.text, refused[_i].sentence) != NULL,
                  "%s: found \"%s\", expected \"...%s...\"", refused[_i].header,
                  err.text, refused[_i].sentence);
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
    static const char header[] =
        "{\"a\":" ENTRY("U8", "4", "0,4") ",\"\\u0061\":" ENTRY("U8", "4", "4,8") "}";
    unsigned char file[8 + sizeof header + 8] = {sizeof header - 1};
    memcpy(file + 8, header, sizeof header - 1);
    dp_checkpoint *c;
    ck_assert_int_eq(dp_checkpoint_open(
                         &err, &c, scratch_file("f", file, 8 + sizeof header - 1 + 8)),
                     DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "tensor a stands twice"));
}
END_TEST

START_TEST(a_header_longer_than_the_file_or_the_limit_is_refused)
{
    static const uint64_t lengths[] = {2,         9, 1000, 100000001, UINT64_MAX / 2,
                                       UINT64_MAX};
    unsigned char file[9] = {0};
    for (int i = 0; i < COUNT(lengths); i++) {
        for (int k = 0; k < 8; k++)
            file[k] = (unsigned char)(lengths[i] >> (8 * k));
        file[8] = '{';
        ck_assert_int_eq(read_bytes(file, sizeof file), DP_EFORMAT);
        ck_assert_ptr_nonnull(strstr(err.text, "a header of"));
    }
    for (size_t size = 0; size < 8; size++) {
        char found[40];
        snprintf(found, sizeof found, "found a file of %zu bytes", size);
        ck_assert_int_eq(read_bytes(file, size), DP_EFORMAT);
        ck_assert_ptr_nonnull(strstr(err.text, found));
    }
}
END_TEST

/* ---- whole files, damaged ---- */

/* A small file as this program writes it. */
static unsigned char *make_file(size_t *size)
{
    static const char *const meta[] = {"format", "pt", NULL};
    const dp_named_tensor t[] = {
        {.name = "weight",
         .dtype = DP_DTYPE_I16,
         .rank = 2,
         .shape = {4, 5},
         .stride = {5, 1},
         .data = numbers},
        {.name = "steps", .dtype = DP_DTYPE_I64, .rank = 0, .data = numbers}};
    const char *path = scratch_path("whole.safetensors");
    ck_assert_int_eq(dp_safetensors_save(&err, path, t, 2, meta), DP_OK);
    return (unsigned char *)file_load(path, size);
}

START_TEST(a_file_cut_anywhere_is_refused)
{
    size_t size;
    unsigned char *file = make_file(&size);
    ck_assert_int_eq(read_bytes(file, size), DP_OK);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(read_bytes(file, cut), DP_EFORMAT);
    free(file);
}
END_TEST

START_TEST(every_changed_bit_is_refused_or_read_in_bounds)
{
    size_t size;
    unsigned char *file = make_file(&size);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (unsigned char)(1 << bit);
            if (read_bytes(file, size) == DP_OK)
                for (size_t k = 0; k < list.count; k++) {
                    const dp_named_tensor *t = &list.tensors[k];
                    const size_t n =
                        dp_named_tensor_count(t) * (list.types[k]->bits / 8);
                    const unsigned char *p = t->data;
                    ck_assert(n == 0 || (p >= bytes && p + n <= bytes + size));
                }
            file[i] ^= (unsigned char)(1 << bit);
        }
    free(file);
}
END_TEST

/* ---- the reference data ---- */

START_TEST(reference_files_are_taken_and_refused_as_expected)
{
    size_t size;
    char *text = file_load(
        shared_path("data/checkpoints/hostile_safetensors/EXPECTED.json"), &size);
    cJSON *expected = cJSON_Parse(text);
    const cJSON *entry;
    int seen = 0;
    cJSON_ArrayForEach(entry, expected)
    {
        dp_checkpoint *c;
        const bool valid = cJSON_IsTrue(cJSON_GetObjectItem(entry, "valid"));
        const dp_status st = dp_checkpoint_open(
            &err, &c,
            shared_path("data/checkpoints/hostile_safetensors/%s.safetensors",
                        entry->string));
        ck_assert_msg((st == DP_OK) == valid, "%s: %s", entry->string,
                      st == DP_OK ? "taken" : err.text);
        ck_assert(valid || st == DP_EFORMAT);
        dp_checkpoint_close(c);
        seen++;
    }
    ck_assert_int_eq(seen, 30);
    cJSON_Delete(expected);
    free(text);
}
END_TEST

START_TEST(reference_samples_of_every_type_are_read)
{
    static const struct {
        const char *file, *type;
    } samples[] = {{"B", "U8"},  {"H", "U16"}, {"I", "U32"}, {"b", "I8"}, {"d", "F64"},
                   {"e", "F16"}, {"f", "F32"}, {"h", "I16"}, {"i", "I32"}};
    for (int i = 0; i < COUNT(samples); i++) {
        dp_checkpoint *c;
        size_t count;
        ck_assert_msg(
            dp_checkpoint_open(
                &err, &c,
                shared_path("data/checkpoints/ckpt_safetensors/samples/%s.safetensors",
                            samples[i].file)) == DP_OK,
            "%s", err.text);
        const dp_named_tensor *t = dp_checkpoint_tensors(c, &count);
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(dp_dtype_name(t->dtype), samples[i].type);
        dp_checkpoint_close(c);
    }
}
END_TEST

/* One model, trained twice and published in either format. */
START_TEST(a_published_file_has_the_tensors_of_its_pth)
{
    static const char dir[] =
        "data/checkpoints/ckpt_burn/examples/import-model-weights/"
        "weights";
    dp_checkpoint *a, *b;
    size_t count_a, count_b;
    ck_assert_int_eq(
        dp_checkpoint_open(&err, &a, shared_path("%s/mnist.safetensors", dir)), DP_OK);
    ck_assert_int_eq(dp_checkpoint_open(&err, &b, shared_path("%s/mnist.pt", dir)),
                     DP_OK);
    const dp_named_tensor *t = dp_checkpoint_tensors(a, &count_a);
    dp_checkpoint_tensors(b, &count_b);
    ck_assert_uint_eq(count_a, 20);
    ck_assert_uint_eq(count_b, 20);
    for (size_t i = 0; i < count_a; i++) {
        const dp_named_tensor *u = dp_checkpoint_find(b, t[i].name);
        ck_assert_ptr_nonnull(u);
        ck_assert_int_eq(u->dtype, t[i].dtype);
        ck_assert_int_eq(u->rank, t[i].rank);
        ck_assert_mem_eq(u->shape, t[i].shape, (size_t)u->rank * sizeof *u->shape);
    }
    dp_checkpoint_close(a);
    dp_checkpoint_close(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/safetensors");
    TCase *t = tcase_create("safetensors");
    tcase_add_checked_fixture(t, scratch_setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_type_comes_back_as_it_was, 0, DP_DTYPE_OTHER);
    tcase_add_test(t, a_strided_tensor_is_written_row_major);
    tcase_add_test(t, tensors_are_aligned_whatever_their_order);
    tcase_add_test(t, names_and_metadata_of_any_text_come_back);
    tcase_add_test(t, no_tensors_at_all_are_a_file);
    tcase_add_test(t, what_cannot_be_written_leaves_no_file);
    tcase_add_loop_test(t, a_right_header_is_read, 0, COUNT(accepted));
    tcase_add_loop_test(t, a_wrong_header_is_refused_in_words, 0, COUNT(refused));
    tcase_add_test(t, a_name_twice_is_refused);
    tcase_add_test(t, a_header_longer_than_the_file_or_the_limit_is_refused);
    tcase_add_test(t, a_file_cut_anywhere_is_refused);
    tcase_add_test(t, every_changed_bit_is_refused_or_read_in_bounds);
    if (shared_has("data/checkpoints")) {
        tcase_add_test(t, reference_files_are_taken_and_refused_as_expected);
        tcase_add_test(t, reference_samples_of_every_type_are_read);
        tcase_add_test(t, a_published_file_has_the_tensors_of_its_pth);
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
