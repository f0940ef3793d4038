#include "cli/eval_output.h"

#include "cli/watch.h"

#include <stdio.h>
#include <string.h>

enum { NAMED = 20 };

int dp_eval_parse(dp_eval_task *task, const dp_usage *usage, int argc, char **argv)
{
    dp_usage two = *usage;
    dp_arguments args;
    two.least = two.most = 2;
    const int status = dp_options_parse(&two, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    task->truth = args.item[0];
    task->results = args.item[1];
    if (task->images && !task->report)
        return dp_cli_usage("--images needs --report, whose page shows them");
    return DP_OPTIONS_GO_ON;
}

/* Sum up a file. */
static void end_file(dp_eval_notices *n)
{
    const char *s = n->broken_in_file > 1 ? "s" : "";
    if (n->named > NAMED)
        dp_cli_say("%s: %zu more like these", n->file, n->named - NAMED);
    if (n->broken_in_file > 0)
        dp_cli_say(n->skip_bad ? "%s: left out %zu broken %s%s"
                               : "%s: %zu broken %s%s; --skip-bad leaves them out",
                   n->file, n->broken_in_file, n->noun, s);
    n->broken += n->broken_in_file;
    n->broken_in_file = n->named = 0;
}

void dp_eval_say_notice(dp_eval_notices *n, dp_eval_notice notice)
{
    if (n->file && strcmp(n->file, notice.file) != 0)
        end_file(n);
    n->file = notice.file;
    n->broken_in_file += notice.broken ? notice.count : 0;
    if ((!n->quiet || notice.broken) && n->named++ < NAMED)
        dp_cli_say("%s%s", notice.broken ? "" : "warning: ", notice.text);
}

bool dp_eval_end_notices(dp_eval_notices *n)
{
    if (n->file)
        end_file(n);
    return n->broken == 0 || n->skip_bad;
}

int dp_eval_fail(const dp_context *ctx, dp_status status, dp_subject subject)
{
    dp_cli_say("%s", dp_context_error(ctx));
    return dp_cli_status(status, subject);
}

int dp_eval_start(dp_context **ctx, int threads, const dp_eval_task *task)
{
    dp_watch_start();
    dp_watch_log(task->quiet, task->log_seconds);
    dp_watch_enter("evaluating", 0,
                   "interrupted: there are no results; run the same command again");
    const dp_status st = dp_context_new(ctx, &(dp_options){.threads = threads});
    if (st == DP_OK)
        return DP_EXIT_OK;
    dp_cli_say("cannot start: %s", dp_status_text(st));
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}
