/* text.h - a text that grows
 *
 * For what is printed elsewhere: help, dumps, reports. A failure to grow is kept in the
 * text and later additions do nothing, so a writer needs one check, at the end.
 */
#ifndef DP_BASE_TEXT_H
#define DP_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise it, and set err. */
typedef struct dp_text {
    char *data;       /* owned; zero-terminated; NULL while nothing was added */
    size_t size;      /* bytes, without the terminator                        */
    size_t capacity;  /* bytes at data                                        */
    dp_status status; /* DP_ENOMEM once an addition failed                   */
    dp_error *err;    /* borrowed; receives the sentence                     */
} dp_text;

/* Append what printf would print. */
void dp_text_add(dp_text *t, const char *format, ...) DP_PRINTF(2, 3);

/* Append a number so that it reads back to the same float, in the fewest digits and
 * with a point whatever the locale. Not for infinities and NaN. */
void dp_text_add_float(dp_text *t, float value);

/* The same for a double. */
void dp_text_add_double(dp_text *t, double value);

/* Append a JSON string: quoted and escaped. `value` is UTF-8. */
void dp_text_add_quoted(dp_text *t, const char *value);

/* The text, "" when nothing was added; until the next addition. */
const char *dp_text_get(const dp_text *t);

/* Release, and empty. A zeroed text is allowed. */
void dp_text_done(dp_text *t);

#endif
