/* SHA-256 against the digests that FIPS 180-4 and its examples publish. */
#include "base/sha256.h"
#include "tests/support/suite.h"

#include <check.h>
#include <string.h>

static void digest(char hex[DP_SHA256_HEX], const void *bytes, size_t size, size_t step)
{
    dp_sha256 s;
    uint8_t out[DP_SHA256_BYTES];
    dp_sha256_init(&s);
    for (size_t at = 0; at < size; at += step)
        dp_sha256_add(&s, (const char *)bytes + at,
                      size - at < step ? size - at : step);
    dp_sha256_finish(&s, out);
    dp_sha256_format(hex, out);
}

static const struct {
    const char *text, *hex;
} published[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
     "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

START_TEST(digests_are_the_published_ones)
{
    char hex[DP_SHA256_HEX];
    digest(hex, published[_i].text, strlen(published[_i].text), 1000);
    ck_assert_str_eq(hex, published[_i].hex);
}
END_TEST

START_TEST(a_million_letters_have_the_published_digest)
{
    static char letters[1000000];
    char hex[DP_SHA256_HEX];
    memset(letters, 'a', sizeof letters);
    digest(hex, letters, sizeof letters, 12345);
    ck_assert_str_eq(
        hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* Around the ends of blocks, where the padding takes one block or two. */
START_TEST(pieces_of_any_size_give_one_digest)
{
    char text[200], whole[DP_SHA256_HEX], pieces[DP_SHA256_HEX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t size = 50; size < sizeof text; size++) {
        digest(whole, text, size, size);
        digest(pieces, text, size, (size_t)_i);
        ck_assert_str_eq(whole, pieces);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/sha256");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, digests_are_the_published_ones, 0,
                        (int)(sizeof published / sizeof *published));
    tcase_add_test(t, a_million_letters_have_the_published_digest);
    tcase_add_loop_test(t, pieces_of_any_size_give_one_digest, 1, 70);
    suite_add_tcase(s, t);
    return suite_run(s);
}
