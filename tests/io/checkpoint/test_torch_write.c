/* Files of torch.save that are written: read back by this project, and by PyTorch. */
#include "io/checkpoint/torch_write.h"

#include "io/checkpoint/checkpoint.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float weight[2 * 3] = {1, -2.5f, 3e-30f, 4, 5, 6};
static const float bias[2] = {-0.0f, 7};
static const int64_t steps[1] = {1LL << 40};

static const dp_named_tensor model[] = {
    {"head.weight", DP_DTYPE_F32, 2, {2, 3}, {3, 1}, weight},
    {"head.bias", DP_DTYPE_F32, 1, {2}, {1}, bias},
    {"steps", DP_DTYPE_I64, 0, {0}, {0}, steps},
    {"none", DP_DTYPE_F32, 2, {0, 4}, {4, 1}, weight},
};
enum { COUNT = sizeof model / sizeof *model };

static dp_error err;

static dp_status save(const char *path, const dp_named_tensor *tensors, size_t count)
{
    dp_atomic_file f = {0};
    dp_status st = dp_atomic_file_open(&err, &f, path);
    if (st == DP_OK)
        st = dp_torch_write(&err, &f, tensors, count);
    f.durable = true;
    if (st == DP_OK)
        st = dp_atomic_file_commit(&err, &f);
    dp_atomic_file_abandon(&f);
    return st;
}

START_TEST(what_is_written_is_read)
{
    dp_checkpoint *c;
    size_t count, checked;
    const char *path = scratch_path("model.pth");
    ck_assert_msg(save(path, model, COUNT) == DP_OK, "%s", err.text);
    ck_assert_msg(dp_checkpoint_open(&err, &c, path) == DP_OK, "%s", err.text);
    ck_assert_str_eq(dp_checkpoint_format(c), "torch zip");
    ck_assert_str_eq(dp_checkpoint_source(c), "model");
    ck_assert_int_eq(dp_checkpoint_verify(&err, c, &checked), DP_OK);
    ck_assert_uint_eq(checked, COUNT + 3);
    const dp_named_tensor *t = dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(t[i].name, model[i].name);
        ck_assert_int_eq(t[i].dtype, model[i].dtype);
        ck_assert_int_eq(t[i].rank, model[i].rank);
        for (int d = 0; d < t[i].rank; d++)
            ck_assert_int_eq(t[i].shape[d], model[i].shape[d]);
        const size_t size = dp_named_tensor_count(&t[i]) * dp_dtype_size(t[i].dtype);
        if (size)
            ck_assert_mem_eq(t[i].data, model[i].data, size);
    }
    dp_checkpoint_close(c);
}
END_TEST

START_TEST(the_bytes_are_the_same_every_time)
{
    ck_assert_int_eq(save(scratch_path("1.pth"), model, COUNT), DP_OK);
    ck_assert_int_eq(save(scratch_path("2.pth"), model, COUNT), DP_OK);
    char command[1024];
    snprintf(command, sizeof command, "cmp '%s' '%s'", scratch_path("1.pth"),
             scratch_path("2.pth"));
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(pytorch_reads_it)
{
    char command[4096];
    if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) {
        suite_skip("Debian's python3-torch is not there");
        return;
    }
    ck_assert_int_eq(save(scratch_path("model.pth"), model, COUNT), DP_OK);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c '\n"
             "import torch\n"
             "m = torch.load(\"%s\", weights_only=True)[\"model\"]\n"
             "w = torch.tensor([[1, -2.5, 3e-30], [4, 5, 6]])\n"
             "assert list(m) == [\"head.weight\", \"head.bias\", \"steps\", \"none\"]\n"
             "assert torch.equal(m[\"head.weight\"], w)\n"
             "assert m[\"head.bias\"].tolist() == [0, 7]\n"
             "assert m[\"steps\"].item() == 2 ** 40 and m[\"none\"].shape == (0, 4)\n"
             "' >/dev/null",
             scratch_path("model.pth"));
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(what_torch_cannot_hold_is_refused)
{
    const char *path = scratch_path("model.pth");
    dp_named_tensor t[2] = {model[0], model[0]};
    ck_assert_int_eq(save(path, t, 2), DP_EARG);
    ck_assert_msg(strstr(err.text, "tensor head.weight stands twice"), "%s", err.text);
    t[0].dtype = DP_DTYPE_U32;
    ck_assert_int_eq(save(path, t, 1), DP_EUNSUPPORTED);
    t[0] = model[0];
    t[0].stride[0] = 1;
    ck_assert_int_eq(save(path, t, 1), DP_EUNSUPPORTED);
    t[0].shape[0] = t[0].stride[0] = 1 << 15;
    t[0].shape[1] = 1 << 15;
    t[0].stride[1] = 1;
    ck_assert_int_eq(save(path, t, 1), DP_EUNSUPPORTED); /* 4 GB, and not looked at */
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
    const char *path = scratch_path("model.pth");
    ck_assert_int_eq(save(path, model, COUNT - 1), DP_OK);
    scratch_limit_writes(700);
    ck_assert_int_eq(save(path, model, COUNT), DP_EIO);
    ck_assert_msg(strstr(err.text, "model.pth: cannot write"), "%s", err.text);
    ck_assert_int_eq(scratch_count(), 1);
    dp_checkpoint *c;
    size_t count;
    ck_assert_int_eq(dp_checkpoint_open(&err, &c, path), DP_OK);
    dp_checkpoint_tensors(c, &count);
    ck_assert_uint_eq(count, COUNT - 1);
    dp_checkpoint_close(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("torch_write");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 60); /* PyTorch starts slowly */
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, what_is_written_is_read);
    tcase_add_test(t, the_bytes_are_the_same_every_time);
    tcase_add_test(t, pytorch_reads_it);
    tcase_add_test(t, what_torch_cannot_hold_is_refused);
    tcase_add_test(t, a_full_disk_leaves_the_old_file);
    suite_add_tcase(s, t);
    return suite_run(s);
}
