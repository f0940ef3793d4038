#include "base/json.h"

#include "base/limits.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the grammar ----------------------------------------------------------- */

typedef struct scanner {
    const char *text;
    size_t size, at;
    const char *name;
    dp_error *err;
} scanner;

/* The byte at the cursor, -1 at the end. */
static int peek(const scanner *s)
{
    return s->at < s->size ? (unsigned char)s->text[s->at] : -1;
}

static dp_status fail_at(const scanner *s, dp_status code, const char *found,
                         const char *expected)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < s->at; i++) {
        column++;
        if (s->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return dp_fail(s->err, code, "%s:%zu:%zu: found %s, expected %s", s->name, line,
                   column, found, expected);
}

static dp_status expected(const scanner *s, const char *what)
{
    const int c = peek(s);
    char found[32];
    if (c < 0)
        snprintf(found, sizeof found, "the end");
    else if (c > 0x20 && c < 0x7f)
        snprintf(found, sizeof found, "'%c'", c);
    else
        snprintf(found, sizeof found, "byte 0x%02x", (unsigned)c);
    return fail_at(s, DP_EFORMAT, found, what);
}

static void skip_blanks(scanner *s)
{
    for (int c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(s))
        s->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits. */
static dp_status scan_hex(scanner *s, unsigned *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        const int digit = hex_value(peek(s));
        if (digit < 0)
            return expected(s, "a hexadecimal digit");
        *value = *value * 16 + (unsigned)digit;
    }
    return DP_OK;
}

/* What follows "\u". */
static dp_status scan_unicode(scanner *s)
{
    unsigned code, low;
    dp_status st = scan_hex(s, &code);
    if (st != DP_OK)
        return st;
    if (code == 0)
        return fail_at(s, DP_EUNSUPPORTED, "\\u0000", "a text without it");
    if (code >= 0xdc00 && code <= 0xdfff)
        return fail_at(s, DP_EFORMAT, "half a surrogate pair", "both halves");
    if (code < 0xd800 || code > 0xdbff)
        return DP_OK;

    if (s->size - s->at < 2 || s->text[s->at] != '\\' || s->text[s->at + 1] != 'u')
        return fail_at(s, DP_EFORMAT, "half a surrogate pair", "both halves");
    s->at += 2;
    st = scan_hex(s, &low);
    if (st == DP_OK && (low < 0xdc00 || low > 0xdfff))
        return fail_at(s, DP_EFORMAT, "half a surrogate pair", "both halves");
    return st;
}

static dp_status scan_escape(scanner *s)
{
    s->at++;
    const int c = peek(s);
    if (c < 1 || !strchr("\"\\/bfnrtu", c))
        return expected(s, "an escape: one of \"\\/bfnrtu");
    s->at++;
    return c == 'u' ? scan_unicode(s) : DP_OK;
}

/* One character of two to four bytes: shortest form, no surrogates, up to U+10FFFF. */
static dp_status scan_utf8(scanner *s)
{
    const int c = peek(s);
    const size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4)
        return expected(s, "UTF-8");
    for (size_t i = 1; i <= more; i++) {
        const int next = s->at + i < s->size ? (unsigned char)s->text[s->at + i] : 0;
        int low = 0x80, high = 0xbf;
        if (i == 1 && (c == 0xe0 || c == 0xf0))
            low = c == 0xe0 ? 0xa0 : 0x90;
        if (i == 1 && (c == 0xed || c == 0xf4))
            high = c == 0xed ? 0x9f : 0x8f;
        if (next < low || next > high)
            return expected(s, "UTF-8");
    }
    s->at += more + 1;
    return DP_OK;
}

static dp_status scan_string(scanner *s)
{
    if (peek(s) != '"')
        return expected(s, "'\"'");
    s->at++;
    for (;;) {
        const int c = peek(s);
        dp_status st = DP_OK;
        if (c == '"')
            break;
        if (c < 0x20)
            return expected(s, "a character or '\"'");
        if (c == '\\')
            st = scan_escape(s);
        else if (c >= 0x80)
            st = scan_utf8(s);
        else
            s->at++;
        if (st != DP_OK)
            return st;
    }
    s->at++;
    return DP_OK;
}

static dp_status scan_digits(scanner *s)
{
    if (!is_digit(peek(s)))
        return expected(s, "a digit");
    while (is_digit(peek(s)))
        s->at++;
    return DP_OK;
}

static dp_status scan_number(scanner *s)
{
    const size_t start = s->at;
    if (peek(s) == '-')
        s->at++;
    dp_status st = DP_OK;
    if (peek(s) == '0')
        s->at++;
    else
        st = scan_digits(s);
    if (st == DP_OK && peek(s) == '.') {
        s->at++;
        st = scan_digits(s);
    }
    if (st == DP_OK && (peek(s) == 'e' || peek(s) == 'E')) {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        st = scan_digits(s);
    }
    if (st == DP_OK && s->at - start > DP_MAX_JSON_NUMBER) {
        s->at = start;
        return fail_at(s, DP_EUNSUPPORTED, "a longer number",
                       "at most 63 characters"); /* DP_MAX_JSON_NUMBER */
    }
    return st;
}

static dp_status scan_word(scanner *s, const char *word)
{
    for (; *word; word++, s->at++)
        if (peek(s) != *word)
            return expected(s, "a value");
    return DP_OK;
}

static dp_status scan_value(scanner *s, int depth);

/* The members of an object, or the values of an array, up to the closing bracket. */
static dp_status scan_container(scanner *s, int depth, char close)
{
    if (depth > DP_MAX_JSON_DEPTH)
        return fail_at(s, DP_EFORMAT, "deeper nesting", "at most 500 levels");
    s->at++;
    skip_blanks(s);
    if (peek(s) == close) {
        s->at++;
        return DP_OK;
    }
    for (;;) {
        dp_status st = DP_OK;
        if (close == '}') {
            skip_blanks(s);
            st = scan_string(s);
            skip_blanks(s);
            if (st == DP_OK && peek(s) != ':')
                return expected(s, "':'");
            s->at++;
        }
        if (st == DP_OK)
            st = scan_value(s, depth);
        if (st != DP_OK)
            return st;
        if (peek(s) == close)
            break;
        if (peek(s) != ',')
            return expected(s, close == '}' ? "',' or '}'" : "',' or ']'");
        s->at++;
    }
    s->at++;
    return DP_OK;
}

/* A value with the blanks around it; `depth` containers are open. */
static dp_status scan_value(scanner *s, int depth)
{
    skip_blanks(s);
    const int c = peek(s);
    dp_status st;
    if (c == '{')
        st = scan_container(s, depth + 1, '}');
    else if (c == '[')
        st = scan_container(s, depth + 1, ']');
    else if (c == '"')
        st = scan_string(s);
    else if (c == '-' || is_digit(c))
        st = scan_number(s);
    else if (c == 't' || c == 'f')
        st = scan_word(s, c == 't' ? "true" : "false");
    else
        st = scan_word(s, "null");
    skip_blanks(s);
    return st;
}

static dp_status scan_document(scanner *s)
{
    if (s->size >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
        s->at = 3;
    const dp_status st = scan_value(s, 0);
    if (st == DP_OK && s->at < s->size)
        return expected(s, "the end");
    return st;
}

/* ---- keys ------------------------------------------------------------------ */

static int compare_keys(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static dp_status check_keys(dp_error *err, const cJSON *value, const char *name)
{
    const char *keys[DP_MAX_JSON_KEYS];
    size_t count = 0;
    for (const cJSON *c = value->child; c && c->string; c = c->next) {
        if (count == DP_MAX_JSON_KEYS)
            return dp_fail(err, DP_EFORMAT,
                           "%s: found an object with more keys, expected at most %d",
                           name, DP_MAX_JSON_KEYS);
        keys[count++] = c->string;
    }
    if (count > 1)
        qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return dp_fail(err, DP_EFORMAT, "%s: %s%s%s: found twice, expected once",
                           name, value->string ? value->string : "",
                           value->string ? "." : "", keys[i]);
    return DP_OK;
}

static dp_status check_all_keys(dp_error *err, const cJSON *value, const char *name)
{
    dp_status st = cJSON_IsObject(value) ? check_keys(err, value, name) : DP_OK;
    for (const cJSON *c = value->child; c && st == DP_OK; c = c->next)
        if (c->child)
            st = check_all_keys(err, c, name);
    return st;
}

/* ---- documents ------------------------------------------------------------- */

dp_status dp_json_parse(dp_error *err, cJSON **out, const char *text, size_t size,
                        const char *name)
{
    /* cJSON writes a global on every parse, although nobody here reads it. */
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

    *out = NULL;
    scanner s = {.text = text, .size = size, .name = name, .err = err};
    dp_status st = scan_document(&s);
    if (st != DP_OK)
        return st;

    const char *end;
    pthread_mutex_lock(&one_at_a_time);
    cJSON *tree = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    pthread_mutex_unlock(&one_at_a_time);
    if (!tree) /* the text is known to be good */
        return dp_fail(err, DP_ENOMEM, "%s: out of memory", name);

    st = check_all_keys(err, tree, name);
    if (st != DP_OK) {
        cJSON_Delete(tree);
        return st;
    }
    *out = tree;
    return DP_OK;
}

/* All of a file; DP_MAX_CONFIG_BYTES + 1 bytes say that it is too long. */
static dp_status read_file(dp_error *err, const char *path, char **data, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return dp_fail(err, errno == ENOMEM ? DP_ENOMEM : DP_EIO, "%s: cannot open: %s",
                       path, strerror(errno));

    void *bytes = NULL;
    size_t capacity = 0, used = 0, got = 1;
    dp_status st = DP_OK;
    while (st == DP_OK && got > 0 && used <= DP_MAX_CONFIG_BYTES) {
        st = dp_grow(err, &bytes, &capacity, used + 4096, 1, path);
        if (st == DP_OK) {
            got = fread((char *)bytes + used, 1, 4096, f);
            used += got;
        }
    }
    if (st == DP_OK && ferror(f))
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", path, strerror(errno));
    fclose(f);
    *data = bytes;
    *size = used;
    return st;
}

dp_status dp_json_load(dp_error *err, cJSON **out, const char *path)
{
    char *data = NULL;
    size_t size = 0;
    *out = NULL;
    dp_status st = read_file(err, path, &data, &size);
    if (st == DP_OK && size > DP_MAX_CONFIG_BYTES)
        st = dp_fail(err, DP_EFORMAT, "%s: found more, expected at most %d bytes", path,
                     DP_MAX_CONFIG_BYTES);
    if (st == DP_OK)
        st = dp_json_parse(err, out, data, size, path);
    dp_free(data);
    return st;
}
