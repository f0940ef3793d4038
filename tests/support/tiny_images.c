#include "tests/support/tiny_images.h"

#include "io/image/png.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#include <check.h>
#include <stdio.h>

static void write_image(const char *name, int class, int side, uint64_t *seed)
{
    dp_error err = {0};
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, side, side + 3), DP_OK);
    for (int i = 0; i < side * (side + 3); i++)
        for (int c = 0; c < 3; c++) {
            const int colour = 60 + (class >> c & 1) * 120;
            p.data[i * 3 + c] = (uint8_t)(colour + (int)(random_float(seed, 0, 50)));
        }
    scratch_text(name, "");
    ck_assert_msg(dp_png_save(&err, scratch_path(name), &p) == DP_OK, "%s", err.text);
    dp_pixels_done(&p);
}

void tiny_images_write(const char *folder, int classes, int train, int val, int side)
{
    static const char *const splits[] = {"train", "val"};
    const int counts[] = {train, val};
    uint64_t seed = 7;
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < classes; c++)
            for (int i = 0; i < counts[s]; i++) {
                char name[128];
                snprintf(name, sizeof name, "%s/%s/%c/%d.png", folder, splits[s],
                         'a' + c, i);
                write_image(name, c, side, &seed);
            }
}
