#include "base/json.h"

#include "base/file.h"
#include "base/json_stream.h"
#include "base/limits.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- the text -------------------------------------------------------------- */

typedef struct checker {
    dp_json_stream s;
    bool unsupported; /* JSON, but more than a cJSON document can hold */
} checker;

/* Fail at the place, as the stream itself does. */
static void refuse(checker *c, const char *place, const char *expected)
{
    c->unsupported = true;
    c->s.expected = expected;
    c->s.at = c->s.end = place;
}

static void check_string(checker *c, dp_json_slice string)
{
    const char *p = string.text, *const end = p + string.size;
    for (; (p = memchr(p, '\\', (size_t)(end - p))); p += 2)
        if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0) {
            refuse(c, p, "a text without \\u0000");
            return;
        }
}

static void check_value(checker *c)
{
    dp_json_stream *s = &c->s;
    const dp_json_kind kind = dp_json_stream_peek(s);
    const char *const start = s->at;
    dp_json_slice string;
    dp_json_number number;
    if (kind == DP_JSON_OBJECT && dp_json_stream_object(s)) {
        while (dp_json_stream_member(s, &string)) {
            check_string(c, string);
            check_value(c);
        }
    } else if (kind == DP_JSON_ARRAY && dp_json_stream_array(s)) {
        while (dp_json_stream_item(s))
            check_value(c);
    } else if (kind == DP_JSON_STRING && dp_json_stream_string(s, &string)) {
        check_string(c, string);
    } else if (kind == DP_JSON_NUMBER && dp_json_stream_number(s, &number)) {
        _Static_assert(DP_MAX_JSON_NUMBER == 63, "the sentence says it");
        if (s->at - start > DP_MAX_JSON_NUMBER)
            refuse(c, start, "a number of at most 63 characters");
    } else {
        dp_json_stream_skip(s);
    }
}

static dp_status check_text(dp_error *err, const char *text, size_t size,
                            const char *name)
{
    checker c = {.unsupported = false};
    dp_json_stream_init(&c.s, text, size);
    check_value(&c);
    dp_json_stream_finish(&c.s);
    const dp_status st = dp_json_stream_status(err, &c.s, name);
    return st != DP_OK && c.unsupported ? (err->code = DP_EUNSUPPORTED) : st;
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
            return dp_fail(err, DP_EFORMAT, "%s: an object has more than %d keys", name,
                           DP_MAX_JSON_KEYS);
        keys[count++] = c->string;
    }
    if (count > 1)
        qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return dp_fail(err, DP_EFORMAT, "%s: key \"%s%s%s\" stands twice", name,
                           value->string ? value->string : "", value->string ? "." : "",
                           keys[i]);
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
    dp_status st = check_text(err, text, size, name);
    if (st != DP_OK)
        return st;

    const char *end;
    pthread_mutex_lock(&one_at_a_time);
    cJSON *document = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    pthread_mutex_unlock(&one_at_a_time);
    if (!document) /* the text is known to be good */
        return dp_fail(err, DP_ENOMEM, "%s: out of memory", name);

    st = check_all_keys(err, document, name);
    if (st != DP_OK) {
        cJSON_Delete(document);
        return st;
    }
    *out = document;
    return DP_OK;
}

dp_status dp_json_load(dp_error *err, cJSON **out, const char *path)
{
    unsigned char *data;
    size_t size;
    *out = NULL;
    dp_status st = dp_file_load(err, &data, &size, path, DP_MAX_CONFIG_BYTES);
    if (st == DP_OK)
        st = dp_json_parse(err, out, (const char *)data, size, path);
    dp_free(data);
    return st;
}
