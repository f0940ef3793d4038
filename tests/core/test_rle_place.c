#include "core/rle_place.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Against masks as bytes: encode, place, decode. */
static void check_place(uint64_t *seed, int h, int w, int part_h, int part_w,
                        int density)
{
    const int y = random_int(seed, h - part_h + 1),
              x = random_int(seed, w - part_w + 1);
    const size_t size = (size_t)h * (size_t)w,
                 part_size = (size_t)part_h * (size_t)part_w;
    uint8_t *part = calloc(part_size, 1), *want = calloc(size, 1), *got = malloc(size);
    for (int i = 0; i < part_h; i++)
        for (int j = 0; j < part_w; j++) {
            const uint8_t one = random_int(seed, 10) < density;
            part[i * part_w + j] = one;
            want[(y + i) * w + x + j] = one;
        }
    uint32_t *counts = malloc((part_size + 1) * sizeof *counts);
    const dp_rle rle = {part_h, part_w, dp_rle_encode(counts, part, part_h, part_w),
                        counts};
    const size_t most = dp_rle_place_most(rle.count, part_w);
    uint32_t *placed = malloc(most * sizeof *placed);
    dp_rle out = {h, w, 0, placed};
    out.count = dp_rle_place(placed, &rle, h, w, y, x);
    ck_assert_uint_le(out.count, most);

    uint64_t sum = 0;
    for (size_t i = 0; i < out.count; i++)
        sum += placed[i];
    ck_assert_uint_eq(sum, size);
    dp_rle_decode(&out, got);
    ck_assert_mem_eq(got, want, size);
    free(part);
    free(want);
    free(got);
    free(counts);
    free(placed);
}

START_TEST(a_placed_mask_is_the_mask_in_its_place)
{
    uint64_t seed = 17;
    for (int round = 0; round < 400; round++) {
        const int h = 1 + random_int(&seed, 12), w = 1 + random_int(&seed, 12);
        check_place(&seed, h, w, 1 + random_int(&seed, h), 1 + random_int(&seed, w),
                    random_int(&seed, 11));
    }
}
END_TEST

START_TEST(a_part_as_high_as_the_whole_joins_its_columns)
{
    uint32_t ones[] = {0, 6}, counts[16];
    const dp_rle part = {3, 2, 2, ones};
    ck_assert_uint_eq(dp_rle_place(counts, &part, 3, 4, 0, 1), 3);
    ck_assert_uint_eq(counts[0], 3);
    ck_assert_uint_eq(counts[1], 6);
    ck_assert_uint_eq(counts[2], 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rle_place");
    TCase *t = tcase_create("place");
    tcase_add_test(t, a_placed_mask_is_the_mask_in_its_place);
    tcase_add_test(t, a_part_as_high_as_the_whole_joins_its_columns);
    suite_add_tcase(s, t);
    return suite_run(s);
}
