#include "cli/work.h"

#include "cli/input_reader.h"

int dp_work_open(dp_work *w, const dp_arguments *args, dp_task task,
                 const dp_load_options *load)
{
    static const char *const needed[] = {[DP_TASK_DETECT] = "a detector",
                                         [DP_TASK_SEGMENT] = "a segmentor",
                                         [DP_TASK_CLASSIFY] = "a classifier"};
    const int status =
        dp_session_open(&w->session, &w->common, args->item[0], true, load);
    if (status != DP_EXIT_OK || dp_model_task(w->session.model) == task)
        return status;
    dp_cli_say("%s needs %s; %s is a model of type %s", w->command, needed[task],
               args->item[0], dp_model_type(w->session.model));
    return DP_EXIT_MODEL;
}

int dp_work_gather(dp_work *w, const dp_arguments *args)
{
    dp_error err = {0};
    w->status = dp_inputs_add_all(&w->inputs, args->item + 1, args->count - 1);
    if (w->status != DP_EXIT_OK && w->status != DP_EXIT_SOME)
        return w->status;
    if (w->common.out &&
        dp_outputs_init(&err, &w->outputs, w->common.out, &w->inputs) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    return DP_EXIT_OK;
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
    for (size_t i = 0; i < w->inputs.count && status != DP_EXIT_MACHINE; i++) {
        const int one = run_input(w, reader, i, each, arg);
        if (one > status)
            status = one;
        dp_progress_step(&w->bar);
    }
    dp_progress_done(&w->bar);
    dp_input_reader_free(reader);
    return status;
}

int dp_work_path(dp_work *w, char **path, size_t i, const char *suffix)
{
    dp_error err = {0};
    if (dp_outputs_path(&err, &w->outputs, path, i, suffix) == DP_OK)
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
    dp_inputs_done(&w->inputs);
    dp_session_close(&w->session);
}
