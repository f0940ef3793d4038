#define _POSIX_C_SOURCE 200809L
#include "cli/progress.h"

#include "cli/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 30 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void dp_progress_format_rate(char *text, size_t size, size_t done, size_t total,
                             double seconds)
{
    if (done == 0 || !(seconds > 0)) {
        snprintf(text, size, "%zu/%zu", done, total);
        return;
    }
    const double rate = (double)done / seconds;
    const long left = (long)((double)(total - done) / rate + 0.5);
    if (left >= 3600)
        snprintf(text, size, "%zu/%zu %.3g/s %ld:%02ld:%02ld left", done, total, rate,
                 left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text, size, "%zu/%zu %.3g/s %ld:%02ld left", done, total, rate,
                 left / 60, left % 60);
}

void dp_progress_format(char *text, size_t size, size_t done, size_t total,
                        double seconds)
{
    char bar[BAR + 1], rate[120];
    const size_t filled = total ? (size_t)((double)done / (double)total * BAR) : BAR;
    memset(bar, '#', filled);
    memset(bar + filled, ' ', BAR - filled);
    bar[BAR] = '\0';
    dp_progress_format_rate(rate, sizeof rate, done, total, seconds);
    snprintf(text, size, "[%s] %s", bar, rate);
}

static void draw(dp_progress *p)
{
    char text[160];
    p->drawn = now();
    dp_progress_format(text, sizeof text, p->done, p->total, p->drawn - p->started);
    fprintf(stderr, "\r%s\x1b[K", text);
    fflush(stderr);
}

void dp_progress_init(dp_progress *p, size_t total, bool quiet)
{
    *p = (dp_progress){.total = total, .started = now()};
    p->shown = !quiet && isatty(STDERR_FILENO);
    if (p->shown)
        draw(p);
}

void dp_progress_step(dp_progress *p)
{
    p->done++;
    dp_watch_count(p->done);
    if (p->shown && (now() - p->drawn >= 0.1 || p->done == p->total))
        draw(p);
}

void dp_progress_clear(dp_progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\x1b[K");
    p->drawn = 0;
}

void dp_progress_done(dp_progress *p)
{
    dp_progress_clear(p);
    p->shown = false;
}
