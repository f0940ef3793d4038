#include "base/json_stream.h"

#include "base/json_number.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

void dp_json_stream_init(dp_json_stream *s, const char *text, size_t size)
{
    *s = (dp_json_stream){0};
    if (size == 0)
        text = "";
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    s->begin = s->at = text;
    s->end = s->text_end = text + size;
}

/* Keep the first failure, and let nothing follow it. */
static bool fail(dp_json_stream *s, const char *expected)
{
    if (!s->expected) {
        s->expected = expected;
        s->end = s->at;
    }
    return false;
}

static void skip_blanks(dp_json_stream *s)
{
    const char *p = s->at;
    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    s->at = p;
}

/* Move over blanks; whether `c` comes next. */
static bool next_is(dp_json_stream *s, char c)
{
    skip_blanks(s);
    return s->at < s->end && *s->at == c;
}

dp_json_kind dp_json_stream_peek(dp_json_stream *s)
{
    skip_blanks(s);
    if (s->at == s->end)
        return DP_JSON_NOTHING;
    switch (*s->at) {
    case '{':
        return DP_JSON_OBJECT;
    case '[':
        return DP_JSON_ARRAY;
    case '"':
        return DP_JSON_STRING;
    case 't':
    case 'f':
    case 'n':
        return DP_JSON_LITERAL;
    case 'N':
    case 'I':
        return s->nonfinite ? DP_JSON_NUMBER : DP_JSON_NOTHING;
    default:
        return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? DP_JSON_NUMBER
                                                                 : DP_JSON_NOTHING;
    }
}

static bool step_in(dp_json_stream *s, char open, const char *expected)
{
    if (!next_is(s, open))
        return fail(s, expected);
    _Static_assert(DP_MAX_JSON_DEPTH == 500, "the sentence says it");
    if (s->depth >= DP_MAX_JSON_DEPTH)
        return fail(s, "at most 500 levels of nesting");
    s->at++;
    s->depth++;
    s->fresh = true;
    return true;
}

bool dp_json_stream_object(dp_json_stream *s)
{
    return step_in(s, '{', "an object");
}

bool dp_json_stream_array(dp_json_stream *s)
{
    return step_in(s, '[', "an array");
}

/* Whether the container goes on; over the comma if so, out of it if it ends. */
static bool goes_on(dp_json_stream *s, char close, const char *expected)
{
    const bool fresh = s->fresh;
    s->fresh = false;
    if (next_is(s, close)) {
        s->at++;
        s->depth--;
        return false;
    }
    if (fresh)
        return true;
    if (s->at == s->end || *s->at != ',')
        return fail(s, expected);
    s->at++;
    return true;
}

bool dp_json_stream_item(dp_json_stream *s)
{
    if (!goes_on(s, ']', "',' or ']'"))
        return false;
    return dp_json_stream_peek(s) != DP_JSON_NOTHING || fail(s, "a value");
}

bool dp_json_stream_member(dp_json_stream *s, dp_json_slice *key)
{
    if (!goes_on(s, '}', "',' or '}'"))
        return false;
    if (!next_is(s, '"'))
        return fail(s, "a key");
    if (!dp_json_stream_string(s, key))
        return false;
    if (!next_is(s, ':'))
        return fail(s, "':'");
    s->at++;
    return dp_json_stream_peek(s) != DP_JSON_NOTHING || fail(s, "a value");
}

/* ---- strings ------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The unit of \uXXXX at p, the backslash; -1 when there is none. */
static int unit_at(const char *p, const char *end)
{
    int unit = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        const int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Bytes of the escape at p, the backslash; 0 when it is none. */
static size_t escape_size(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
    const int unit = unit_at(p, end);
    if (unit < 0 || is_low(unit))
        return 0;
    if (!is_high(unit))
        return 6;
    return is_low(unit_at(p + 6, end)) ? 12 : 0;
}

static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

/* The first byte from p on that is a quote, a backslash or a control character; eight
 * bytes at a time. *seen collects the bits of what was passed. */
static const char *plain_end(const char *p, const char *end, uint64_t *seen)
{
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        const uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
        const uint64_t stop = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                              ((v - ones * 0x20) & ~v);
        if (stop & tops)
            break;
        *seen |= v;
    }
    for (; p < end; p++) {
        const unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            break;
        *seen |= c;
    }
    return p;
}

bool dp_json_stream_string(dp_json_stream *s, dp_json_slice *string)
{
    if (!next_is(s, '"'))
        return fail(s, "a string");
    const char *const text = s->at + 1;
    uint64_t seen = 0;
    string->escaped = false;
    for (const char *p = text;;) {
        p = plain_end(p, s->end, &seen);
        if (p < s->end && *p == '"') {
            string->text = text;
            string->size = (size_t)(p - text);
            if ((seen & tops) && !dp_utf8_is_valid(text, string->size))
                return fail(s, "a string in UTF-8");
            s->at = p + 1;
            return true;
        }
        s->at = p;
        if (p == s->end || *p != '\\')
            return fail(s, "the end of a string");
        const size_t size = escape_size(p, s->end);
        if (size == 0)
            return fail(s, "an escape");
        string->escaped = true;
        p += size;
    }
}

static size_t put_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[size] | c);
    return size;
}

size_t dp_json_slice_copy(dp_json_slice slice, char *out)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *p = slice.text, *const end = p + slice.size;
    size_t n = 0;
    while (p < end) {
        const char *next = slice.escaped ? memchr(p, '\\', (size_t)(end - p)) : end;
        if (!next)
            next = end;
        memcpy(out + n, p, (size_t)(next - p));
        n += (size_t)(next - p);
        p = next;
        if (p == end)
            break;
        if (p[1] == 'u') {
            unsigned long c = (unsigned long)unit_at(p, end);
            p += 6;
            if (is_high((int)c)) {
                c = 0x10000 + ((c - 0xd800) << 10) + (unsigned long)unit_at(p, end) -
                    0xdc00;
                p += 6;
            }
            n += put_utf8(out + n, c);
        } else {
            const char *letter = strchr(letters, p[1]);
            out[n++] = letter ? meanings[letter - letters] : p[1];
            p += 2;
        }
    }
    return n;
}

bool dp_json_slice_is(dp_json_slice slice, const char *text)
{
    const size_t size = strlen(text);
    if (!slice.escaped)
        return slice.size == size && memcmp(slice.text, text, size) == 0;
    char copy[256]; /* of keys; an escape takes at most six bytes for one */
    if (slice.size > sizeof copy)
        return false;
    return dp_json_slice_copy(slice, copy) == size && memcmp(copy, text, size) == 0;
}

/* ---- the rest ------------------------------------------------------------------ */

bool dp_json_stream_number(dp_json_stream *s, dp_json_number *number)
{
    if (dp_json_stream_peek(s) != DP_JSON_NUMBER)
        return fail(s, "a number");
    const char *const after = dp_json_number_parse(s->at, s->end, s->nonfinite, number);
    if (!after)
        return fail(s, "a number as JSON has it");
    s->at = after;
    return true;
}

static bool literal(dp_json_stream *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        const size_t size = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= size && memcmp(s->at, words[i], size) == 0) {
            s->at += size;
            return true;
        }
    }
    return fail(s, "a value");
}

/* A value, or the first step into one. */
static bool step(dp_json_stream *s)
{
    dp_json_slice slice;
    dp_json_number number;
    switch (dp_json_stream_peek(s)) {
    case DP_JSON_OBJECT:
        return dp_json_stream_object(s);
    case DP_JSON_ARRAY:
        return dp_json_stream_array(s);
    case DP_JSON_STRING:
        return dp_json_stream_string(s, &slice);
    case DP_JSON_NUMBER:
        return dp_json_stream_number(s, &number);
    case DP_JSON_LITERAL:
        return literal(s);
    default:
        return fail(s, "a value");
    }
}

bool dp_json_stream_skip(dp_json_stream *s)
{
    bool in_object[DP_MAX_JSON_DEPTH + 1]; /* of the containers opened here, by depth */
    const int outside = s->depth;
    dp_json_slice key;
    do {
        const dp_json_kind kind = dp_json_stream_peek(s);
        if (!step(s))
            return false;
        if (kind == DP_JSON_OBJECT || kind == DP_JSON_ARRAY)
            in_object[s->depth] = kind == DP_JSON_OBJECT;
        /* On to the next value inside, leaving what ends. */
        while (s->depth > outside &&
               !(in_object[s->depth] ? dp_json_stream_member(s, &key)
                                     : dp_json_stream_item(s)))
            if (s->expected)
                return false;
    } while (s->depth > outside);
    return true;
}

bool dp_json_stream_finish(dp_json_stream *s)
{
    skip_blanks(s);
    return s->expected == NULL && (s->at == s->end || fail(s, "the end of the text"));
}

size_t dp_json_stream_line(const dp_json_stream *s, const char *place)
{
    size_t line = 1;
    for (const char *p = s->begin; p < place; line++) {
        p = memchr(p, '\n', (size_t)(place - p));
        if (!p)
            break;
        p++;
    }
    return line;
}

dp_status dp_json_stream_status(dp_error *err, const dp_json_stream *s,
                                const char *name)
{
    if (!s->expected)
        return DP_OK;
    char found[32] = "the end of the text";
    const unsigned char c = s->at < s->text_end ? (unsigned char)*s->at : 0;
    if (c > 0x20 && c < 0x7f)
        snprintf(found, sizeof found, "'%c'", c);
    else if (s->at < s->text_end)
        snprintf(found, sizeof found, "byte 0x%02x", c);
    const char *line = s->at;
    while (line > s->begin && line[-1] != '\n')
        line--;
    return dp_fail(err, DP_EFORMAT, "%s:%zu:%zu: found %s, expected %s", name,
                   dp_json_stream_line(s, s->at), (size_t)(s->at - line) + 1, found,
                   s->expected);
}
