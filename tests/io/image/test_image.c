/* Images of either format: told by their bytes; golden digests of OpenCV's pixels. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "io/image/image.h"
#include "tests/support/encoded.h"
#include "tests/support/scratch.h"
#include "tests/support/sha256.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "tests/support/walk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { GREY_PIXEL = 200 };

static dp_error err;

static encoded make_jpeg(void)
{
    static const uint8_t grey[64] = {GREY_PIXEL};
    return encode_jpeg(&(jpeg_kind){8, 8, 1, grey, 100, .progressive = false});
}

static encoded make_png(void)
{
    static const uint8_t grey[] = {GREY_PIXEL, 1, 2, 3};
    return encode_png(&(png_kind){2, 2, 8, 0, false, grey, NULL, 0});
}

START_TEST(the_bytes_tell_the_format_and_the_name_does_not)
{
    encoded jpeg = make_jpeg(), png = make_png();
    dp_pixels p;
    const char *path = scratch_file("really.png", jpeg.data, jpeg.size);
    ck_assert_int_eq(dp_pixels_load(&err, &p, path), DP_OK);
    ck_assert_int_eq(p.w, 8);
    dp_pixels_done(&p);
    path = scratch_file("really.jpg", png.data, png.size);
    ck_assert_int_eq(dp_pixels_load(&err, &p, path), DP_OK);
    ck_assert_int_eq(p.w, 2);
    ck_assert_int_eq(p.data[0], GREY_PIXEL);
    dp_pixels_done(&p);
    free(jpeg.data);
    free(png.data);
}
END_TEST

START_TEST(a_stream_is_read_to_its_end)
{
    encoded png = make_png();
    FILE *f = fopen(scratch_file("x", png.data, png.size), "rb");
    ck_assert_ptr_nonnull(f);
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_load_stream(&err, &p, f, "standard input"), DP_OK);
    ck_assert_int_eq(p.h, 2);
    dp_pixels_done(&p);
    ck_assert_int_eq(dp_pixels_load_stream(&err, &p, f, "standard input"), DP_EFORMAT);
    ck_assert_str_eq(
        err.text,
        "standard input: an empty file, not JPEG, PNG, BMP, GIF, PPM, TIFF or WebP");
    ck_assert_ptr_null(p.data);
    fclose(f);
    free(png.data);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    dp_status code;
    const char *words;
} foreign[] = {
    {"\0\0\0\x20"
     "ftypavif\0\0\0\0",
     16, DP_EUNSUPPORTED, "AVIF, not JPEG, PNG, BMP, GIF, PPM, TIFF or WebP"},
    {"\0\0\0\x18"
     "ftypheic\0\0\0\0",
     16, DP_EUNSUPPORTED, "HEIC,"},
    {"\0\0\0\x18"
     "ftypmif1\0\0\0\0",
     16, DP_EUNSUPPORTED, "HEIF,"},
    {"\0\0\0\x0cjP  \r\n\x87\n", 12, DP_EUNSUPPORTED, "JPEG 2000,"},
    {"\xff\x0a\xfa\x1f", 4, DP_EUNSUPPORTED, "JPEG XL,"},
    {"YUV4MPEG2 W1 H1", 15, DP_EUNSUPPORTED, "--stream y4m"},
    {"\x89PNG\r\n\x1a\n\0\0\0\4CgBI", 16, DP_EUNSUPPORTED, "Apple's variant of PNG"},
    {"Hello", 5, DP_EFORMAT,
     "text \"Hello\" (48 65 6c 6c 6f), not JPEG, PNG, BMP, GIF,"},
    {"<html>\n<head><title>404", 23, DP_EFORMAT, "text \"<html>?<head><ti\" (3c 68"},
    {"\1\2\3", 3, DP_EFORMAT, "unknown bytes (01 02 03), not JPEG"},
    {"\xff\xd8", 2, DP_EFORMAT, "unknown bytes (ff d8)"},
    {"\x89PNG\n\x1a\n\0", 8, DP_EFORMAT, "unknown bytes (89 50 4e 47 0a 1a 0a 00)"},
    {"GIF8", 4, DP_EFORMAT, "text \"GIF8\""},
    {"", 0, DP_EFORMAT, "an empty file"},
};

START_TEST(what_is_not_read_is_called_by_its_name)
{
    dp_pixels p;
    void *exact = malloc(foreign[_i].size + 1);
    memcpy(exact, foreign[_i].bytes, foreign[_i].size);
    exact = realloc(exact, foreign[_i].size ? foreign[_i].size : 1);
    const dp_status st =
        dp_pixels_decode(&err, &p, exact, foreign[_i].size, "photo.jpg");
    ck_assert_msg(st == foreign[_i].code && strstr(err.text, foreign[_i].words),
                  "%d %s", st, err.text);
    ck_assert_int_eq(strncmp(err.text, "photo.jpg: ", 11), 0);
    ck_assert_ptr_null(p.data);
    free(exact);
}
END_TEST

START_TEST(a_missing_file_and_a_folder_are_refused)
{
    dp_pixels p;
    const char *path = scratch_path("none.jpg");
    ck_assert_int_eq(dp_pixels_load(&err, &p, path), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "none.jpg: No such file or directory"));
    ck_assert_int_eq(dp_pixels_load(&err, &p, scratch_path(".")), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "a directory, not a file"));
    ck_assert_ptr_null(p.data);
}
END_TEST

/* ---- golden digests ------------------------------------------------------------- */

START_TEST(sha256_gives_the_published_digests)
{
    static const struct {
        const char *text, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmn"
         "opqkl"
         "mnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char text[65];
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        sha256_hex(text, vectors[i].text, strlen(vectors[i].text));
        ck_assert_str_eq(text, vectors[i].digest);
    }
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    sha256_hex(text, million, 1000000);
    ck_assert_str_eq(
        text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}
END_TEST

/* The text between the quotes that follow the key. */
static bool find_value(char *value, size_t room, const char *json, const char *key)
{
    const char *at = strstr(json, key);
    if (!at)
        return false;
    at = strchr(at + strlen(key), '"') + 1;
    const size_t length = strcspn(at, "\"");
    ck_assert_uint_lt(length, room);
    memcpy(value, at, length);
    value[length] = '\0';
    return true;
}

static const char *const folders[] = {"golden", "golden2"};
enum { FOLDERS = sizeof folders / sizeof folders[0] };

static int digests;

static void check_digest(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    char file[256], want[65], got[65];
    if (strncmp(name, "image", 5) != 0 || strcmp(name + strlen(name) - 5, ".json") != 0)
        return;
    char *json = file_load(path, NULL);
    if (find_value(file, sizeof file, json, "\"file\":") &&
        find_value(want, sizeof want, json, "\"sha256_decoded_bgr\":")) {
        dp_pixels p;
        ck_assert_msg(dp_pixels_load(&err, &p, shared_path("%s", file)) == DP_OK, "%s",
                      err.text);
        sha256_hex(got, p.data, (size_t)p.h * (size_t)p.w * 3);
        ck_assert_msg(strcmp(got, want) == 0, "%s of %s: digest %s, not %s", file, path,
                      got, want);
        dp_pixels_done(&p);
        digests++;
    }
    free(json);
}

START_TEST(pixels_have_the_golden_digests)
{
    digests = 0;
    (void)walk_files(shared_path("%s", folders[_i]), check_digest);
    ck_assert_int_gt(digests, 20);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/image");
    TCase *t = tcase_create("image");
    tcase_set_timeout(t, 120); /* the sanitizers are slow */
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, the_bytes_tell_the_format_and_the_name_does_not);
    tcase_add_test(t, a_stream_is_read_to_its_end);
    tcase_add_loop_test(t, what_is_not_read_is_called_by_its_name, 0,
                        (int)(sizeof foreign / sizeof foreign[0]));
    tcase_add_test(t, a_missing_file_and_a_folder_are_refused);
    tcase_add_test(t, sha256_gives_the_published_digests);
    for (int i = 0; i < FOLDERS; i++)
        if (shared_has(folders[i]))
            tcase_add_loop_test(t, pixels_have_the_golden_digests, i, i + 1);
    suite_add_tcase(s, t);
    return suite_run(s);
}
