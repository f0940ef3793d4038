#define _POSIX_C_SOURCE 200809L /* isatty, sigaction */
/* densepred train - a classifier trained on images of one's own */
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/options.h"
#include "cli/processes.h"
#include "cli/session.h"
#include "densepred.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 16, SETTING = 320, LINE_SECONDS = 60 };

/* Options that are short for a key of the recipe: --epochs 5 is --set train.epochs=5. */
typedef struct short_forms {
    int epochs, batch, seed; /* -1: not given */
    double lr, ema;          /* NaN: not given */
    const char *freeze;      /* NULL: not given */
    char text[SETTING];      /* of --freeze, as a setting */
} short_forms;

typedef struct session {
    dp_common_options common;
    short_forms settings;
    dp_train_options options;
    dp_context *ctx;
    dp_train *train;
    bool terminal; /* a bar is shown */
    double drawn;  /* when it was drawn last, or a line was printed */
} session;

/* ---- stopping ------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

/* A second signal ends the program at once. */
static void interrupt(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL);
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int is_interrupted(void *arg)
{
    (void)arg;
    return interrupted;
}

/* ---- what is shown -------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void format_left(char *text, size_t size, double seconds)
{
    const long left = isfinite(seconds) ? (long)(seconds + 0.5) : 0;
    if (left >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text, size, "%ld:%02ld", left / 60, left % 60);
}

static void draw(const session *s, const dp_train_step *p)
{
    char left[32], bar[BAR + 1];
    const double pace = p->images_per_second;
    const int digits = pace < 10 ? 2 : pace < 100 ? 1 : 0;
    format_left(left, sizeof left, p->seconds_left);
    const int filled = p->steps > 0 ? (int)(p->step * BAR / p->steps) : BAR;
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, ' ', (size_t)(BAR - filled));
    bar[BAR] = '\0';
    if (s->terminal)
        fprintf(stderr,
                "\repoch %d/%d [%s] loss %.4f lr %.2e %.*f images/s %s left\x1b[K",
                p->epoch + 1, p->epochs, bar, p->loss, p->rate, digits, pace, left);
    else
        fprintf(stderr,
                "  epoch %d/%d, step %" PRId64 "/%" PRId64
                ": loss %.4f, lr %.2e, %.*f images/s, %s left\n",
                p->epoch + 1, p->epochs, p->step, p->steps, p->loss, p->rate, digits,
                pace, left);
    fflush(stderr);
}

static void clear(const session *s)
{
    if (s->terminal)
        fprintf(stderr, "\r\x1b[K");
}

static void show_step(void *arg, const dp_train_step *p)
{
    session *s = arg;
    const double time = now();
    if (s->common.quiet || time - s->drawn < (s->terminal ? 0.1 : LINE_SECONDS))
        return;
    s->drawn = time;
    draw(s, p);
}

static void show_evaluating(void *arg, size_t done, size_t count)
{
    session *s = arg;
    if (!s->terminal || (now() - s->drawn < 0.1 && done < count))
        return;
    s->drawn = now();
    fprintf(stderr, "\revaluating %zu/%zu\x1b[K", done, count);
    fflush(stderr);
}

static void show_epoch(void *arg, const dp_train_epoch *e)
{
    session *s = arg;
    clear(s);
    printf("epoch %d/%d: training loss %.4f", e->epoch + 1, e->epochs, e->loss);
    if (!isnan(e->top1))
        printf(", loss %.4f, top-1 %.2f, top-5 %.2f", e->val_loss, e->top1, e->top5);
    if (!isnan(e->average_top1))
        printf(", top-1 of the average %.2f", e->average_top1);
    printf("%s\n", e->best ? " (best)" : "");
    fflush(stdout);
}

static void show_start(const session *s)
{
    const dp_train_facts f = dp_train_get_facts(s->train);
    if (s->common.quiet)
        return;
    fprintf(stderr,
            "%d classes, %zu images to train on, %zu to evaluate on; %zu values are "
            "trained, %zu are not\n",
            f.classes, f.train_images, f.val_images, f.parameters, f.frozen);
    if (f.resumed)
        dp_cli_say("%s: going on: %" PRId64 " of %" PRId64 " steps are done",
                   s->options.directory, f.step, f.steps);
}

/* ---- running -------------------------------------------------------------------------------- */

static int fail(const session *s, dp_status st)
{
    static const dp_subject subjects[] = {
        [DP_TRAIN_PART_MODEL] = DP_SUBJECT_MODEL,
        [DP_TRAIN_PART_DATA] = DP_SUBJECT_INPUT,
        [DP_TRAIN_PART_DIRECTORY] = DP_SUBJECT_OUTPUT,
    };
    dp_cli_say("%s", dp_context_error(s->ctx));
    return s->train ? dp_cli_status(st, subjects[dp_train_failed_part(s->train)])
                    : DP_EXIT_MACHINE;
}

static int report(const session *s)
{
    const dp_train_facts f = dp_train_get_facts(s->train);
    const char *folder = s->options.directory;
    if (f.step < f.steps || f.epoch < f.epochs) {
        dp_cli_say("stopped after step %" PRId64 " of %" PRId64
                   "; the same command goes on from there",
                   f.step, f.steps);
        return DP_EXIT_SOME;
    }
    printf("finished: best weights %s/best.safetensors, curves %s/index.html\n", folder,
           folder);
    return DP_EXIT_OK;
}

static int run(session *s)
{
    dp_status st = dp_train_new(s->ctx, &s->train, &s->options);
    if (st != DP_OK)
        return fail(s, st);
    show_start(s);
    catch_signals();
    s->terminal = !s->common.quiet && isatty(STDERR_FILENO);
    s->drawn = now();
    const dp_train_events events = {s, show_step, show_evaluating, show_epoch,
                                    is_interrupted};
    st = dp_train_run(s->train, &events);
    clear(s);
    return st == DP_OK ? report(s) : fail(s, st);
}

/* ---- the command line ----------------------------------------------------------------------- */

static double number_of(int value)
{
    return value < 0 ? (double)NAN : value;
}

/* Add the short forms to --set, where the last of equals wins. */
static int gather_settings(session *s)
{
    short_forms *f = &s->settings;
    dp_option_list *set = &s->common.set;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"train.epochs", number_of(f->epochs)},
                   {"train.batch", number_of(f->batch)},
                   {"train.seed", number_of(f->seed)},
                   {"train.lr", f->lr},
                   {"train.ema", f->ema}};
    int status = DP_OPTIONS_GO_ON;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (status == DP_OPTIONS_GO_ON)
            status = dp_option_list_set(set, numbers[i].key, numbers[i].value);
    if (status == DP_OPTIONS_GO_ON && f->freeze) {
        snprintf(f->text, sizeof f->text, "train.freeze=\"%s\"", f->freeze);
        status = dp_option_list_add(set, "freeze", f->text);
    }
    s->options.set = set->item;
    s->options.set_count = set->count;
    return status == DP_OPTIONS_GO_ON ? DP_EXIT_OK : status;
}

static int parse(session *s, int argc, char **argv)
{
    dp_train_options *o = &s->options;
    short_forms *f = &s->settings;
    const dp_option options[] = {
        DP_TEXT(
            "data", 0, "DIR", &o->data,
            "images: train/CLASS/NAME and val/CLASS/NAME, or CLASS/NAME, or a CSV of "
            "path,label"),
        DP_TEXT("work", 0, "DIR", &o->directory,
                "the run: weights, log, curves; run again to go on"),
        DP_TEXT("weights", 'w', "FILE", &o->weights,
                "a checkpoint to begin with; a head of other classes is left out "
                "(default: random)"),
        DP_TEXT("recipe", 0, "NAME", &o->recipe,
                "how: a recipe that ships or a config, whose \"train\" is taken "
                "(default: the model's)"),
        DP_INT("epochs", 0, "N", &f->epochs, 1, 100000, "how often each image is seen"),
        DP_INT("batch", 0, "N", &f->batch, 1, 65536, "images of a micro-batch"),
        DP_FLOAT("lr", 0, "F", &f->lr, 0, 1000, "learning rate after the warm-up"),
        DP_FLOAT("ema", 0, "F", &f->ema, 0, 1,
                 "keep an average of the weights too, such as 0.999; 0: none"),
        DP_TEXT("freeze", 0, "LIST", &f->freeze,
                "parts that stay as they are, such as backbone or stages.0-1"),
        DP_INT("seed", 0, "N", &f->seed, 0, 2147483647,
               "of new weights, the images' order and all that is drawn"),
        DP_INT("workers", 0, "N", &o->workers, 1, DP_MAX_THREADS,
               "threads that read images ahead (default: as --threads)"),
        DP_OPTION_THREADS(&s->common),
        DP_OPTION_CPU(&s->common),
        DP_OPTION_GEMM(&s->common),
        DP_OPTION_SET(&s->common),
        DP_OPTION_QUIET(&s->common),
        DP_OPTION_CONFIGS(&s->common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = DP_USAGE(
        "train", "MODEL --data DIR --work DIR", 1, 1, options,
        "Trains a classifier, or fine-tunes one with --weights. A run can be "
        "interrupted "
        "at any moment: the same command goes on. Its folder is a MODEL for the other "
        "commands. All keys of a recipe: densepred config --explain train.");
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    o->model = args.item[0];
    if (!o->data)
        return dp_cli_usage("train needs --data DIR: the images, a folder a class");
    if (!o->directory)
        return dp_cli_usage("train needs --work DIR: a folder for the run");
    return DP_EXIT_OK;
}

static int run_command(int argc, char **argv)
{
    session s = {.settings = {.epochs = -1,
                              .batch = -1,
                              .seed = -1,
                              .lr = (double)NAN,
                              .ema = (double)NAN}};
    int status = parse(&s, argc, argv);
    if (status != DP_EXIT_OK || !s.options.model)
        return status;
    s.options.configs = dp_cli_configs(s.common.configs);
    status = gather_settings(&s);
    if (status == DP_EXIT_OK)
        status = dp_cli_start(&s.ctx, &s.common);
    if (status == DP_EXIT_OK)
        status = run(&s);
    dp_train_free(s.train);
    dp_context_free(s.ctx);
    return status;
}

/* All processes train; what there is to say, the first one says. */
int dp_cli_train(int argc, char **argv)
{
    int status = dp_cli_join();
    if (status != DP_EXIT_OK)
        return status;
    const bool first = dp_processes_rank() == 0;
    if (!first &&
        (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        status = DP_EXIT_MACHINE;
    if (status == DP_EXIT_OK)
        status = run_command(argc, argv);
    if (!first)
        (void)dp_processes_wait();
    dp_processes_leave(status);
    return status;
}
