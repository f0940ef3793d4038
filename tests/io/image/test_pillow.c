/* Every format beside Pillow's own pixels of the same file. */
#include "base/folder.h"
#include "io/image/image.h"
#include "io/image/stored_pixels.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned little_endian(const char *bytes)
{
    unsigned value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static void check_file(const char *name, const char *want)
{
    dp_error err = {0};
    dp_pixels p;
    dp_stored_pixels stored;
    ck_assert_msg(dp_pixels_load(&err, &p, scratch_path(name)) == DP_OK, "%s",
                  err.text);
    ck_assert_int_eq(dp_stored_pixels_init(&err, &stored, &p), DP_OK);
    const unsigned h = little_endian(want), w = little_endian(want + 4);
    ck_assert_msg(stored.pixels.h == (int)h && stored.pixels.w == (int)w, "%s: %d x %d",
                  name, stored.pixels.w, stored.pixels.h);
    for (size_t i = 0; i < (size_t)h * w * 3; i++)
        ck_assert_msg(stored.pixels.data[i] == (uint8_t)want[8 + i],
                      "%s: byte %zu: found %d, expected %d", name, i,
                      stored.pixels.data[i], (uint8_t)want[8 + i]);
    dp_stored_pixels_done(&stored);
    dp_pixels_done(&p);
}

START_TEST(pixels_are_pillows)
{
    char command[512];
    dp_error err = {0};
    dp_folder_names names;
    snprintf(command, sizeof command,
             "/usr/bin/python3 -B tests/io/image/pillow_cases.py '%s'%s%s%s",
             scratch_path(""), DP_WITH_GIF ? " gif" : "", DP_WITH_TIFF ? " tiff" : "",
             DP_WITH_WEBP ? " webp" : "");
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(dp_folder_list(&err, &names, scratch_path(""), ".bgr"), DP_OK);
    ck_assert_uint_gt(names.count, 40);
    for (size_t i = 0; i < names.count; i++) {
        size_t size;
        char *want = file_load(scratch_path(names.name[i]), &size);
        char name[256];
        snprintf(name, sizeof name, "%s", names.name[i]);
        name[strlen(name) - strlen(".bgr")] = '\0';
        check_file(name, want);
        free(want);
    }
    dp_folder_names_done(&names);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pillow");
    TCase *t = tcase_create("pillow");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    if (system("/usr/bin/python3 -c 'import PIL' 2>/dev/null") == 0)
        tcase_add_test(t, pixels_are_pillows);
    else
        suite_skip("/usr/bin/python3 has no Pillow (Debian's python3-pil)");
    suite_add_tcase(s, t);
    return suite_run(s);
}
