/* A checkpoint larger than 32 bits can say, and than what reading it may cost. */
#include "io/checkpoint/checkpoint.h"
#include "tests/support/pth_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <sys/resource.h>

static const float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static dp_error err;
static dp_checkpoint *c;

static void teardown(void)
{
    dp_checkpoint_close(c);
    scratch_teardown();
}

static long peak_kilobytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

START_TEST(a_file_beyond_four_gigabytes_costs_only_its_names)
{
    enum { BEFORE = 5, HOLE = 10 };
    const int64_t large = ((int64_t)1 << 32) + HOLE, few = 12, one = 1;
    zip_writer z;
    memory_file m;
    const pth_view views[] = {{"ByteStorage", "0", large, 0, 1, &large, &one},
                              {"FloatStorage", "1", few, 0, 1, &few, &one}};
    memory_file_open(&m);
    pickle_begin(m.stream);
    fputc('}', m.stream);
    for (int i = 0; i < 2; i++) {
        pickle_text(m.stream, i ? "weight" : "large");
        pickle_tensor(m.stream, &views[i], false);
        fputc('s', m.stream);
    }
    pickle_end(m.stream);
    memory_file_close(&m);
    const char *path = scratch_path("large.pth");
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    zip_begin(&z, f);
    zip_add(&z, "archive/data.pkl", m.data, m.size);
    zip_add_hole(&z, "archive/data/0", (uint64_t)large);
    zip_add(&z, "archive/data/1", weights, sizeof weights);
    zip_end(&z);
    ck_assert_int_eq(fclose(f), 0);
    free(m.data);

    const long before = peak_kilobytes();
    ck_assert_msg(dp_checkpoint_open(&err, &c, path) == DP_OK, "%s", err.text);
    const dp_named_tensor *t = dp_checkpoint_find(c, "large");
    ck_assert_int_eq(t->shape[0], large);
    ck_assert_uint_eq(((const unsigned char *)t->data)[large - 1], 0);
    ck_assert_mem_eq(dp_checkpoint_find(c, "weight")->data, weights, sizeof weights);
    ck_assert_int_lt(peak_kilobytes() - before, BEFORE * 1024);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/large_checkpoint");
    TCase *t = tcase_create("large");
    tcase_add_checked_fixture(t, scratch_setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_file_beyond_four_gigabytes_costs_only_its_names);
    suite_add_tcase(s, t);
    return suite_run(s);
}
