/* A test's images are read ahead of the run; what was read when it is stopped is not begun. */
#define _POSIX_C_SOURCE 200809L
#include "runner/read_ahead.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { IMAGES = 6 };

/* A queue of images 1 x 1, 2 x 1, ..., of which one is missing. */
static struct {
    pthread_mutex_t lock;
    size_t next;
    bool stopped;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool next(void *arg, dp_job *job)
{
    (void)arg;
    pthread_mutex_lock(&queue.lock);
    const bool more = queue.next < IMAGES;
    job->item = queue.next;
    job->id = (int64_t)queue.next;
    snprintf(job->path, sizeof job->path, "%s", scratch_path("image"));
    if (queue.next == 2)
        job->path[0] = '\0';
    queue.next += more;
    pthread_mutex_unlock(&queue.lock);
    return more;
}

static bool stopped(void *arg)
{
    (void)arg;
    return queue.stopped;
}

static size_t handed_out(void)
{
    pthread_mutex_lock(&queue.lock);
    const size_t count = queue.next;
    pthread_mutex_unlock(&queue.lock);
    return count;
}

static dp_error err;

static dp_read_ahead *start(void)
{
    static const dp_queue q = {.next = next, .stopped = stopped};
    static const char ppm[] = "P6 2 1 255\nabcdef";
    dp_read_ahead *r;
    scratch_file("image", ppm, sizeof ppm - 1);
    ck_assert_int_eq(dp_read_ahead_new(&err, &r, &q), DP_OK);
    return r;
}

START_TEST(images_come_in_order_and_failures_too)
{
    dp_read_ahead *r = start();
    for (size_t i = 0; i < IMAGES; i++) {
        dp_read_image *image = dp_read_ahead_take(r);
        ck_assert_ptr_nonnull(image);
        ck_assert_uint_eq(image->job.item, i);
        ck_assert_int_eq(image->err.code, i == 2 ? DP_EFORMAT : DP_OK);
        ck_assert_int_eq(image->pixels.w, i == 2 ? 0 : 2);
        dp_read_image_free(image);
    }
    ck_assert_ptr_null(dp_read_ahead_take(r));
    ck_assert_int_eq(dp_read_ahead_end(&err, r), DP_OK);
}
END_TEST

/* One image waits in the queue while the caller has another; no further one is handed out. */
START_TEST(one_image_is_read_ahead_and_no_more)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    dp_read_ahead *r = start();
    dp_read_image *image = dp_read_ahead_take(r);
    for (int i = 0; i < 5000 && handed_out() < 2; i++)
        nanosleep(&nap, NULL);
    for (int i = 0; i < 20; i++)
        nanosleep(&nap, NULL);
    ck_assert_uint_eq(handed_out(), 2);
    queue.stopped = true;
    ck_assert_ptr_null(dp_read_ahead_take(r));
    dp_read_image_free(image);
    ck_assert_int_eq(dp_read_ahead_end(&err, r), DP_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runner/read_ahead");
    TCase *t = tcase_create("runner/read_ahead");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, images_come_in_order_and_failures_too);
    tcase_add_test(t, one_image_is_read_ahead_and_no_more);
    suite_add_tcase(s, t);
    return suite_run(s);
}
