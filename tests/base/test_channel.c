/* A bounded queue between two threads: order, waiting, ending from either side. */
#include "base/channel.h"
#include "tests/support/suite.h"

#include <check.h>
#include <pthread.h>
#include <stdint.h>

enum { ITEMS = 5000, ROOM = 3 };

static dp_error err;
static int numbers[ITEMS];

static void *give(void *arg)
{
    dp_channel *c = arg;
    uintptr_t given = 0;
    for (int i = 0; i < ITEMS && dp_channel_put(c, &numbers[i]); i++)
        given++;
    dp_channel_end(c);
    return (void *)given;
}

static dp_channel *start(pthread_t *giver)
{
    dp_channel *c;
    ck_assert_int_eq(dp_channel_new(&err, &c, ROOM), DP_OK);
    ck_assert_int_eq(pthread_create(giver, NULL, give, c), 0);
    return c;
}

START_TEST(items_come_in_order_and_then_the_end)
{
    pthread_t giver;
    dp_channel *c = start(&giver);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(dp_channel_take(c), &numbers[i]);
    ck_assert_ptr_null(dp_channel_take(c));
    ck_assert_ptr_null(dp_channel_take(c));
    ck_assert_int_eq(pthread_join(giver, NULL), 0);
    dp_channel_free(c);
}
END_TEST

START_TEST(a_taker_that_ends_it_frees_the_giver_and_keeps_what_is_inside)
{
    pthread_t giver;
    void *given;
    dp_channel *c = start(&giver);
    ck_assert_ptr_eq(dp_channel_take(c), &numbers[0]);
    dp_channel_end(c);
    ck_assert_int_eq(pthread_join(giver, &given), 0);
    uintptr_t taken = 1;
    while (dp_channel_take(c))
        taken++;
    ck_assert_uint_eq(taken, (uintptr_t)given);
    ck_assert_uint_le(taken, ROOM + 1);
    ck_assert(!dp_channel_put(c, &numbers[0]));
    dp_channel_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/channel");
    TCase *t = tcase_create("base/channel");
    tcase_add_test(t, items_come_in_order_and_then_the_end);
    tcase_add_test(t, a_taker_that_ends_it_frees_the_giver_and_keeps_what_is_inside);
    suite_add_tcase(s, t);
    return suite_run(s);
}
