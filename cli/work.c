#include "cli/work.h"

#include "base/memory.h"
#include "cli/input_reader.h"
#include "cli/watch.h"

#include <string.h>

int dp_work_open(dp_work *w, const dp_arguments *args, dp_task task,
                 const dp_load_options *load)
{
    static const char *const needed[] = {[DP_TASK_DETECT] = "a detector",
                                         [DP_TASK_SEGMENT] = "a segmentor",
                                         [DP_TASK_CLASSIFY] = "a classifier"};
    dp_watch_start();
    dp_watch_log(w->common.quiet, w->common.log_seconds);
    dp_watch_enter("loading the model", 0,
                   "interrupted before the first image; run the same command again");
    const int status =
        dp_session_open(&w->session, &w->common, args->item[0], true, load);
    if (status != DP_EXIT_OK || dp_model_task(w->session.model) == task)
        return status;
    dp_cli_say("%s needs %s; %s is a model of type %s", w->command, needed[task],
               args->item[0], dp_model_type(w->session.model));
    return DP_EXIT_MODEL;
}

/* Say which inputs are not called as their files are. */
static void say_renamed(const dp_work *w)
{
    const dp_input_names *n = &w->names;
    if (n->renamed == 0 || w->common.quiet)
        return;
    dp_cli_say("%s: its outputs are called %s, as its own name is taken%s",
               w->inputs.path[n->first_renamed], n->stem[n->first_renamed],
               n->renamed > 1 ? "; so it is with more inputs" : "");
}

static int prepare_outputs(dp_work *w)
{
    dp_error err = {0};
    if (dp_input_names_init(&err, &w->names, &w->inputs, w->reserved) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    if (w->one_file)
        return w->inputs.count == 1
                   ? DP_EXIT_OK
                   : dp_cli_usage("--out %s is one image: found %zu inputs, expected 1 "
                                  "(or give a folder)",
                                  w->common.out, w->inputs.count);
    if (!w->common.out)
        return DP_EXIT_OK;
    if (dp_outputs_init(&err, &w->outputs, w->common.out, &w->names) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    say_renamed(w);
    return DP_EXIT_OK;
}

int dp_work_gather(dp_work *w, const dp_arguments *args)
{
    w->status = dp_inputs_add_all(&w->inputs, args->item + 1, args->count - 1);
    if (w->status != DP_EXIT_OK && w->status != DP_EXIT_SOME)
        return w->status;
    return prepare_outputs(w);
}

static int run_input(dp_work *w, dp_input_reader *reader, size_t i, dp_work_fn *each,
                     void *arg)
{
    dp_error err = {0};
    dp_image *image;
    if (dp_input_reader_next(&err, reader, &image) != DP_OK) {
        dp_progress_clear(&w->bar);
        return dp_cli_fail(&err, DP_SUBJECT_INPUT);
    }
    const int status = each(arg, i, image);
    dp_image_free(image);
    return status;
}

int dp_work_run(dp_work *w, dp_work_fn *each, void *arg)
{
    int status = w->status;
    dp_error err = {0};
    dp_input_reader *reader;
    if (dp_input_reader_new(&err, &reader, &w->inputs) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    dp_progress_init(&w->bar, w->inputs.count, w->common.quiet);
    dp_watch_enter_counted(w->command, w->inputs.count,
                           "interrupted twice: what was under way is not kept");
    for (size_t i = 0; i < w->inputs.count && status != DP_EXIT_MACHINE; i++) {
        w->signal = dp_watch_signal();
        w->next = i;
        if (w->signal)
            break;
        const int one = run_input(w, reader, i, each, arg);
        if (one > status)
            status = one;
        dp_progress_step(&w->bar);
    }
    dp_progress_done(&w->bar);
    dp_input_reader_free(reader);
    return status;
}

/* --out itself, if it is not the input. */
static dp_status find_one_file(dp_error *err, const dp_work *w, char **path, size_t i)
{
    const char *input = w->inputs.path[i];
    *path = NULL;
    if (dp_outputs_are_same(w->common.out, input))
        return dp_fail(err, DP_EFORMAT,
                       "%s: its own output would replace it; give another --out",
                       input);
    return dp_strdup(err, path, w->common.out);
}

int dp_work_end(const dp_work *w, int status, const char *file)
{
    const char *out = w->common.out;
    if (!w->signal || status == DP_EXIT_MACHINE)
        return status;
    if (file && strcmp(file, "-") == 0)
        file = NULL;
    dp_cli_say("interrupted: %zu of %zu images are done%s%s%s%s; to go on, run the "
               "inputs from %s on",
               w->next, w->inputs.count, file || out ? " and kept in " : "",
               file ? file : "", file && out ? " and " : "", out ? out : "",
               w->inputs.path[w->next]);
    return DP_WATCH_STATUS + w->signal;
}

int dp_work_path(dp_work *w, char **path, size_t i, const char *suffix)
{
    dp_error err = {0};
    const dp_status st = w->one_file
                             ? find_one_file(&err, w, path, i)
                             : dp_outputs_path(&err, &w->outputs, path, i, suffix);
    if (st == DP_OK)
        return DP_EXIT_OK;
    dp_progress_clear(&w->bar);
    return dp_cli_fail(&err, DP_SUBJECT_INPUT);
}

int dp_work_check_input(dp_work *w, dp_status st, size_t i)
{
    if (st != DP_OK) {
        dp_progress_clear(&w->bar);
        dp_cli_say("%s: %s", w->inputs.path[i], dp_context_error(w->session.ctx));
    }
    return dp_cli_status(st, DP_SUBJECT_INPUT);
}

int dp_work_check_output(dp_work *w, dp_status st)
{
    if (st != DP_OK) {
        dp_progress_clear(&w->bar);
        dp_cli_say("%s", dp_context_error(w->session.ctx));
    }
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}

void dp_work_close(dp_work *w)
{
    dp_outputs_done(&w->outputs);
    dp_input_names_done(&w->names);
    dp_inputs_done(&w->inputs);
    dp_session_close(&w->session);
    dp_watch_end();
}
