/* json_stream.h - JSON texts of any size, pulled value by value
 *
 * For annotations and results of hundreds of megabytes: nothing is kept, nothing is
 * copied, and nothing is allocated. The caller walks the text with calls that mirror its
 * shape:
 *
 *     if (dp_json_stream_object(s))
 *         while (dp_json_stream_member(s, &key))
 *             if (dp_json_slice_is(key, "id"))
 *                 dp_json_stream_number(s, &id);
 *             else
 *                 dp_json_stream_skip(s);
 *     return dp_json_stream_status(err, s, path);
 *
 * Exactly RFC 8259, also in what is skipped: well-formed UTF-8, surrogates only in
 * pairs, nesting to DP_MAX_JSON_DEPTH. A byte order mark is skipped. A key twice in an
 * object is the caller's business.
 *
 * Failures stick: after one every call returns false, so one look at the end does.
 *
 * A stream is a plain value: a copy walks on by itself, also on another thread.
 */
#ifndef DP_BASE_JSON_STREAM_H
#define DP_BASE_JSON_STREAM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dp_json_stream {
    const char *begin;    /* of the text, which stays the caller's                    */
    const char *at;       /* the next byte                                            */
    const char *end;      /* of the text; where it broke, after a failure             */
    const char *text_end; /* of the text                                              */
    const char *expected; /* what would have been right; NULL while nothing is wrong  */
    int depth;            /* open containers                                          */
    bool fresh;           /* the innermost one was just opened                        */
    /* Also take NaN, Infinity and -Infinity, which some writers emit, so that a caller can
     * say in which record they are. */
    bool nonfinite;
} dp_json_stream;

/* What the next value is. */
typedef enum dp_json_kind {
    DP_JSON_NOTHING, /* no value starts here: a failure for whoever reads on */
    DP_JSON_OBJECT,
    DP_JSON_ARRAY,
    DP_JSON_STRING,
    DP_JSON_NUMBER,
    DP_JSON_LITERAL /* true, false, null */
} dp_json_kind;

/* The inside of a string as it stands in the text. */
typedef struct dp_json_slice {
    const char *text;
    size_t size;
    bool escaped; /* has backslashes */
} dp_json_slice;

typedef struct dp_json_number {
    double value;    /* correctly rounded; infinite when beyond double          */
    int64_t integer; /* the same, when is_integer                               */
    bool is_integer; /* whole and within int64, however it is written: 1, 1.0, 1e2 */
} dp_json_number;

/* Stand at the start of `size` bytes; NULL and 0 are allowed. */
void dp_json_stream_init(dp_json_stream *s, const char *text, size_t size);

/* What comes next; moves over blanks only. */
dp_json_kind dp_json_stream_peek(dp_json_stream *s);

/* Step into an object or an array. */
bool dp_json_stream_object(dp_json_stream *s);
bool dp_json_stream_array(dp_json_stream *s);

/* Go to the next member's value, or to the next item, which must then be read or
 * skipped. False when the container ends, which steps out of it, and on failure. */
bool dp_json_stream_member(dp_json_stream *s, dp_json_slice *key);
bool dp_json_stream_item(dp_json_stream *s);

/* Read a value of that kind; another kind is a failure. */
bool dp_json_stream_number(dp_json_stream *s, dp_json_number *number);
bool dp_json_stream_string(dp_json_stream *s, dp_json_slice *string);

/* Pass over any value, checking it. */
bool dp_json_stream_skip(dp_json_stream *s);

/* True when only blanks are left; something else is a failure. */
bool dp_json_stream_finish(dp_json_stream *s);

/* DP_OK, or DP_EFORMAT with the sentence "NAME:LINE:COLUMN: found X, expected Y". Columns
 * are counted in bytes from 1. */
dp_status dp_json_stream_status(dp_error *err, const dp_json_stream *s,
                                const char *name) DP_MUST_CHECK;

/* The line, from 1, of a place in the text. Reads the text up to there. */
size_t dp_json_stream_line(const dp_json_stream *s, const char *place);

/* Whether a slice, escapes resolved, is that text. */
bool dp_json_slice_is(dp_json_slice slice, const char *text);

/* Write the string itself, UTF-8 with the escapes resolved, to out, which has room for
 * slice.size bytes. Returns its bytes, not more than slice.size; no terminator. */
size_t dp_json_slice_copy(dp_json_slice slice, char *out);

#endif
