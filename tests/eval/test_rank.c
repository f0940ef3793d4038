/* The order of detections: group, then score, then as they came. */
#include "eval/rank.h"
#include "tests/support/suite.h"

#include <check.h>

enum { MOST = 700 };

static unsigned long long seed = 3;

static unsigned next(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % below;
}

START_TEST(equals_keep_their_order_at_any_length)
{
    static dp_ranked list[MOST], scratch[MOST];
    const size_t count = (size_t)_i;
    for (size_t i = 0; i < count; i++)
        list[i] = (dp_ranked){next(5) * .25, (uint32_t)i, (int32_t)next(3)};
    uint64_t sum = 0;
    dp_ranked_sort(list, scratch, count);
    for (size_t i = 0; i < count; i++) {
        sum += list[i].index;
        if (i == 0)
            continue;
        const dp_ranked *a = &list[i - 1], *b = &list[i];
        ck_assert_int_le(a->group, b->group);
        if (a->group < b->group)
            continue;
        ck_assert(a->score >= b->score);
        if (!(a->score > b->score))
            ck_assert_uint_lt(a->index, b->index);
    }
    ck_assert_uint_eq(sum, count * (count ? count - 1 : 0) / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rank");
    TCase *tc = tcase_create("rank");
    tcase_add_loop_test(tc, equals_keep_their_order_at_any_length, 0, 130);
    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, equals_keep_their_order_at_any_length, MOST - 3, MOST);
    return suite_run(suite);
}
