/* The checksum: every single damage of a small block shows. */
#include "base/checksum.h"
#include "tests/support/suite.h"

#include <check.h>
#include <string.h>

static const int sizes[] = {1, 7, 8, 9, 31, 32, 33, 64, 71, 100};
enum { MOST = 100, SIZES = sizeof sizes / sizeof sizes[0] };

static void fill(unsigned char *bytes, int size)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
}

START_TEST(every_flipped_bit_shows)
{
    unsigned char bytes[MOST] = {0};
    fill(bytes, sizes[_i]);
    const uint64_t sum = dp_checksum(bytes, (size_t)sizes[_i]);
    for (int bit = 0; bit < 8 * sizes[_i]; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert(dp_checksum(bytes, (size_t)sizes[_i]) != sum);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert(dp_checksum(bytes, (size_t)sizes[_i]) == sum);
}
END_TEST

START_TEST(words_that_change_places_show)
{
    unsigned char bytes[MOST] = {0}, word[8];
    fill(bytes, MOST);
    const uint64_t sum = dp_checksum(bytes, MOST);
    for (int i = 0; i + 16 <= MOST; i += 8)
        for (int j = i + 8; j + 8 <= MOST; j += 8) {
            fill(bytes, MOST);
            memcpy(word, bytes + i, 8);
            memcpy(bytes + i, bytes + j, 8);
            memcpy(bytes + j, word, 8);
            ck_assert_msg(dp_checksum(bytes, MOST) != sum, "words %d and %d", i, j);
        }
}
END_TEST

START_TEST(lengths_of_zeros_differ)
{
    const unsigned char bytes[MOST] = {0};
    for (size_t n = 0; n < MOST; n++)
        for (size_t k = 0; k < n; k++)
            ck_assert(dp_checksum(bytes, n) != dp_checksum(bytes, k));
}
END_TEST

START_TEST(the_place_in_memory_does_not_matter)
{
    unsigned char bytes[MOST + 8] = {0};
    fill(bytes, MOST);
    const uint64_t sum = dp_checksum(bytes, MOST);
    for (int i = 1; i < 8; i++) {
        fill(bytes + i, MOST);
        ck_assert(dp_checksum(bytes + i, MOST) == sum);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/checksum");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, every_flipped_bit_shows, 0, SIZES);
    tcase_add_test(t, words_that_change_places_show);
    tcase_add_test(t, lengths_of_zeros_differ);
    tcase_add_test(t, the_place_in_memory_does_not_matter);
    suite_add_tcase(s, t);
    return suite_run(s);
}
