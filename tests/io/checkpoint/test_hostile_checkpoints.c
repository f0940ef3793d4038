/* Checkpoints that attack their reader: refused, or read within bounds and without effect.
 * Memory is limited, so that a size that a file invents cannot be taken. */
#define _XOPEN_SOURCE 700
#include "core/limits.h"
#include "io/checkpoint/checkpoint.h"
#include "io/checkpoint/pickle.h"
#include "tests/support/checkpoint_reading.h"
#include "tests/support/memory_limit.h"
#include "tests/support/pth_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static dp_error err;

static void setup(void)
{
    scratch_setup();
    limit_memory();
}

/* ---- archives made by hand ---- */

static const float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

/* An archive of that object and of storages "0" (12 floats) and "1" (6 floats). */
static memory_file make_archive(const void *object, size_t size)
{
    memory_file m;
    zip_writer z;
    memory_file_open(&m);
    zip_begin(&z, m.stream);
    zip_add(&z, "a/data.pkl", object, size);
    zip_add(&z, "a/data/0", weights, sizeof weights);
    zip_add(&z, "a/data/1", weights, 6 * sizeof *weights);
    zip_end(&z);
    memory_file_close(&m);
    return m;
}

static dp_status read_object(const void *object, size_t size)
{
    memory_file m = make_archive(object, size);
    const dp_status st = read_exact(&err, read_torch, m.data, m.size);
    free(m.data);
    return st;
}

/* {"w": the view} as an object; its bytes are the caller's to free. */
static memory_file make_object(const pth_view *v)
{
    memory_file m;
    memory_file_open(&m);
    pickle_begin(m.stream);
    fputc('}', m.stream);
    pickle_text(m.stream, "w");
    pickle_tensor(m.stream, v, false);
    fputc('s', m.stream);
    pickle_end(m.stream);
    memory_file_close(&m);
    return m;
}

#define BIG(power) ((int64_t)1 << (power))

static const struct {
    const char *storage_class, *key;
    int64_t count, offset;
    int rank;
    int64_t shape[9], stride[9];
    dp_status status;
    const char *sentence;
} views[] = {
    {"FloatStorage", "0", 12, 0, 2, {3, 4}, {4, 1}, DP_OK, ""},
    {"FloatStorage", "0", 12, 11, 1, {1}, {1}, DP_OK, ""},
    {"FloatStorage", "0", 12, 99, 1, {0}, {1}, DP_OK, ""}, /* no element, no place */
    {"FloatStorage", "0", 12, 0, 2, {5, 3}, {0, 1}, DP_OK, ""},
    /* the count of the storage */
    {"FloatStorage", "0", 13, 0, 1, {13}, {1}, DP_EFORMAT, "a storage of 48 bytes"},
    {"FloatStorage", "0", 11, 0, 1, {11}, {1}, DP_EFORMAT, "a storage of 48 bytes"},
    {"FloatStorage", "0", 0, 0, 1, {0}, {1}, DP_EFORMAT, "a storage of 48 bytes"},
    {"FloatStorage", "0", BIG(62) + 12, 0, 1, {12}, {1}, DP_EFORMAT, "storage of 48"},
    {"FloatStorage", "0", INT64_MAX, 0, 1, {12}, {1}, DP_EFORMAT, "storage of 48"},
    {"ComplexDoubleStorage",
     "0",
     BIG(60) + 3,
     0,
     1,
     {3},
     {1},
     DP_EFORMAT,
     "storage of 48"},
    {"FloatStorage", "0", 60000000000, 0, 1, {60000000000}, {1}, DP_EFORMAT, "storage"},
    /* its class */
    {"DoubleStorage", "0", 12, 0, 1, {12}, {1}, DP_EFORMAT, "12 elements of F64"},
    {"ByteStorage", "0", 12, 0, 1, {12}, {1}, DP_EFORMAT, "12 elements of U8"},
    /* its key */
    {"FloatStorage", "2", 12, 0, 1, {12}, {1}, DP_EFORMAT, "no ZIP member data/2"},
    {"FloatStorage", "", 12, 0, 1, {12}, {1}, DP_EFORMAT, "no ZIP member data/"},
    {"FloatStorage", "../data.pkl", 12, 0, 1, {12}, {1}, DP_EFORMAT, "no ZIP member"},
    {"FloatStorage", "1/../0", 12, 0, 1, {12}, {1}, DP_EFORMAT, "no ZIP member"},
    {"FloatStorage", "/etc/passwd", 12, 0, 1, {12}, {1}, DP_EFORMAT, "no ZIP member"},
    /* the reach */
    {"FloatStorage", "0", 12, 0, 1, {13}, {1}, DP_EFORMAT, "up to 0 + 12 leave"},
    {"FloatStorage", "0", 12, 12, 1, {1}, {1}, DP_EFORMAT, "up to 12 + 0 leave"},
    {"FloatStorage", "0", 12, 1, 2, {3, 4}, {4, 1}, DP_EFORMAT, "up to 1 + 11"},
    {"FloatStorage", "0", 12, 0, 2, {3, 4}, {5, 1}, DP_EFORMAT, "up to 0 + 13"},
    {"FloatStorage", "0", 12, 0, 0, {0}, {0}, DP_OK, ""},
    {"FloatStorage", "0", 12, 12, 0, {0}, {0}, DP_EFORMAT, "up to 12 + 0"},
    {"FloatStorage", "0", 12, INT64_MAX, 1, {1}, {1}, DP_EFORMAT, "up to"},
    {"FloatStorage", "0", 12, 0, 1, {2}, {INT64_MAX}, DP_EFORMAT, "up to"},
    {"FloatStorage", "0", 12, 0, 1, {60000000000}, {1}, DP_EFORMAT, "up to"},
    {"FloatStorage",
     "0",
     12,
     2,
     2,
     {2, 2},
     {INT64_MAX, INT64_MAX},
     DP_EFORMAT,
     "up to"},
    {"FloatStorage",
     "0",
     12,
     1,
     3,
     {2, 2, 2},
     {INT64_MAX, INT64_MAX, 1},
     DP_EFORMAT,
     "up"},
    {"FloatStorage", "0", 12, 0, 1, {3}, {BIG(62) + 1}, DP_EFORMAT, "up to"},
    {"FloatStorage", "0", 12, 0, 1, {5}, {BIG(62)}, DP_EFORMAT, "size overflows"},
    {"FloatStorage",
     "0",
     12,
     0,
     2,
     {BIG(32), BIG(32)},
     {0, 0},
     DP_EFORMAT,
     "overflows"},
    {"FloatStorage",
     "0",
     12,
     0,
     2,
     {BIG(32), BIG(29)},
     {0, 0},
     DP_EFORMAT,
     "overflows"},
    {"FloatStorage",
     "0",
     12,
     0,
     3,
     {BIG(32), BIG(32), 0},
     {0, 0, 0},
     DP_EFORMAT,
     "overfl"},
    /* the same few elements, too many times */
    {"FloatStorage",
     "0",
     12,
     0,
     1,
     {60000000000},
     {0},
     DP_EFORMAT,
     "elements repeat 12"},
    {"FloatStorage", "0", 12, 0, 1, {BIG(50)}, {0}, DP_EFORMAT, "elements repeat 12"},
    {"FloatStorage",
     "0",
     12,
     0,
     2,
     {BIG(13), BIG(12)},
     {0, 0},
     DP_EFORMAT,
     "elements repeat"},
    {"FloatStorage",
     "0",
     12,
     0,
     9,
     {1, 1, 1, 1, 1, 1, 1, 1, 1},
     {1},
     DP_EUNSUPPORTED,
     "found 9 dimensions, expected at most 8"},
};

START_TEST(a_tensor_that_lies_is_refused_with_its_name)
{
    const pth_view v = {views[_i].storage_class, views[_i].key,  views[_i].count,
                        views[_i].offset,        views[_i].rank, views[_i].shape,
                        views[_i].stride};
    memory_file object = make_object(&v);
    ck_assert_msg(read_object(object.data, object.size) == views[_i].status, "%d: %s",
                  _i, err.text);
    if (views[_i].status != DP_OK) {
        ck_assert_int_eq(strncmp(err.text, "f: tensor w: ", 13), 0);
        ck_assert_msg(strstr(err.text, views[_i].sentence) != NULL,
                      "%d: found \"%s\", expected \"...%s...\"", _i, err.text,
                      views[_i].sentence);
    }
    free(object.data);
}
END_TEST

/* ---- values without end ---- */

#define BYTES(text) (text), sizeof(text) - 1

/* `head`, `count` times `unit`, `tail`; the caller's to free. */
static char *repeat(size_t *size, const char *head, const char *unit, int count,
                    const char *tail)
{
    *size = strlen(head) + strlen(unit) * (size_t)count + strlen(tail);
    char *text = malloc(*size + 1), *at = text;
    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "%s", head);
    for (int i = 0; i < count; i++)
        at += sprintf(at, "%s", unit);
    sprintf(at, "%s", tail);
    return text;
}

static const struct {
    const char *head, *unit;
    int count;
    const char *tail, *sentence;
} endless[] = {
    {"]q\1h\1a", "", 0, ".", "nested deeper"},          /* a list in itself */
    {"}q\1U\1ah\1s", "", 0, ".", "nested deeper"},      /* a dict in itself */
    {"]q\1]q\2h\1a0h\2a", "", 0, ".", "nested deeper"}, /* one in the other */
    {"N", "\x85", 300, ".", "nested deeper"},           /* a tuple in a tuple ... */
    {"N", "\x85", 1000000, ".", "nested deeper"},       /* deep for any recursion */
    {"N", "2\x86", 60, ".", "contain each other too often"}, /* 2^60 paths */
    {"N", "22\x87\x85", 60, ".", "contain each other too often"},
};

START_TEST(values_without_end_are_refused)
{
    size_t size;
    char *object = repeat(&size, endless[_i].head, endless[_i].unit, endless[_i].count,
                          endless[_i].tail);
    ck_assert_int_eq(read_object(object, size), DP_EFORMAT);
    ck_assert_msg(strstr(err.text, endless[_i].sentence) != NULL, "%s", err.text);
    free(object);
}
END_TEST

START_TEST(values_of_the_allowed_depth_are_read)
{
    size_t size;
    char *object = repeat(&size, "N", "\x85", DP_MAX_PICKLE_DEPTH, ".");
    ck_assert_msg(read_object(object, size) == DP_OK, "%s", err.text);
    free(object);
}
END_TEST

START_TEST(a_pickle_that_goes_on_behind_its_end_is_refused)
{
    ck_assert_int_eq(read_object(BYTES("]..")), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "1 bytes follow its end"));
}
END_TEST

/* ---- the legacy form ---- */

#define MAGIC   "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define VERSION "\x80\x02M\xe9\x03."
#define FACTS   "\x80\x02}U\x0dlittle_endian\x88s."
#define CLASS   "(U\x07storagectorch\nByteStorage\n"
#define PID       \
    "U\x01kU\x03" \
    "cpuK\x04NtQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define ARGS    "K\x00K\x04\x85K\x01\x85\x89)tR"
#define OBJECT  REBUILD CLASS PID ARGS "."
#define KEYS    "](U\x01ke."
#define DATA    "\4\0\0\0\0\0\0\0abcd"

static const struct {
    const char *bytes;
    size_t size;
    const char *sentence; /* NULL: it is read */
} legacy[] = {
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS DATA), NULL},
    {BYTES(MAGIC "M\xea\x03." FACTS OBJECT KEYS DATA), "not version 1001"},
    {BYTES(MAGIC "N." FACTS OBJECT KEYS DATA), "not version 1001"},
    {BYTES(MAGIC VERSION "}U\x0dlittle_endian\x89s." OBJECT KEYS DATA),
     "little endian"},
    {BYTES(MAGIC VERSION "}." OBJECT KEYS DATA), "little endian"},
    {BYTES(MAGIC VERSION "N." OBJECT KEYS DATA), "little endian"},
    {BYTES(MAGIC VERSION FACTS OBJECT "N." DATA), "a list of storage keys"},
    {BYTES(MAGIC VERSION FACTS OBJECT "](K\x01"
                                      "e." DATA),
     "key is no text"},
    {BYTES(MAGIC VERSION FACTS OBJECT "](U\x01je." DATA),
     "storage j: stands in the list"},
    {BYTES(MAGIC VERSION FACTS OBJECT "](U\x01kU\x01ke." DATA DATA), "stands twice"},
    {BYTES(MAGIC VERSION FACTS OBJECT "]."), "no storage k"},
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS "\4\0\0\0"), "before its count"},
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS "\4\0\0\0\0\0\0\0abc"),
     "before its last element"},
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS "\5\0\0\0\0\0\0\0abcde"),
     "element count is not"},
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS "\4\0\0\0\0\0\0\x80"
                                           "abcd"),
     "element count is not"},
    {BYTES(MAGIC VERSION FACTS OBJECT KEYS DATA "x"),
     "1 bytes follow the last storage"},
    /* a part of a storage: key, offset, count */
    {BYTES(MAGIC VERSION FACTS REBUILD CLASS "U\x01kU\x03"
                                             "cpuK\x06(U\x01vK\x02K\x04ttQ" ARGS
                                             "." KEYS "\6\0\0\0\0\0\0\0abcdef"),
     NULL},
    {BYTES(MAGIC VERSION FACTS REBUILD CLASS "U\x01kU\x03"
                                             "cpuK\x06(U\x01vK\x03K\x04ttQ" ARGS
                                             "." KEYS "\6\0\0\0\0\0\0\0abcdef"),
     "its part leaves the storage"},
    {BYTES(MAGIC VERSION FACTS REBUILD CLASS "U\x01kU\x03"
                                             "cpuK\x06(U\x01vK\x02K\x03ttQ" ARGS
                                             "." KEYS "\6\0\0\0\0\0\0\0abcdef"),
     "up to 0 + 3"},
    {BYTES(MAGIC VERSION FACTS REBUILD CLASS "U\x01kU\x03"
                                             "cpuK\x06(U\x01v\x8a\x08\xff\xff\xff"
                                             "\xff\xff\xff\xff\x7fK\x04ttQ" ARGS
                                             "." KEYS "\6\0\0\0\0\0\0\0abcdef"),
     "its part leaves the storage"},
    /* counts that overflow when they are multiplied */
    {BYTES(MAGIC VERSION FACTS REBUILD "(U\x07storagectorch\nDoubleStorage\nU\x01kU\x03"
                                       "cpu"
                                       "\x8a\x08\1\0\0\0\0\0\0\x20NtQ" ARGS "." KEYS
                                       "\1\0\0\0\0\0\0\x20"
                                       "abcdefgh"),
     "before its last element"},
};

START_TEST(a_legacy_file_that_lies_is_refused_in_words)
{
    const dp_status st =
        read_exact(&err, read_torch, legacy[_i].bytes, legacy[_i].size);
    if (!legacy[_i].sentence) {
        ck_assert_msg(st == DP_OK, "%s", err.text);
        return;
    }
    ck_assert_int_ne(st, DP_OK);
    ck_assert_msg(strstr(err.text, legacy[_i].sentence) != NULL,
                  "%d: found \"%s\", expected \"...%s...\"", _i, err.text,
                  legacy[_i].sentence);
}
END_TEST

/* ---- files that were made to attack other readers ---- */

/* What the folder holds that is a checkpoint, and harmless. */
static const char *const harmless[] = {"new_pytorch_model.bin", "pytorch_model.bin"};

static bool is_harmless(const char *name)
{
    for (int i = 0; i < COUNT(harmless); i++)
        if (strcmp(name, harmless[i]) == 0)
            return true;
    return false;
}

/* As a checkpoint, and as a bare pickle, which no reader of ours takes. */
static void read_hostile(const char *path, const char *name)
{
    dp_checkpoint *c;
    const dp_status st = dp_checkpoint_open(&err, &c, path);
    ck_assert_msg((st == DP_OK) == is_harmless(name), "%s: %s", name,
                  st == DP_OK ? "read" : err.text);
    ck_assert(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED);
    if (st == DP_OK) {
        size_t count;
        dp_checkpoint_globals(c, &count);
        ck_assert_uint_eq(count, 0);
    }
    dp_checkpoint_close(c);

    size_t size, used;
    char *bytes = file_load(path, &size);
    dp_pickle_values values = {0};
    dp_pickle_value root;
    const dp_status pickled = dp_pickle_read(&err, &values, &root, &used, name,
                                             (const unsigned char *)bytes, size);
    ck_assert(pickled == DP_OK || pickled == DP_EFORMAT);
    dp_pickle_values_done(&values);
    free(bytes);
}

START_TEST(hostile_pickles_are_refused_or_read_without_effect)
{
    static const char *const folders[] = {"data", "data2"};
    int seen = 0;
    for (int i = 0; i < COUNT(folders); i++) {
        const char *folder = shared_path("data/hostile/pickle/tests/%s", folders[i]);
        DIR *dir = opendir(folder);
        ck_assert_ptr_nonnull(dir);
        for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
            if (e->d_name[0] == '.')
                continue;
            read_hostile(
                shared_path("data/hostile/pickle/tests/%s/%s", folders[i], e->d_name),
                e->d_name);
            seen++;
        }
        closedir(dir);
    }
    ck_assert_int_gt(seen, 100);
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

/* What a reader that obeyed would have called. */
static const struct {
    const char *file, *global;
} attacks[] = {
    {"data/malicious2_v4.pkl", "posix.system"},
    {"data/malicious1_v3.pkl", "builtins.eval"},
    {"data/malicious8.pkl", "subprocess.run"},
    {"data/malicious12.pkl", "operator.attrgetter"},
    {"data/malicious17.pkl", "torch._inductor.codecache.compile_file"},
    {"data/malicious19.pkl", "torch.serialization.load"},
    {"data2/GHSA-vqmv-47xg-9wpr.pkl", "pty.spawn"},
    {"data2/GHSA-4675-36f9-wf6r.pkl", "ctypes.CDLL"},
    {"data2/types_CodeType.pkl", "types.CodeType"},
    {"data2/GHSA-vr7h-p6mm-wpmh.pkl", "torch.jit.unsupported_tensor_ops.execWrapper"},
};

START_TEST(the_weapon_of_a_hostile_pickle_is_named)
{
    size_t size, used;
    char *bytes =
        file_load(shared_path("data/hostile/pickle/tests/%s", attacks[_i].file), &size);
    dp_pickle_values values = {0};
    dp_pickle_value root;
    bool named = false;
    ck_assert_msg(dp_pickle_read(&err, &values, &root, &used, "p",
                                 (const unsigned char *)bytes, size) == DP_OK,
                  "%s", err.text);
    for (size_t i = 0; i < values.globals_count; i++)
        named = named || strcmp(values.globals[i], attacks[_i].global) == 0;
    ck_assert(named);
    ck_assert_int_eq(dp_pickle_value_kind(&values, root), DP_PICKLE_OPAQUE);
    dp_pickle_values_done(&values);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/hostile_checkpoints");
    TCase *t = tcase_create("hostile");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_tensor_that_lies_is_refused_with_its_name, 0,
                        COUNT(views));
    tcase_add_loop_test(t, values_without_end_are_refused, 0, COUNT(endless));
    tcase_add_test(t, values_of_the_allowed_depth_are_read);
    tcase_add_test(t, a_pickle_that_goes_on_behind_its_end_is_refused);
    tcase_add_loop_test(t, a_legacy_file_that_lies_is_refused_in_words, 0,
                        COUNT(legacy));
    if (shared_has("data/hostile/pickle")) {
        tcase_add_test(t, hostile_pickles_are_refused_or_read_without_effect);
        tcase_add_loop_test(t, the_weapon_of_a_hostile_pickle_is_named, 0,
                            COUNT(attacks));
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
