/* progress.h - a bar with rate and time left, on standard error
 *
 * Shown only when standard error is a terminal and --quiet was not given; a pipe never
 * sees it.
 */
#ifndef DP_CLI_PROGRESS_H
#define DP_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_progress {
    bool shown;
    size_t done, total;
    double started, drawn; /* seconds of a steady clock */
} dp_progress;

/* `total` items lie ahead. */
void dp_progress_init(dp_progress *p, size_t total, bool quiet);

/* One more is done. Drawn at most ten times a second, and at the last. */
void dp_progress_step(dp_progress *p);

/* Wipe the bar, so that a message or result gets the line; the next step draws again. */
void dp_progress_clear(dp_progress *p);

/* Wipe the bar for good. */
void dp_progress_done(dp_progress *p);

/* "12/24 3.1/s 0:04 left"; only the first at 0 done. */
void dp_progress_format_rate(char *text, size_t size, size_t done, size_t total,
                             double seconds);

/* The bar's text: "[#####     ] 12/24 3.1/s 0:04 left"; the time is unknown at 0 done. */
void dp_progress_format(char *text, size_t size, size_t done, size_t total,
                        double seconds);

#endif
