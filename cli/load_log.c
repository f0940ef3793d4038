#include "cli/load_log.h"

#include <stdio.h>

void dp_load_log_line(void *arg, const char *line)
{
    dp_load_log *log = arg;
    if (!log->holding) {
        fprintf(stderr, "  %s\n", line);
        return;
    }
    log->held.err = &log->err;
    if (log->lines++ < DP_LOAD_LOG_LINES || log->verbose)
        dp_text_add(&log->held, "  %s\n", line);
}

void dp_load_log_release(dp_load_log *log)
{
    fputs(dp_text_get(&log->held), stderr);
    if (log->lines > DP_LOAD_LOG_LINES && !log->verbose)
        fprintf(stderr, "  and %zu more; --verbose shows all\n",
                log->lines - DP_LOAD_LOG_LINES);
    dp_text_done(&log->held);
    log->lines = 0;
    log->holding = false;
}
