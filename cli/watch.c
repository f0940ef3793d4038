#define _POSIX_C_SOURCE 200809L /* sigaction, pipe */
#include "cli/watch.h"

#include "base/atomic_file.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SENTENCE = 1024 };

/* All behind the lock, but what dp_watch_start and _end set. */
static struct {
    bool running, ended;
    pthread_t thread;
    pthread_mutex_t lock;
    int ends[2];     /* of a pipe to the thread */
    double interval; /* of lines; 0: none */
    double next;     /* line's time       */

    const char *doing;
    size_t done, total;
    double since;
    bool counted;
    char sentence[SENTENCE];
    int signal;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the thread; with the lock held ------------------------------------------------------- */

static void wipe_bar(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\x1b[K");
}

/* Another thread may be writing a file: none stays. */
static void stop(int number)
{
    dp_atomic_file_abandon_all();
    wipe_bar();
    dp_cli_say("%s", watch.sentence);
    _exit(DP_WATCH_STATUS + number);
}

static void take_signal(int number)
{
    if ((!watch.counted || watch.signal != 0) && watch.sentence[0])
        stop(number);
    watch.signal = number;
    if (isatty(STDERR_FILENO)) {
        wipe_bar();
        dp_cli_say("stopping when what is under way is done; once more stops at once");
    }
}

static void say_line(void)
{
    char text[160];
    const double seconds = now() - watch.since;
    if (!watch.doing)
        return;
    if (watch.total > 0) {
        dp_progress_format_rate(text, sizeof text, watch.done, watch.total, seconds);
        dp_cli_say("%s: %s", watch.doing, text);
    } else {
        dp_cli_say("%s: %ld:%02ld so far", watch.doing, (long)seconds / 60,
                   (long)seconds % 60);
    }
}

/* Milliseconds until the next line; -1: there is none. */
static int time_left(void)
{
    if (!(watch.interval > 0))
        return -1;
    return (int)fmax(ceil(1000 * (watch.next - now())), 0);
}

static void *run(void *arg)
{
    (void)arg;
    struct pollfd ends = {.fd = watch.ends[0], .events = POLLIN};
    pthread_mutex_lock(&watch.lock);
    while (!watch.ended) {
        const int left = time_left();
        char number = 0;
        pthread_mutex_unlock(&watch.lock);
        const bool any =
            poll(&ends, 1, left) > 0 && read(watch.ends[0], &number, 1) == 1;
        pthread_mutex_lock(&watch.lock);
        if (any && number != 0 && !watch.ended)
            take_signal(number);
        if (watch.interval > 0 && now() >= watch.next) {
            say_line();
            watch.next = now() + watch.interval;
        }
    }
    pthread_mutex_unlock(&watch.lock);
    return NULL;
}

/* A byte for the thread: a signal, or 0 to look again. */
static void send(char number)
{
    const int kept = errno;
    (void)!write(watch.ends[1], &number, 1);
    errno = kept;
}

static void handle(int number)
{
    send((char)number);
}

/* ---- what the work calls ------------------------------------------------------------------ */

/* Not in the place of a standard stream that is closed. */
static bool open_ends(void)
{
    int low[2];
    if (pipe(low) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        watch.ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(low[i]);
    }
    return watch.ends[0] >= 0 && watch.ends[1] >= 0;
}

/* Handlers, not blocked signals: OpenBLAS has threads before main begins. */
void dp_watch_start(void)
{
    const struct sigaction ours = {.sa_handler = handle, .sa_flags = SA_RESTART};
    if (!open_ends())
        return;
    watch.running = pthread_create(&watch.thread, NULL, run, NULL) == 0;
    if (!watch.running)
        return;
    /* also where a shell lets programs in the background ignore SIGINT */
    sigaction(SIGINT, &ours, NULL);
    sigaction(SIGTERM, &ours, NULL);
}

/* With the lock held: the thread waits anew. */
static void set_line(double seconds)
{
    watch.interval = seconds;
    watch.next = now() + seconds;
    send(0);
}

void dp_watch_log(bool quiet, double seconds)
{
    if (!watch.running)
        return;
    pthread_mutex_lock(&watch.lock);
    set_line(quiet || isatty(STDERR_FILENO) ? 0 : seconds > 0 ? seconds : 60);
    pthread_mutex_unlock(&watch.lock);
}

DP_PRINTF(4, 0)
static void enter(bool counted, const char *doing, size_t total, const char *format,
                  va_list args)
{
    if (!watch.running)
        return;
    pthread_mutex_lock(&watch.lock);
    watch.doing = doing;
    watch.total = total;
    watch.done = 0;
    watch.since = now();
    watch.counted = counted;
    vsnprintf(watch.sentence, sizeof watch.sentence, format, args);
    if (!counted && watch.signal != 0)
        stop(watch.signal); /* it came too late for the work before */
    pthread_mutex_unlock(&watch.lock);
}

void dp_watch_enter(const char *doing, size_t total, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enter(false, doing, total, format, args);
    va_end(args);
}

void dp_watch_enter_counted(const char *doing, size_t total, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enter(true, doing, total, format, args);
    va_end(args);
}

void dp_watch_count(size_t done)
{
    pthread_mutex_lock(&watch.lock);
    watch.done = done;
    pthread_mutex_unlock(&watch.lock);
}

int dp_watch_signal(void)
{
    pthread_mutex_lock(&watch.lock);
    const int number = watch.signal;
    pthread_mutex_unlock(&watch.lock);
    return number;
}

void dp_watch_end(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    if (!watch.running)
        return;
    sigaction(SIGINT, &usual, NULL);
    sigaction(SIGTERM, &usual, NULL);
    pthread_mutex_lock(&watch.lock);
    watch.ended = true;
    pthread_mutex_unlock(&watch.lock);
    send(0);
    pthread_join(watch.thread, NULL);
    close(watch.ends[0]);
    close(watch.ends[1]);
    watch.running = watch.ended = false;
}
