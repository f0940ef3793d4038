#include "runner/scores.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "io/data/results.h"
#include "runner/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const double usual_tolerance = 0.1; /* published numbers have one decimal */

/* What is compared of detectors: a type's n-th number. */
static const struct {
    const char *name, *type;
    int stat;
} detection_scores[] = {
    {"box_AP", "bbox", 0},  {"box_AP50", "bbox", 1},  {"box_AP75", "bbox", 2},
    {"mask_AP", "segm", 0}, {"mask_AP50", "segm", 1}, {"mask_AP75", "segm", 2},
};
static const size_t detection_count =
    sizeof detection_scores / sizeof *detection_scores;

/* What is compared of segmentors. */
static const char *miou_name(const dp_test *t)
{
    return t->options.ms_flip ? "mIoU_ms_flip" : "mIoU";
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static double number(const cJSON *value)
{
    return cJSON_IsNumber(value) ? value->valuedouble : (double)NAN;
}

/* How many images the published numbers are of. Numbers of others are not compared. */
static const struct {
    const char *dataset;
    size_t images;
} published_sets[] = {
    {"coco", 5000}, {"ade20k", 2000}, {"toytown", 500}, {"toytown_scene", 500}};

static bool is_published_set(const dp_test *t)
{
    for (size_t i = 0; i < sizeof published_sets / sizeof *published_sets; i++)
        if (strcmp(published_sets[i].dataset, t->dataset.name) == 0)
            return published_sets[i].images == t->set.count;
    return true;
}

/* NULL: nothing, or it is of other images. */
static const cJSON *published(const dp_test *t)
{
    return is_published_set(t) ? member(dp_config_root(t->config), "published") : NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

int dp_test_is_published(const dp_test *t)
{
    if (t->task == DP_TASK_SEGMENT)
        return cJSON_IsNumber(member(published(t), miou_name(t)));
    for (size_t i = 0; i < detection_count; i++)
        if (cJSON_IsNumber(member(published(t), detection_scores[i].name)))
            return 1;
    return 0;
}

const char *dp_test_source(const dp_test *t)
{
    const char *source = cJSON_GetStringValue(member(published(t), "source"));
    return source ? source : "";
}

/* ---- comparing ----------------------------------------------------------------------------- */

static void add(dp_test *t, const char *name, const cJSON *fraction)
{
    const double tolerance = number(member(published(t), "tolerance"));
    dp_test_score s = {.name = name,
                       .ours = 100 * number(fraction),
                       .published = number(member(published(t), name)),
                       .tolerance = isnan(tolerance) ? usual_tolerance : tolerance};
    /* a sum of decimals is not exact; NaN is not within */
    s.within =
        isnan(s.published) ? -1 : fabs(s.ours - s.published) <= s.tolerance + 1e-9;
    t->scores[t->score_count++] = s;
}

dp_status dp_scores_load(dp_error *err, dp_test *t)
{
    cJSON *metrics;
    const dp_status st = dp_json_load(err, &metrics, t->metrics);
    if (st != DP_OK)
        return st;
    t->score_count = 0;
    if (t->task == DP_TASK_SEGMENT)
        add(t, miou_name(t), member(metrics, "mIoU"));
    for (size_t i = 0; i < detection_count; i++) {
        const cJSON *stats = member(member(metrics, detection_scores[i].type), "stats");
        if (stats)
            add(t, detection_scores[i].name,
                cJSON_GetArrayItem(stats, detection_scores[i].stat));
    }
    cJSON_Delete(metrics);
    return DP_OK;
}

/* ---- the summary --------------------------------------------------------------------------- */

static void add_number(dp_text *text, const char *key, double value)
{
    dp_text_add(text, "\"%s\": ", key);
    if (isnan(value))
        dp_text_add(text, "null");
    else
        dp_text_add_double(text, value);
}

static void add_failures(dp_text *text, const dp_test *t)
{
    const dp_run_directory *d = &t->directory;
    const char *separator = "";
    for (size_t i = 0; i < d->count; i++) {
        char sentence[DP_ERROR_TEXT];
        size_t size;
        if (d->items[i].state != DP_ITEM_FAILED)
            continue;
        const unsigned char *payload = dp_run_directory_get(d, i, &size);
        snprintf(sentence, sizeof sentence, "%.*s", (int)size, (const char *)payload);
        dp_text_add(text, "%s\n  {\"name\": ", separator);
        dp_results_add_name(text, t->set.items[i].name);
        dp_text_add(text, ", \"message\": ");
        dp_results_add_name(text, sentence);
        dp_text_add(text, "}");
        separator = ",";
    }
}

static void add_scores(dp_text *text, const dp_test *t)
{
    for (int i = 0; i < t->score_count; i++) {
        const dp_test_score *s = &t->scores[i];
        dp_text_add(text, "%s\n  \"%s\": {", i > 0 ? "," : "", s->name);
        add_number(text, "ours", s->ours);
        if (s->within >= 0) {
            dp_text_add(text, ", ");
            add_number(text, "published", s->published);
            dp_text_add(text, ", ");
            add_number(text, "difference", s->ours - s->published);
        }
        dp_text_add(text, "}");
    }
}

/* Of all scores that are published, as JSON. */
static const char *within(const dp_test *t)
{
    const char *all = "null";
    for (int i = 0; i < t->score_count; i++)
        if (t->scores[i].within == 0)
            return "false";
        else if (t->scores[i].within > 0)
            all = "true";
    return all;
}

dp_status dp_scores_save(dp_error *err, const dp_test *t)
{
    dp_text text = {.err = err};
    char *path;
    dp_status st = dp_path_join(err, &path, t->directory_path, "summary.json");
    dp_text_add(&text, "{\"images\": %zu, \"run\": %zu,\n\"bad\": [",
                t->directory.count,
                dp_run_directory_tally(&t->directory, DP_ITEM_DONE, 1, 1));
    add_failures(&text, t);
    dp_text_add(&text, "],\n\"unreadable\": \"%s\",\n\"percent\": {",
                t->options.unreadable ? t->options.unreadable : "leave-out");
    add_scores(&text, t);
    dp_text_add(&text, "},\n");
    add_number(&text, "tolerance",
               t->score_count > 0 ? t->scores[0].tolerance : usual_tolerance);
    dp_text_add(&text, ", \"within\": %s,\n", within(t));
    dp_plan_add_json(&text, t);
    dp_text_add(&text, "}\n");
    if (st == DP_OK)
        st = dp_results_save(err, path, &text);
    dp_text_done(&text);
    dp_free(path);
    return st;
}
