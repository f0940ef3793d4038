#define _POSIX_C_SOURCE 200809L /* access */
#include "cli/test_scores.h"

#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/eval_ade20k.h"
#include "cli/eval_coco.h"
#include "cli/test_results.h"
#include "io/data/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 20, METRICS = 8 };

static const double default_tolerance = 0.1; /* percent; numbers have one decimal */

/* ---- the evaluation -------------------------------------------------------------------- */

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
static void fill_words(dp_error *err, words *w, const dp_test_plan *p,
                       const char *results, const char *metrics)
{
    const bool coco = p->task == DP_TASK_DETECT;
    char threads[16];
    add_word(err, w, coco ? "eval coco" : "eval ade20k");
    add_word(err, w, p->set.annotations);
    add_word(err, w, results);
    add_option(err, w, "--json", metrics);
    add_word(err, w, "--skip-bad");
    if (!coco)
        add_option(err, w, "--dataset", p->classes_path);
    if (p->ask->classwise)
        add_word(err, w, "--classwise");
    if (p->ask->report) {
        add_option(err, w, "--report", p->ask->report);
        add_option(err, w, "--images", p->set.images);
    }
    const int count = p->ask->workers > 0 ? p->ask->workers : p->ask->common.threads;
    if (count > 0) {
        snprintf(threads, sizeof threads, "%d", count);
        add_option(err, w, "--threads", threads);
    }
    add_word(err, w, "--quiet");
}

static int evaluate(const dp_test_plan *p, const char *results, const char *metrics)
{
    dp_error err = {0};
    words w = {.status = DP_OK};
    int status;
    fill_words(&err, &w, p, results, metrics);
    if (w.status != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    else if (p->task == DP_TASK_DETECT)
        status = dp_cli_eval_coco(w.count, w.given);
    else
        status = dp_cli_eval_ade20k(w.count, w.given);
    for (int i = 0; i < w.count; i++)
        dp_free(w.owned[i]);
    return status;
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* Percent; NaN: there is none. */
typedef struct metric {
    const char *name; /* of the config's "published" */
    double ours, published;
} metric;

typedef struct scores {
    metric list[METRICS];
    int count;
    double tolerance;
    bool compared, within; /* with published numbers; all within tolerance */
} scores;

static const cJSON *member(const cJSON *object, const char *key)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static double percent(const cJSON *value)
{
    return cJSON_IsNumber(value) ? 100 * value->valuedouble : (double)NAN;
}

static double plain(const cJSON *value)
{
    return cJSON_IsNumber(value) ? value->valuedouble : (double)NAN;
}

static void add_metric(scores *s, const char *name, double ours, const cJSON *published)
{
    s->list[s->count++] = (metric){name, ours, plain(member(published, name))};
}

/* What is compared of detectors: a type's n-th number. */
static const struct {
    const char *name, *type;
    int stat;
} coco[] = {
    {"box_AP", "bbox", 0},  {"box_AP50", "bbox", 1},  {"box_AP75", "bbox", 2},
    {"mask_AP", "segm", 0}, {"mask_AP50", "segm", 1}, {"mask_AP75", "segm", 2},
};
static const size_t coco_count = sizeof coco / sizeof *coco;

/* What is compared of segmentors. */
static const char *miou_name(const dp_test_plan *p)
{
    return p->ask->ms_flip ? "mIoU_ms_flip" : "mIoU";
}

bool dp_test_scores_are_published(const dp_test_plan *p)
{
    const cJSON *published = member(dp_config_root(p->config), "published");
    if (p->task == DP_TASK_SEGMENT)
        return cJSON_IsNumber(member(published, miou_name(p)));
    for (size_t i = 0; i < coco_count; i++)
        if (cJSON_IsNumber(member(published, coco[i].name)))
            return true;
    return false;
}

static void read_metrics(scores *s, const dp_test_plan *p, const cJSON *metrics)
{
    const cJSON *published = member(dp_config_root(p->config), "published");
    const double tolerance = plain(member(published, "tolerance"));
    *s = (scores){.within = true};
    s->tolerance = isnan(tolerance) ? default_tolerance : tolerance;
    if (p->task == DP_TASK_SEGMENT)
        add_metric(s, miou_name(p), percent(member(metrics, "mIoU")), published);
    for (size_t i = 0; i < coco_count; i++) {
        const cJSON *stats = member(member(metrics, coco[i].type), "stats");
        if (stats)
            add_metric(s, coco[i].name,
                       percent(cJSON_GetArrayItem(stats, coco[i].stat)), published);
    }
    for (int i = 0; i < s->count; i++) {
        const metric *m = &s->list[i];
        if (isnan(m->published))
            continue;
        s->compared = true;
        /* a sum of decimals is not exact; NaN is not within */
        s->within = s->within && fabs(m->ours - m->published) <= s->tolerance + 1e-9;
    }
}

/* ---- what is printed and kept --------------------------------------------------------------- */

static void print_scores(const dp_test_plan *p, const scores *s,
                         const dp_work_folder *folder)
{
    const size_t failed = dp_work_folder_tally(folder, DP_WORK_FAILED);
    const cJSON *published = member(dp_config_root(p->config), "published");
    const char *source = cJSON_GetStringValue(member(published, "source"));
    printf("\n%zu images: %zu run, %zu bad and left out\n", folder->count,
           dp_work_folder_tally(folder, DP_WORK_DONE), failed);
    if (s->compared)
        printf("\npublished: %s\n%-14s %8s %10s %11s\n",
               source ? source : "(source unknown)", "percent", "ours", "published",
               "difference");
    for (int i = 0; i < s->count; i++) {
        const metric *m = &s->list[i];
        if (!isnan(m->published) && isnan(m->ours))
            printf("%-14s %8s %10.1f\n", m->name, "n/a", m->published);
        else if (!isnan(m->published))
            printf("%-14s %8.2f %10.1f %+11.2f\n", m->name, m->ours, m->published,
                   m->ours - m->published);
    }
    if (s->compared)
        printf("%s %.2g of what was published\n", s->within ? "within" : "NOT within",
               s->tolerance);
}

static void add_number(dp_text *t, const char *key, double value)
{
    dp_text_add(t, "\"%s\": ", key);
    if (isnan(value))
        dp_text_add(t, "null");
    else
        dp_text_add_double(t, value);
}

static void add_bad(dp_text *t, const dp_test_plan *p, const dp_work_folder *folder)
{
    bool any = false;
    dp_text_add(t, "\"bad\": [");
    for (size_t i = 0; i < folder->count; i++) {
        char sentence[DP_ERROR_TEXT];
        size_t size;
        if (folder->entries[i].state != DP_WORK_FAILED)
            continue;
        const unsigned char *text = dp_work_folder_get(folder, i, &size);
        snprintf(sentence, sizeof sentence, "%.*s", (int)size, (const char *)text);
        dp_text_add(t, "%s\n  {\"name\": ", any ? "," : "");
        dp_results_add_name(t, p->set.items[i].name);
        dp_text_add(t, ", \"message\": ");
        dp_results_add_name(t, sentence);
        dp_text_add(t, "}");
        any = true;
    }
    dp_text_add(t, "],\n");
}

static dp_status save_summary(dp_error *err, const dp_test_plan *p, const scores *s,
                              const dp_work_folder *folder)
{
    dp_text t = {.err = err};
    char *path;
    dp_status st = dp_test_results_path(err, &path, p, "summary.json");
    dp_text_add(&t, "{\"images\": %zu, \"run\": %zu,\n", folder->count,
                dp_work_folder_tally(folder, DP_WORK_DONE));
    add_bad(&t, p, folder);
    dp_text_add(&t, "\"percent\": {");
    for (int i = 0; i < s->count; i++) {
        const metric *m = &s->list[i];
        dp_text_add(&t, "%s\n  \"%s\": {", i > 0 ? "," : "", m->name);
        add_number(&t, "ours", m->ours);
        if (!isnan(m->published)) {
            dp_text_add(&t, ", ");
            add_number(&t, "published", m->published);
            dp_text_add(&t, ", ");
            add_number(&t, "difference", m->ours - m->published);
        }
        dp_text_add(&t, "}");
    }
    dp_text_add(&t, "},\n");
    add_number(&t, "tolerance", s->tolerance);
    dp_text_add(&t, ", \"within\": %s,\n",
                !s->compared ? "null"
                : s->within  ? "true"
                             : "false");
    dp_test_plan_add_json(&t, p);
    dp_text_add(&t, "}\n");
    if (st == DP_OK)
        st = dp_results_save(err, path, &t);
    dp_text_done(&t);
    dp_free(path);
    return st;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static int compare(const dp_test_plan *p, const dp_work_folder *folder,
                   const char *metrics)
{
    dp_error err = {0};
    cJSON *root;
    scores s;
    if (dp_json_load(&err, &root, metrics) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    read_metrics(&s, p, root);
    cJSON_Delete(root);
    print_scores(p, &s, folder);
    if (save_summary(&err, p, &s, folder) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    if (!p->ask->verify || (s.compared && s.within))
        return DP_EXIT_OK;
    dp_cli_say("%s: --verify: found numbers that are not within %.2g of the published "
               "ones",
               p->config_path, s.tolerance);
    return DP_EXIT_MODEL;
}

int dp_test_scores(const dp_test_plan *plan, const dp_work_folder *folder,
                   const char *results)
{
    dp_error err = {0};
    char *metrics;
    if (dp_test_results_path(&err, &metrics, plan, "metrics.json") != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    remove(metrics); /* what is there afterwards is of this evaluation */
    int status = evaluate(plan, results, metrics);
    if (access(metrics, F_OK) == 0) {
        const int compared = compare(plan, folder, metrics);
        status = compared > status ? compared : status;
    }
    if (status == DP_EXIT_OK && dp_work_folder_tally(folder, DP_WORK_FAILED) > 0)
        status = DP_EXIT_SOME;
    dp_free(metrics);
    return status;
}
