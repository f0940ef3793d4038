/* densepred eval ade20k - aAcc, mIoU, mAcc of label maps against true ones */
#include "cli/eval_ade20k.h"

#include "base/limits.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/label_folders.h"
#include "cli/options.h"
#include "io/data/results.h"
#include "report/semantic_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADE20K_CLASSES = 150, NAMED = 20 };

typedef struct request {
    const char *truth, *prediction;
    const char *ignore, *dataset, *json, *report, *images;
    int classes, offset; /* -1: not given */
    bool skip_bad;
    dp_common_options common;
} request;

/* Everything that is held while evaluating. */
typedef struct session {
    request ask;
    dp_pool *pool;
    dp_dataset dataset; /* empty: classes have no names */
    dp_semantic_settings settings;
    dp_label_folders folders;
    dp_semantic_counts counts;
    dp_semantic_class *classes; /* owned */
    dp_semantic_result result;
    dp_error err;
} session;

/* ---- which values are classes ----------------------------------------------------------- */

/* The classes of ADE20K have names when their file is where the configs are. */
static void load_usual_names(session *s)
{
    dp_config_names names;
    dp_error err = {0};
    dp_text path = {.err = &err};
    if (dp_config_names_load(&err, &names, s->ask.common.configs) != DP_OK)
        return;
    dp_text_add(&path, "%s/datasets/ade20k.json", names.folder);
    if (dp_dataset_load(&err, &s->dataset, dp_text_get(&path)) == DP_OK &&
        s->dataset.count != s->settings.classes)
        dp_dataset_done(&s->dataset);
    dp_text_done(&path);
    dp_config_names_done(&names);
}

/* --ignore: "0,255" or "none". */
static int read_ignored(session *s)
{
    const char *text = s->ask.ignore;
    if (strcmp(text, "none") == 0)
        return DP_OPTIONS_GO_ON;
    for (const char *at = text;;) {
        char *end;
        const long value = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || *at == ' ' || value < 0 ||
            value >= DP_SEMANTIC_VALUES)
            return dp_cli_usage(
                "--ignore: found \"%s\", expected numbers of 0 to 255, or none", text);
        s->settings.class_of[value] = DP_SEMANTIC_IGNORED;
        if (!*end)
            return DP_OPTIONS_GO_ON;
        at = end + 1;
    }
}

static int read_settings(session *s)
{
    const request *ask = &s->ask;
    dp_status st;
    if (ask->dataset && (ask->classes >= 0 || ask->offset >= 0))
        return dp_cli_usage(
            "--dataset: found --classes or --offset too, which it says itself");
    if (ask->dataset) {
        st = dp_dataset_load(&s->err, &s->dataset, ask->dataset);
        if (st == DP_OK)
            st = dp_semantic_settings_of_dataset(&s->err, &s->settings, &s->dataset);
        if (st != DP_OK)
            return dp_cli_fail(&s->err, DP_SUBJECT_MODEL);
    } else {
        const int classes = ask->classes >= 0 ? ask->classes : ADE20K_CLASSES;
        const int offset = ask->offset >= 0 ? ask->offset : 1;
        st = dp_semantic_settings_init(&s->err, &s->settings, classes, offset);
        if (st != DP_OK)
            return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
        if (classes == ADE20K_CLASSES)
            load_usual_names(s);
    }
    if (ask->ignore)
        return read_ignored(s);
    dp_semantic_settings_ignore_usual(&s->settings);
    return DP_OPTIONS_GO_ON;
}

/* ---- what is wrong with the label maps ---------------------------------------------------- */

/* Name the bad pairs, and count them. Returns whether to go on. */
static bool report_bad(const session *s)
{
    const dp_label_folders *f = &s->folders;
    const size_t bad = f->count - s->counts.images;
    size_t named = 0;
    for (size_t i = 0; i < f->count && named < NAMED; i++)
        if (f->pairs[i].kind != DP_SEMANTIC_GOOD) {
            dp_cli_say("%s", f->pairs[i].complaint);
            named++;
        }
    if (bad > named)
        dp_cli_say("%s: found %zu more like these", s->ask.truth, bad - named);
    for (int kind = 0; kind < DP_SEMANTIC_KINDS; kind++)
        if (s->counts.bad[kind] > 0)
            dp_cli_say("%s: %zu of %zu images",
                       dp_semantic_kind_name((dp_semantic_kind)kind),
                       s->counts.bad[kind], f->count);
    if (f->strays > 0 && !s->ask.common.quiet)
        dp_cli_say("warning: %s: found no true label map for it (the first of %zu)",
                   f->first_stray, f->strays);
    if (bad == 0)
        return true;
    if (s->ask.skip_bad && s->counts.images > 0) {
        dp_cli_say("%s: left out %zu bad image%s", s->ask.truth, bad,
                   bad > 1 ? "s" : "");
        return true;
    }
    if (s->ask.skip_bad)
        dp_cli_say("%s: found no good image, expected one at least", s->ask.truth);
    else
        dp_cli_say(
            "%s: found %zu bad image%s, expected none; --skip-bad leaves them out",
            s->ask.truth, bad, bad > 1 ? "s" : "");
    return false;
}

/* ---- what comes of it ---------------------------------------------------------------------- */

static dp_status print(dp_error *err, const session *s)
{
    const dp_semantic_scores *scores = &s->result.scores;
    dp_text t = {.err = err};
    dp_semantic_add_settings(&t, &s->settings);
    dp_text_add(&t, "\n%zu image%s, %llu pixels counted", s->counts.images,
                s->counts.images == 1 ? "" : "s", (unsigned long long)scores->pixels);
    if (s->folders.count > s->counts.images)
        dp_text_add(&t, ", %zu bad left out", s->folders.count - s->counts.images);
    if (scores->unassigned > 0)
        dp_text_add(&t, ", %llu of them predicted as an ignored value (wrong)",
                    (unsigned long long)scores->unassigned);
    dp_text_add(&t, "\n\n");
    dp_semantic_add_tables(&t, &s->result);
    if (t.status == DP_OK)
        fwrite(t.data, 1, t.size, stdout);
    const dp_status st = t.status;
    dp_text_done(&t);
    return st;
}

static dp_status write_json(dp_error *err, const session *s)
{
    dp_text t = {.err = err};
    dp_semantic_add_json(&t, &s->result);
    dp_status st = t.status;
    if (st == DP_OK && strcmp(s->ask.json, "-") == 0)
        fwrite(t.data, 1, t.size, stdout); /* a failure shows when the program ends */
    else if (st == DP_OK)
        st = dp_results_save(err, s->ask.json, &t);
    dp_text_done(&t);
    return st;
}

static dp_status write_all(session *s)
{
    const request *ask = &s->ask;
    dp_status st = DP_OK;
    if (!ask->json || strcmp(ask->json, "-") != 0)
        st = print(&s->err, s);
    if (st == DP_OK && ask->json)
        st = write_json(&s->err, s);
    if (st == DP_OK && ask->report)
        st = dp_semantic_page_write(
            &s->err,
            &(dp_semantic_page){&s->result, ask->truth, ask->prediction, ask->images},
            ask->report);
    return st;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static dp_status count(session *s)
{
    const int wish = s->ask.common.threads;
    void *memory;
    dp_status st =
        dp_pool_new(&s->err, &s->pool, wish ? wish : dp_pool_available_cpus());
    if (st == DP_OK)
        st = dp_semantic_count(&s->err, &s->counts, &s->settings, s->folders.pairs,
                               s->folders.count, s->pool);
    if (st == DP_OK)
        st = dp_alloc(&s->err, &memory, (size_t)s->settings.classes, sizeof *s->classes,
                      "numbers of classes");
    if (st == DP_OK)
        s->classes = memory;
    return st;
}

static int run(session *s)
{
    int status = read_settings(s);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (dp_label_folders_load(&s->err, &s->folders, s->ask.truth, s->ask.prediction) !=
        DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
    if (count(s) != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
    if (!report_bad(s))
        return DP_EXIT_SOME;
    s->result =
        (dp_semantic_result){.counts = &s->counts,
                             .classes = s->classes,
                             .scores = dp_semantic_score(&s->counts, s->classes),
                             .dataset = s->dataset.count > 0 ? &s->dataset : NULL,
                             .pairs = s->folders.pairs,
                             .pair_count = s->folders.count};
    if (write_all(s) != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
    return s->counts.images < s->folders.count ? DP_EXIT_SOME : DP_EXIT_OK;
}

static void session_done(session *s)
{
    dp_free(s->classes);
    dp_semantic_counts_done(&s->counts);
    dp_label_folders_done(&s->folders);
    dp_dataset_done(&s->dataset);
    dp_pool_free(s->pool);
}

int dp_cli_eval_ade20k(int argc, char **argv)
{
    session s = {.ask = {.classes = -1, .offset = -1}};
    request *ask = &s.ask;
    const dp_option options[] = {
        DP_INT("classes", 0, "N", &ask->classes, 1, DP_SEMANTIC_VALUES,
               "how many there are (default 150)"),
        DP_INT("offset", 0, "V", &ask->offset, 0, DP_SEMANTIC_VALUES - 1,
               "label value of the first class (default 1)"),
        DP_TEXT("ignore", 0, "V,V,...", &ask->ignore,
                "label values that are left out, or none (default: 0 and 255, where "
                "they are no class)"),
        DP_TEXT("dataset", 0, "FILE", &ask->dataset,
                "a class file for names and label values (default: ADE20K's names, for "
                "150 classes)"),
        DP_TEXT("json", 0, "FILE", &ask->json, "every number; - for standard output"),
        DP_TEXT("report", 0, "DIR", &ask->report,
                "a page with classes, confusion matrix, worst images (index.html)"),
        DP_TEXT("images", 0, "DIR", &ask->images, "the photos, for the report"),
        DP_FLAG("skip-bad", 0, &ask->skip_bad,
                "leave bad images out (exit status 1 then)"),
        DP_OPTION_THREADS(&ask->common),
        DP_FLAG("quiet", 'q', &ask->common.quiet, "no warnings"),
        DP_OPTION_CONFIGS(&ask->common),
        DP_OPTIONS_END};
    const dp_usage usage = {
        .name = "eval ade20k",
        .arguments = "GT_DIR PRED_DIR",
        .about =
            "aAcc, mIoU and mAcc of label maps (8-bit PNG, grey or with a palette), "
            "paired by name, as mmsegmentation defines them.",
        .options = options,
        .least = 2,
        .most = 2,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    ask->truth = args.item[0];
    ask->prediction = args.item[1];
    if (ask->images && !ask->report)
        return dp_cli_usage("--images: found no --report, which would show the images");
    status = run(&s);
    session_done(&s);
    return status;
}
