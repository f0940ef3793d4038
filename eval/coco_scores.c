#include "eval/coco_scores.h"

#include "base/memory.h"
#include "eval/rank.h"

#include <float.h>
#include <string.h>

enum { R = DP_COCO_RECALLS };

/* An entry that matters beyond being a false positive at every threshold, or nothing. */
struct step {
    dp_coco_outcome outcome;
    size_t plain; /* false positives at every threshold before it */
};

struct job {
    dp_coco_scores *s;
    dp_ranked *ranked, *scratch; /* [entry] */
    struct step *steps;          /* [entry] */
    double *curve;               /* [entry]: precision at each true positive */
};

/* ---- one class -------------------------------------------------------------------------- */

/* The final recalls at every cap of an area. */
static void fill_recall(const dp_coco_scores *s, size_t category, int area,
                        double *recall)
{
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const size_t areas = (size_t)set->area_count;
    const size_t positives = m->positives[category * areas + (size_t)area];
    const int T = set->threshold_count;
    size_t found[DP_COCO_MAX_CAPS][DP_MAX_IOU_THRESHOLDS] = {{0}};
    for (size_t i = s->first[category]; i < s->first[category + 1]; i++) {
        const uint32_t e = s->order[i];
        const dp_coco_outcome *o = &m->outcomes[e * areas + (size_t)area];
        const uint64_t hit = o->matched & ~o->ignored;
        if (hit == 0)
            continue;
        int cap = 0; /* the first that lets it in */
        while (cap < set->cap_count && m->entries[e].rank >= set->caps[cap])
            cap++;
        for (int t = 0; t < T && cap < set->cap_count; t++)
            found[cap][t] += (hit >> t) & 1;
    }
    for (int c = 0; c < set->cap_count; c++)
        for (int t = 0; t < T; t++) {
            if (c > 0)
                found[c][t] += found[c - 1][t];
            recall[c * T + t] =
                positives == 0 ? -1 : (double)found[c][t] / (double)positives;
        }
}

/* Precision at one threshold, sampled at the recalls. `curve` holds what it was at each
 * true positive: between them it only falls, so the highest to come is among those. */
static void sample(const dp_coco_scores *s, double *out, double *curve, size_t found,
                   size_t positives)
{
    for (size_t i = found; i-- > 1;)
        if (curve[i] > curve[i - 1])
            curve[i - 1] = curve[i];
    size_t i = 0;
    for (int r = 0; r < R; r++) {
        while (i < found && (double)(i + 1) / (double)positives < s->recalls[r])
            i++;
        out[r] = i < found ? curve[i] : 0;
    }
}

/* The steps of a class in an area up to a cap; returns their number. Most entries are
 * plain false positives, and are only counted. */
static size_t list_steps(const struct job *job, size_t category, int area, int cap)
{
    const dp_coco_scores *s = job->s;
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const size_t areas = (size_t)set->area_count, first = s->first[category];
    const uint64_t all = UINT64_MAX >> (64 - set->threshold_count);
    struct step *const steps = job->steps + first;
    size_t n = 0, plain = 0;
    for (size_t i = first; i < s->first[category + 1]; i++) {
        const uint32_t e = s->order[i];
        const dp_coco_outcome *o = &m->outcomes[e * areas + (size_t)area];
        if (m->entries[e].rank >= set->caps[cap] || o->ignored == all)
            continue;
        if (o->matched == 0 && o->ignored == 0)
            plain++;
        else
            steps[n++] = (struct step){*o, plain};
    }
    return n;
}

/* Precisions of a class in an area up to a cap: [threshold][recall]. */
static void fill_precision(const struct job *job, size_t category, int area, int cap,
                           double *out)
{
    const dp_coco_scores *s = job->s;
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const size_t positives =
        m->positives[category * (size_t)set->area_count + (size_t)area];
    if (positives == 0) {
        for (int i = 0; i < set->threshold_count * R; i++)
            out[i] = -1;
        return;
    }
    const size_t n = list_steps(job, category, area, cap);
    const struct step *const steps = job->steps + s->first[category];
    double *const curve = job->curve + s->first[category];
    for (int t = 0; t < set->threshold_count; t++) {
        size_t tp = 0, fp = 0; /* fp: of the steps */
        for (size_t i = 0; i < n; i++) {
            const dp_coco_outcome *o = &steps[i].outcome;
            if ((o->ignored >> t) & 1)
                continue;
            if ((o->matched >> t) & 1) {
                tp++;
                const double seen = (double)(steps[i].plain + fp + tp);
                curve[tp - 1] = (double)tp / (seen + DBL_EPSILON);
            } else {
                fp++;
            }
        }
        sample(s, out + t * R, curve, tp, positives);
    }
}

static void accumulate_class(void *arg, int category, int worker)
{
    const struct job *job = arg;
    const dp_coco_scores *s = job->s;
    const dp_coco_settings *set = s->matches->settings;
    const size_t first = s->first[category], n = s->first[category + 1] - first;
    const size_t T = (size_t)set->threshold_count, areas = (size_t)set->area_count;
    (void)worker;
    dp_ranked_sort(job->ranked + first, job->scratch + first, n);
    for (size_t i = first; i < first + n; i++)
        s->order[i] = job->ranked[i].index;
    for (size_t a = 0; a < areas; a++) {
        const size_t at = (size_t)category * areas + a;
        fill_recall(s, (size_t)category, (int)a,
                    s->recall + at * (size_t)set->cap_count * T);
        for (int p = 0; p < s->precision_count; p++)
            fill_precision(job, (size_t)category, (int)a, s->precision_caps[p],
                           s->precision +
                               (at * (size_t)s->precision_count + (size_t)p) * T * R);
    }
}

/* ---- all of them ------------------------------------------------------------------------ */

/* Entries by class, in the order of images and ranks. */
static void order_by_class(struct job *job)
{
    dp_coco_scores *s = job->s;
    const dp_coco_matches *m = s->matches;
    for (size_t e = 0; e < m->entry_count; e++)
        s->first[m->entries[e].category + 1]++;
    for (size_t k = 0; k < s->category_count; k++)
        s->first[k + 1] += s->first[k];
    for (size_t e = 0; e < m->entry_count; e++) {
        const double score = m->results->detections[m->entries[e].detection].score;
        job->ranked[s->first[m->entries[e].category]++] =
            (dp_ranked){score, (uint32_t)e, 0};
    }
    for (size_t k = s->category_count; k > 0; k--)
        s->first[k] = s->first[k - 1];
    s->first[0] = 0;
}

static dp_status make_memory(dp_error *err, struct job *job)
{
    dp_coco_scores *s = job->s;
    const dp_coco_settings *set = s->matches->settings;
    const size_t n = s->matches->entry_count, T = (size_t)set->threshold_count;
    const size_t places = s->category_count * (size_t)set->area_count;
    const dp_array arrays[] = {
        DP_ARRAY(s->precision, places * (size_t)s->precision_count * T * R),
        DP_ARRAY(s->recall, places * (size_t)set->cap_count * T),
        DP_ARRAY(s->first, s->category_count + 1),
        DP_ARRAY(s->order, n),
        DP_ARRAY(job->ranked, n),
        DP_ARRAY(job->scratch, n),
        DP_ARRAY(job->steps, n),
        DP_ARRAY(job->curve, n)};
    return dp_alloc_arrays(err, arrays, sizeof arrays / sizeof *arrays, "scores");
}

dp_status dp_coco_accumulate(dp_error *err, dp_coco_scores *s,
                             const dp_coco_matches *matches, dp_pool *pool)
{
    const dp_coco_settings *set = matches->settings;
    struct job job = {.s = s};
    *s = (dp_coco_scores){
        .matches = matches, .category_count = matches->category_count, .headline = -1};
    dp_coco_linspace(s->recalls, 0, 1, R);
    for (int c = 0; c < set->cap_count; c++)
        if (set->caps[c] == DP_COCO_HEADLINE_CAP)
            s->headline = c;
    s->precision_caps[s->precision_count++] = set->cap_count - 1;
    if (s->headline >= 0 && s->headline != set->cap_count - 1)
        s->precision_caps[s->precision_count++] = s->headline;
    const dp_status st = make_memory(err, &job);
    if (st == DP_OK) {
        order_by_class(&job);
        dp_parallel(pool, (int)s->category_count, accumulate_class, &job);
    }
    dp_free(job.ranked);
    dp_free(job.scratch);
    dp_free(job.steps);
    dp_free(job.curve);
    if (st != DP_OK)
        dp_coco_scores_done(s);
    return st;
}

void dp_coco_scores_done(dp_coco_scores *s)
{
    dp_free(s->precision);
    dp_free(s->recall);
    dp_free(s->first);
    dp_free(s->order);
    *s = (dp_coco_scores){0};
}

const double *dp_coco_scores_precision(const dp_coco_scores *s, size_t category,
                                       int area, int cap, int threshold)
{
    const dp_coco_settings *set = s->matches->settings;
    const size_t p = s->precision_count > 1 && cap == s->precision_caps[1];
    const size_t at = category * (size_t)set->area_count + (size_t)area;
    return s->precision +
           ((at * (size_t)s->precision_count + p) * (size_t)set->threshold_count +
            (size_t)threshold) *
               R;
}

/* The final recall at one place. */
static double recall_at(const dp_coco_scores *s, size_t category, int area, int cap,
                        int threshold)
{
    const dp_coco_settings *set = s->matches->settings;
    const size_t at = category * (size_t)set->area_count + (size_t)area;
    return s->recall[(at * (size_t)set->cap_count + (size_t)cap) *
                         (size_t)set->threshold_count +
                     (size_t)threshold];
}

void dp_coco_scores_reach(const dp_coco_scores *s, size_t category, int area, int cap,
                          int threshold, double *scores)
{
    const dp_coco_matches *m = s->matches;
    const size_t areas = (size_t)m->settings->area_count;
    const size_t positives = m->positives[category * areas + (size_t)area];
    size_t found = 0;
    int r = 0;
    for (size_t i = s->first[category]; i < s->first[category + 1]; i++) {
        const dp_coco_entry *entry = &m->entries[s->order[i]];
        const dp_coco_outcome *o = &m->outcomes[s->order[i] * areas + (size_t)area];
        if (positives == 0 || entry->rank >= m->settings->caps[cap])
            continue;
        found += ((o->matched & ~o->ignored) >> threshold) & 1;
        while (r < R && (double)found / (double)positives >= s->recalls[r])
            scores[r++] = m->results->detections[entry->detection].score;
    }
    for (; r < R; r++)
        scores[r] = positives == 0 ? -1 : 0;
}

/* The classes that a mean goes over. */
static void range_of(int category, size_t count, size_t *first, size_t *end)
{
    *first = category < 0 ? 0 : (size_t)category;
    *end = category < 0 ? count : (size_t)category + 1;
}

double dp_coco_scores_ap(const dp_coco_scores *s, int category, int area, int cap,
                         int threshold)
{
    const dp_coco_settings *set = s->matches->settings;
    double sum = 0;
    size_t count = 0, first, end;
    range_of(category, s->category_count, &first, &end);
    if (cap < 0)
        return -1;
    for (size_t k = first; k < end; k++)
        for (int t = 0; t < set->threshold_count; t++) {
            const double *p = dp_coco_scores_precision(s, k, area, cap, t);
            if ((threshold >= 0 && t != threshold) || p[0] < 0)
                continue;
            double over_recalls = 0;
            for (int r = 0; r < R; r++)
                over_recalls += p[r];
            sum += over_recalls;
            count += R;
        }
    return count > 0 ? sum / (double)count : -1;
}

double dp_coco_scores_ap_at(const dp_coco_scores *s, int category, double iou)
{
    const dp_coco_settings *set = s->matches->settings;
    const int threshold = dp_coco_settings_find_threshold(set, iou);
    return threshold < 0
               ? -1
               : dp_coco_scores_ap(s, category, 0, set->cap_count - 1, threshold);
}

double dp_coco_scores_ar(const dp_coco_scores *s, int category, int area, int cap,
                         int threshold)
{
    const dp_coco_settings *set = s->matches->settings;
    double sum = 0;
    size_t count = 0, first, end;
    range_of(category, s->category_count, &first, &end);
    for (size_t k = first; k < end; k++)
        for (int t = 0; t < set->threshold_count; t++) {
            const double recall = recall_at(s, k, area, cap, t);
            if (recall < 0 || (threshold >= 0 && t != threshold))
                continue;
            sum += recall;
            count++;
        }
    return count > 0 ? sum / (double)count : -1;
}
