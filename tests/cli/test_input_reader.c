/* Images of a list are read ahead, in order, and what cannot be read says why. */
#define _POSIX_C_SOURCE 200809L
#include "cli/input_reader.h"
#include "tests/support/encoded.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static dp_error err;
static dp_inputs in;

static void setup(void)
{
    scratch_setup();
    in = (dp_inputs){0};
}

static void teardown(void)
{
    dp_inputs_done(&in);
    scratch_teardown();
}

static void add(const char *name)
{
    ck_assert_int_eq(dp_inputs_add(&err, &in, scratch_path(name)), DP_OK);
}

static void add_image(const char *name, int w)
{
    static const uint8_t rows[64];
    encoded e = encode_png(&(png_kind){.w = w, .h = 1, .bits = 8, .rows = rows});
    scratch_file(name, e.data, e.size);
    free(e.data);
    add(name);
}

static void take(dp_input_reader *r, int w)
{
    dp_image *image;
    ck_assert_msg(dp_input_reader_next(&err, r, &image) == DP_OK, "%s", err.text);
    ck_assert_int_eq(dp_image_width(image), w);
    dp_image_free(image);
}

START_TEST(images_come_in_order_and_failures_too)
{
    dp_input_reader *r;
    dp_image *image;
    for (int i = 1; i <= 9; i++)
        if (i == 4)
            add("missing.png");
        else
            add_image((char[]){(char)('0' + i), '\0'}, i);
    ck_assert_int_eq(dp_input_reader_new(&err, &r, &in), DP_OK);
    for (int i = 1; i <= 9; i++) {
        if (i != 4) {
            take(r, i);
            continue;
        }
        ck_assert_int_eq(dp_input_reader_next(&err, r, &image), DP_EIO);
        ck_assert_ptr_nonnull(strstr(err.text, "missing.png: No such file"));
        ck_assert_ptr_null(image);
    }
    dp_input_reader_free(r);
}
END_TEST

/* A pipe can only be opened for writing without waiting while somebody reads it. */
static int open_read_pipe(const char *path)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    int fd = -1;
    for (int i = 0; i < 5000 && fd < 0; i++, nanosleep(&nap, NULL))
        fd = open(path, O_WRONLY | O_NONBLOCK);
    return fd;
}

START_TEST(the_next_image_is_read_before_it_is_asked_for)
{
    dp_input_reader *r;
    add_image("first.png", 3);
    ck_assert_int_eq(mkfifo(scratch_path("second"), 0600), 0);
    add("second");
    ck_assert_int_eq(dp_input_reader_new(&err, &r, &in), DP_OK);
    take(r, 3);
    const int fd = open_read_pipe(scratch_path("second"));
    ck_assert_int_ge(fd, 0);
    static const char ppm[] = "P6 2 1 255\nabcdef";
    ck_assert_int_eq(write(fd, ppm, sizeof ppm - 1), sizeof ppm - 1);
    close(fd);
    take(r, 2);
    dp_input_reader_free(r);
}
END_TEST

START_TEST(it_may_end_before_the_last_image)
{
    dp_input_reader *r;
    for (int i = 1; i <= 9; i++)
        add_image((char[]){(char)('0' + i), '\0'}, i);
    ck_assert_int_eq(dp_input_reader_new(&err, &r, &in), DP_OK);
    for (int i = 1; i <= _i; i++)
        take(r, i);
    dp_input_reader_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/input_reader");
    TCase *t = tcase_create("cli/input_reader");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, images_come_in_order_and_failures_too);
    tcase_add_test(t, the_next_image_is_read_before_it_is_asked_for);
    tcase_add_loop_test(t, it_may_end_before_the_last_image, 0, 3);
    suite_add_tcase(s, t);
    return suite_run(s);
}
