/* load_log.h - what the library logs while a model loads, after the sentence about it
 *
 * The lines of a load are kept until the command has said what came of it. Of many lines
 * only the first 20 are printed, unless --verbose asks for all.
 */
#ifndef DP_CLI_LOAD_LOG_H
#define DP_CLI_LOAD_LOG_H

#include "base/text.h"

/* Lines of a list that are printed without --verbose. */
enum { DP_LOAD_LOG_LINES = 20 };

/* Zero-initialised, it prints each line at once. */
typedef struct dp_load_log {
    bool holding; /* set it before a load */
    bool verbose;
    size_t lines; /* held, or left out */
    dp_text held;
    dp_error err;
} dp_load_log;

/* The log function of a context; `arg` is the dp_load_log. */
void dp_load_log_line(void *arg, const char *line);

/* Print what was held, and from now on each line at once. Nothing to do when nothing was
 * held. */
void dp_load_log_release(dp_load_log *log);

#endif
