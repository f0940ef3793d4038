#define _POSIX_C_SOURCE 200809L /* access */
#include "cli/test_evaluation.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/eval_ade20k.h"
#include "cli/eval_coco.h"

#include <stdio.h>
#include <unistd.h>

enum { WORDS = 20 };

/* A command line that may be reordered. */
typedef struct words {
    char *owned[WORDS], *given[WORDS + 1];
    int count;
    dp_status status;
} words;

static void add_word(dp_error *err, words *w, const char *word)
{
    if (w->status != DP_OK)
        return;
    w->status = dp_strdup(err, &w->owned[w->count], word);
    if (w->status == DP_OK) {
        w->given[w->count] = w->owned[w->count];
        w->count++;
    }
}

static void add_option(dp_error *err, words *w, const char *option, const char *value)
{
    add_word(err, w, option);
    add_word(err, w, value);
}

/* Broken records of the truth are said and left out: after a long run there is to be a
 * number. */
static void fill_words(dp_error *err, words *w, const dp_test *test,
                       const dp_test_report *report)
{
    const bool coco = dp_test_task(test) == DP_TASK_DETECT;
    char threads[16];
    add_word(err, w, coco ? "eval coco" : "eval ade20k");
    add_word(err, w, dp_test_path(test, DP_TEST_ANNOTATIONS));
    add_word(err, w, dp_test_path(test, DP_TEST_RESULTS));
    add_option(err, w, "--json", dp_test_path(test, DP_TEST_METRICS));
    add_word(err, w, "--skip-bad");
    if (!coco)
        add_option(err, w, "--dataset", dp_test_path(test, DP_TEST_CLASSES));
    if (report->classwise)
        add_word(err, w, "--classwise");
    if (report->page) {
        add_option(err, w, "--report", report->page);
        add_option(err, w, "--images", dp_test_path(test, DP_TEST_IMAGES));
    }
    if (report->threads > 0) {
        snprintf(threads, sizeof threads, "%d", report->threads);
        add_option(err, w, "--threads", threads);
    }
    add_word(err, w, "--quiet");
}

int dp_test_evaluate(bool *scored, const dp_test *test, const dp_test_report *report)
{
    dp_error err = {0};
    words w = {.status = DP_OK};
    int status;
    fill_words(&err, &w, test, report);
    if (w.status != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    else if (dp_test_task(test) == DP_TASK_DETECT)
        status = dp_cli_eval_coco(w.count, w.given);
    else
        status = dp_cli_eval_ade20k(w.count, w.given);
    for (int i = 0; i < w.count; i++)
        dp_free(w.owned[i]);
    *scored = access(dp_test_path(test, DP_TEST_METRICS), F_OK) == 0;
    return status;
}
