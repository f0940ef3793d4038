/* status.h - what a function that can fail returns, and where its sentence is kept
 *
 * dp_status itself is public (include/densepred.h). The sentence that belongs to it
 * lives in a dp_error, which every fallible function receives as its first argument.
 * A sentence names the file, key or tensor, and says in plain words what is wrong; of two
 * values of one kind it says "found X, expected Y".
 *
 * The library never prints, exits or aborts; bad input is never an assert.
 */
#ifndef DP_BASE_STATUS_H
#define DP_BASE_STATUS_H

#include "densepred/status.h"

#if defined(__GNUC__)
#define DP_MUST_CHECK   __attribute__((warn_unused_result))
#define DP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define DP_MUST_CHECK
#define DP_PRINTF(f, a)
#endif

enum { DP_ERROR_TEXT = 1024 };

/* The last failure. Zero-initialise it; code DP_OK means none. A text that does not
 * fit is cut and ends in "...". Not for use by several threads at a time. */
typedef struct dp_error {
    dp_status code;
    char text[DP_ERROR_TEXT];
} dp_error;

/* Record code and sentence, and return code: `return dp_fail(err, ...)`. Allocates
 * nothing, so it serves DP_ENOMEM too. Control characters are replaced by '?', so that
 * a name from a hostile file cannot break the line. */
dp_status dp_fail(dp_error *err, dp_status code, const char *format, ...)
    DP_PRINTF(3, 4);

/* Put "what: " in front of the sentence already recorded, and return its code. */
dp_status dp_fail_while(dp_error *err, const char *format, ...) DP_PRINTF(2, 3);

#endif
