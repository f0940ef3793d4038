/* densepred classify - a class for a whole image */
#include "base/memory.h"
#include "cli/work.h"

#include <stdio.h>
#include <string.h>

typedef struct classify {
    dp_work work;
    const char *json;     /* NULL: print a table; "-": to standard output */
    dp_results *results;  /* NULL without --json */
    dp_class_score *best; /* owned */
    int count, room;
} classify;

static bool use_stdout(const classify *c)
{
    return c->json && strcmp(c->json, "-") == 0;
}

static void print_best(const classify *c, const char *path)
{
    const dp_model *m = c->work.session.model;
    printf("%s:\n", path);
    for (int i = 0; i < c->count; i++)
        printf("  %.4f  %5d  %s\n", (double)c->best[i].score,
               dp_model_class_id(m, c->best[i].label),
               dp_model_class_name(m, c->best[i].label));
    fflush(stdout);
}

static int run_input(void *arg, size_t i, dp_image *image)
{
    classify *c = arg;
    const dp_session *s = &c->work.session;
    const char *path = c->work.inputs.path[i];
    dp_status st = dp_classify(s->ctx, s->model, image, c->best, c->room, &c->count);
    if (st != DP_OK)
        return dp_work_check_input(&c->work, st, i);
    dp_progress_clear(&c->work.bar);
    if (c->json)
        st = dp_results_add_classes(
            s->ctx, c->results, s->model, c->best, c->count,
            &(dp_result_image){.file_name = c->work.names.file[i]});
    if (!use_stdout(c))
        print_best(c, path);
    return dp_work_check_output(&c->work, st);
}

static dp_status open_results(classify *c)
{
    dp_context *ctx = c->work.session.ctx;
    if (use_stdout(c))
        return dp_results_open_stream(ctx, &c->results, "classes", stdout,
                                      "standard output");
    return c->json ? dp_results_open(ctx, &c->results, "classes", c->json) : DP_OK;
}

static int run(classify *c)
{
    dp_work *w = &c->work;
    c->room = dp_model_class_count(w->session.model);
    dp_error err = {0};
    void *memory;
    if (dp_alloc(&err, &memory, (size_t)c->room, sizeof *c->best, "class scores") !=
        DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    c->best = memory;
    int status = dp_work_check_output(w, open_results(c));
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_run(w, run_input, c);
    if (c->results) {
        const dp_status st = dp_results_close(w->session.ctx, c->results);
        c->results = NULL;
        const int wrote = dp_work_check_output(w, st);
        status = wrote > status ? wrote : status;
    }
    return dp_work_end(w, status, c->json);
}

static int classify_main(classify *c, int argc, char **argv)
{
    int top = 0;
    dp_common_options *common = &c->work.common;
    const dp_option options[] = {
        DP_OPTIONS_MODEL(common),
        DP_INT("top", 0, "N", &top, 1, DP_MAX_CLASSES,
               "the N likeliest classes (default: as the config says, 5)"),
        DP_TEXT("json", 0, "FILE", &c->json,
                "file names, classes and scores into a file; - prints them"),
        DP_OPTIONS_MACHINE(common),
        DP_OPTIONS_PROGRESS(common),
        DP_OPTION_CONFIGS(common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE(c->work.command, "MODEL INPUT...", 2, -1, options,
                 "Says what an image shows: prints probability, number and name of the "
                 "likeliest classes.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    char changes[64];
    snprintf(changes, sizeof changes, "{\"test\": {\"top_k\": %d}}", top);
    const dp_load_options load = {.changes = top > 0 ? changes : NULL};
    status = dp_work_open(&c->work, &args, DP_TASK_CLASSIFY, &load);
    if (status == DP_EXIT_OK)
        status = dp_work_gather(&c->work, &args);
    return status == DP_EXIT_OK ? run(c) : status;
}

int dp_cli_classify(int argc, char **argv)
{
    classify c = {.work = {.command = "classify"}};
    const int status = classify_main(&c, argc, argv);
    dp_results_free(c.results);
    dp_free(c.best);
    dp_work_close(&c.work);
    return status;
}
