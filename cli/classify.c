/* densepred classify - what an image shows, as a whole */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/input_image.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "io/data/results.h"
#include "model/classifier.h"

#include <stdio.h>
#include <string.h>

typedef struct classify {
    dp_session session;
    dp_common_options common;
    const char *json; /* NULL: print a table; "-": to standard output */
    dp_inputs inputs;
    dp_text text; /* of the JSON file, so far */
    size_t records;
    dp_progress bar;

    dp_class_score *best; /* owned */
    int count, room;
} classify;

static const dp_class *class_of(const classify *c, int i)
{
    return &c->session.model->dataset.list[c->best[i].label];
}

static void print_best(const classify *c, const char *path)
{
    printf("%s:\n", path);
    for (int i = 0; i < c->count; i++)
        printf("  %.4f  %5d  %s\n", (double)c->best[i].score, class_of(c, i)->id,
               class_of(c, i)->name);
    fflush(stdout);
}

static void add_record(classify *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    dp_text_add(&c->text, "%s{\"file_name\": ", c->records++ > 0 ? ",\n " : "");
    dp_results_add_name(&c->text, slash ? slash + 1 : path);
    dp_text_add(&c->text, ", \"classes\": [");
    for (int i = 0; i < c->count; i++) {
        dp_text_add(&c->text, "%s{\"id\": %d, \"name\": ", i > 0 ? ", " : "",
                    class_of(c, i)->id);
        dp_text_add_quoted(&c->text, class_of(c, i)->name);
        dp_text_add(&c->text, ", \"score\": ");
        dp_text_add_float(&c->text, c->best[i].score);
        dp_text_add(&c->text, "}");
    }
    dp_text_add(&c->text, "]}");
}

static int run_input(classify *c, const char *path)
{
    dp_error *err = &c->session.ctx->err;
    dp_pixels pixels;
    dp_status st = dp_input_image_read(err, &pixels, path);
    if (st == DP_OK) {
        st = dp_classifier_run(c->session.ctx, c->session.model, &pixels, c->best,
                               c->room, &c->count);
        if (st != DP_OK)
            dp_fail_while(err, "%s", path);
        dp_pixels_done(&pixels);
    }
    dp_progress_clear(&c->bar);
    if (st != DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_INPUT);
    if (c->json)
        add_record(c, path);
    if (!c->json || strcmp(c->json, "-") != 0)
        print_best(c, path);
    return DP_EXIT_OK;
}

static int write_json(classify *c)
{
    dp_error *err = &c->session.ctx->err;
    dp_text_add(&c->text, "]\n");
    if (strcmp(c->json, "-") != 0)
        return dp_results_save(err, c->json, &c->text) == DP_OK
                   ? DP_EXIT_OK
                   : dp_cli_fail(err, DP_SUBJECT_OUTPUT);
    if (c->text.status != DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_OUTPUT);
    fputs(dp_text_get(&c->text), stdout);
    return DP_EXIT_OK;
}

static int run_inputs(classify *c)
{
    int status = DP_EXIT_OK;
    c->text.err = &c->session.ctx->err;
    dp_text_add(&c->text, "[");
    dp_progress_init(&c->bar, c->inputs.count, c->common.quiet);
    for (size_t i = 0; i < c->inputs.count; i++) {
        const int one = run_input(c, c->inputs.path[i]);
        if (one > status)
            status = one;
        dp_progress_step(&c->bar);
    }
    dp_progress_done(&c->bar);
    const int wrote = c->json ? write_json(c) : DP_EXIT_OK;
    return wrote > status ? wrote : status;
}

static int run(classify *c, const dp_arguments *args)
{
    const dp_model *m = c->session.model;
    void *memory;
    if (dp_model_task(m) != DP_TASK_CLASSIFY) {
        dp_cli_say("classify: found a model of type %s, expected a classifier",
                   m->def->module.name);
        return DP_EXIT_MODEL;
    }
    c->room = m->dataset.count;
    if (dp_alloc(&c->session.ctx->err, &memory, (size_t)c->room, sizeof *c->best,
                 "class scores") != DP_OK)
        return dp_cli_fail(&c->session.ctx->err, DP_SUBJECT_OUTPUT);
    c->best = memory;
    const int status = dp_inputs_add_all(&c->inputs, args->item + 1, args->count - 1);
    if (status != DP_EXIT_OK && status != DP_EXIT_SOME)
        return status;
    const int ran = run_inputs(c);
    return ran > status ? ran : status;
}

static void classify_done(classify *c)
{
    dp_text_done(&c->text);
    dp_inputs_done(&c->inputs);
    dp_free(c->best);
    dp_session_close(&c->session);
}

static int classify_main(classify *c, int argc, char **argv)
{
    int top = 0;
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&c->common),
        DP_OPTION_CACHE(&c->common),
        DP_OPTION_PARTIAL(&c->common),
        DP_INT("top", 0, "N", &top, 1, DP_MAX_CLASSES,
               "the N likeliest classes (default: as the config says, 5)"),
        DP_TEXT("json", 0, "FILE", &c->json,
                "file names, classes and scores into a file; - prints them"),
        DP_OPTION_THREADS(&c->common),
        DP_OPTION_CPU(&c->common),
        DP_OPTION_GEMM(&c->common),
        DP_OPTION_PRECISION(&c->common),
        DP_OPTION_QUIET(&c->common),
        DP_OPTION_CONFIGS(&c->common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "classify",
        .arguments = "MODEL INPUT...",
        .about = "Says what an image shows: prints probability, number and name of the "
                 "likeliest classes.",
        .options = options,
        .least = 2,
        .most = -1,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    char changes[64];
    snprintf(changes, sizeof changes, "{\"test\": {\"top_k\": %d}}", top);
    const dp_load_options load = {.changes = top > 0 ? changes : NULL};
    status = dp_session_open(&c->session, &c->common, args.item[0], true, &load);
    return status == DP_EXIT_OK ? run(c, &args) : status;
}

int dp_cli_classify(int argc, char **argv)
{
    classify c = {0};
    const int status = classify_main(&c, argc, argv);
    classify_done(&c);
    return status;
}
