/* watch.h - what a program that works for long owes its user: signals and lines
 *
 * A thread of its own waits for SIGINT and SIGTERM. Where standard error is no terminal, it
 * says how far the work is, a line a minute. Work either ends at once, with a sentence
 * and status 128 + signal, or is asked to come to an end; then a second signal ends it at
 * once. No temporary file stays.
 *
 * There is one watch. Its functions may be called without it, and do nothing then.
 */
#ifndef DP_CLI_WATCH_H
#define DP_CLI_WATCH_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { DP_WATCH_STATUS = 128 /* exit status of a signal: this plus its number */ };

/* Begin. */
void dp_watch_start(void);

/* Lines every so many seconds, or every minute for 0; none when quiet. */
void dp_watch_log(bool quiet, double seconds);

/* What is done now ("loading the model"; a static text), and `total` images of it (0: not
 * counted). A signal ends the program with this sentence. */
void dp_watch_enter(const char *doing, size_t total, const char *format, ...)
    DP_PRINTF(3, 4);

/* The same of work that dp_watch_signal stops; the second signal's sentence. */
void dp_watch_enter_counted(const char *doing, size_t total, const char *format, ...)
    DP_PRINTF(3, 4);

/* So many of the total are done. */
void dp_watch_count(size_t done);

/* The first signal; 0: there was none. */
int dp_watch_signal(void);

/* No more lines; signals end the program as they do any other. */
void dp_watch_end(void);

#endif
