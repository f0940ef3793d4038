/* Checkpoints cut short and changed at random: refused, or read within bounds. */
#include "io/checkpoint/checkpoint.h"
#include "io/checkpoint/safetensors.h"
#include "tests/support/checkpoint_reading.h"
#include "tests/support/memory_limit.h"
#include "tests/support/pth_writer.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum { MUTATIONS = 20000 };

static dp_error err;

static void setup(void)
{
    scratch_setup();
    limit_memory();
}

static const float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const int64_t steps = 3;

static const dp_named_tensor model[] = {
    {.name = "stem.weight",
     .dtype = DP_DTYPE_F32,
     .rank = 2,
     .shape = {3, 2},
     .stride = {1, 3},
     .data = weights},
    {.name = "steps", .dtype = DP_DTYPE_I64, .data = &steps}};

/* A small checkpoint of each form, and how it is read. */
static unsigned char *make_file(int form, size_t *size, read_fn **read)
{
    static const char *const classes[] = {"person", "bed ", NULL};
    static const char *const meta[] = {"format", "pt", NULL};
    const pth_options options = {PTH_STATE_DICT, form == 1, "module.",
                                 classes,        NULL,      false};
    const char *path = scratch_path("whole");
    if (form < 2)
        ck_assert(pth_write(path, model, COUNT(model), &options));
    else
        ck_assert_int_eq(dp_safetensors_save(&err, path, model, COUNT(model), meta),
                         DP_OK);
    *read = form < 2 ? read_torch : read_safetensors;
    return (unsigned char *)file_load(path, size);
}

START_TEST(a_file_cut_anywhere_is_refused)
{
    size_t size;
    read_fn *read;
    unsigned char *file = make_file(_i, &size, &read);
    ck_assert_int_eq(read_exact(&err, read, file, size), DP_OK);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_ne(read_exact(&err, read, file, cut), DP_OK);
    free(file);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_when_mapped)
{
    size_t size;
    read_fn *read;
    unsigned char *file = make_file(_i, &size, &read);
    for (size_t cut = 0; cut < size; cut += 7) {
        dp_checkpoint *c;
        ck_assert_int_ne(dp_checkpoint_open(&err, &c, scratch_file("cut", file, cut)),
                         DP_OK);
        ck_assert_ptr_null(c);
    }
    free(file);
}
END_TEST

/* Change one to four bytes: to any value, by one bit, or to one that is often special. */
static void mutate(unsigned char *bytes, size_t size, uint64_t *state)
{
    static const unsigned char special[] = {0,   1,   0x7f, 0x80, 0xff,
                                            'R', 'Q', 't',  '.',  'h'};
    const int changes = 1 + random_int(state, 4);
    for (int i = 0; i < changes; i++) {
        unsigned char *p = &bytes[random_int(state, (int)size)];
        switch (random_int(state, 3)) {
        case 0:
            *p = (unsigned char)random_int(state, 256);
            break;
        case 1:
            *p ^= (unsigned char)(1 << random_int(state, 8));
            break;
        default:
            *p = special[random_int(state, COUNT(special))];
            break;
        }
    }
}

START_TEST(a_changed_file_is_refused_or_read_in_bounds)
{
    size_t size;
    read_fn *read;
    uint64_t state = 1000 + (uint64_t)_i;
    int taken = 0;
    unsigned char *file = make_file(_i, &size, &read);
    unsigned char *changed = malloc(size);
    ck_assert_ptr_nonnull(changed);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(changed, file, size);
        mutate(changed, size, &state);
        taken += read_exact(&err, read, changed, size) == DP_OK;
    }
    ck_assert_int_gt(taken, 0); /* else the changes are all caught at the door */
    ck_assert_int_lt(taken, MUTATIONS);
    free(changed);
    free(file);
}
END_TEST

/* The same behind the checksum: only the object is changed, and its archive is right. */
static dp_status read_object(const void *object, size_t size)
{
    memory_file m;
    zip_writer z;
    memory_file_open(&m);
    zip_begin(&z, m.stream);
    zip_add(&z, "a/data.pkl", object, size);
    zip_add(&z, "a/data/0", weights, sizeof weights);
    zip_end(&z);
    memory_file_close(&m);
    const dp_status st = read_exact(&err, read_torch, m.data, m.size);
    free(m.data);
    return st;
}

static memory_file make_object(void)
{
    static const int64_t shape[] = {3, 2}, stride[] = {1, 3};
    const pth_view v = {"FloatStorage", "0", 12, 2, 2, shape, stride};
    memory_file m;
    memory_file_open(&m);
    pickle_begin(m.stream);
    fputc('}', m.stream);
    pickle_text(m.stream, "w");
    pickle_tensor(m.stream, &v, false);
    fputc('s', m.stream);
    pickle_end(m.stream);
    memory_file_close(&m);
    return m;
}

START_TEST(a_changed_object_is_refused_or_read_in_bounds)
{
    memory_file object = make_object();
    unsigned char *changed = malloc(object.size);
    uint64_t state = 77;
    int taken = 0;
    ck_assert_ptr_nonnull(changed);
    ck_assert_int_eq(read_object(object.data, object.size), DP_OK);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(changed, object.data, object.size);
        mutate(changed, object.size, &state);
        taken += read_object(changed, object.size) == DP_OK;
    }
    ck_assert_int_gt(taken, 0);
    ck_assert_int_lt(taken, MUTATIONS);
    free(changed);
    free(object.data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/damaged_checkpoints");
    TCase *t = tcase_create("damaged");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_file_cut_anywhere_is_refused, 0, 3);
    tcase_add_loop_test(t, a_file_cut_anywhere_is_refused_when_mapped, 0, 3);
    tcase_add_loop_test(t, a_changed_file_is_refused_or_read_in_bounds, 0, 3);
    tcase_add_test(t, a_changed_object_is_refused_or_read_in_bounds);
    suite_add_tcase(s, t);
    return suite_run(s);
}
