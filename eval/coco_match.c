#include "eval/coco_match.h"

#include "base/memory.h"
#include "eval/coco_overlap.h"
#include "eval/rank.h"

#include <string.h>

struct candidate {
    size_t object; /* of the overlap */
    double iou;
};

/* What one worker needs for any image. */
struct worker {
    dp_coco_overlap overlap;
    dp_ranked *ranked, *scratch;
    struct candidate *candidates;
    uint64_t *taken;   /* [object][area], a bit per threshold */
    uint32_t *ignored; /* [object], a bit per area            */
};

struct job {
    dp_coco_matches *m;
    struct worker *workers; /* owned */
    int worker_count;
    bool *image_on, *category_on; /* owned: what the settings select */
    double limit[DP_MAX_IOU_THRESHOLDS];
    double least; /* of those limits */
};

bool dp_coco_object_is_ignored(const dp_coco_annotation *a, const dp_coco_area *area)
{
    return a->crowd || a->area < area->low || a->area > area->high;
}

int dp_coco_class_of(const dp_coco_matches *m, int category)
{
    return m->settings->use_categories ? category : 0;
}

const char *dp_coco_class_name(const dp_coco_matches *m, size_t category)
{
    return m->settings->use_categories
               ? m->truth->names + m->truth->categories[category].name
               : "all";
}

/* ---- one image ------------------------------------------------------------------------ */

/* Rank the image's entries, which are in the file's order. */
static void rank_entries(const struct job *job, struct worker *w, size_t first,
                         size_t end)
{
    const dp_coco_matches *m = job->m;
    const dp_coco_detection *detections = m->results->detections;
    dp_coco_entry *entries = m->entries;
    const size_t n = end - first;
    for (size_t i = 0; i < n; i++) {
        const uint32_t d = entries[first + i].detection;
        w->ranked[i] = (dp_ranked){detections[d].score, d, detections[d].category};
    }
    if (!m->settings->use_categories) {
        /* Among equal scores of any class: by class, as pycocotools lists them. */
        for (size_t i = 0; i < n; i++)
            w->ranked[i].score = 0;
        dp_ranked_sort(w->ranked, w->scratch, n);
        for (size_t i = 0; i < n; i++) {
            w->ranked[i].score = detections[w->ranked[i].index].score;
            w->ranked[i].group = 0;
        }
    }
    dp_ranked_sort(w->ranked, w->scratch, n);
    int32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        rank = i > 0 && w->ranked[i].group == w->ranked[i - 1].group ? rank + 1 : 0;
        entries[first + i] = (dp_coco_entry){.detection = w->ranked[i].index,
                                             .rank = rank,
                                             .category = w->ranked[i].group,
                                             .partner = -1};
    }
}

/* The best free object among the candidates that are (or are not) ignored in an area;
 * the later of equals. -1: none. */
static ptrdiff_t best_of(const struct job *job, const struct worker *w, size_t count,
                         bool ignored, int area, int threshold)
{
    const int areas = job->m->settings->area_count;
    const dp_coco_truth *truth = job->m->truth;
    double best = job->limit[threshold];
    ptrdiff_t chosen = -1;
    for (size_t i = 0; i < count; i++) {
        const size_t g = w->candidates[i].object;
        const double iou = w->candidates[i].iou;
        if (((w->ignored[g] >> area) & 1) != ignored || iou < best)
            continue;
        if (((w->taken[g * (size_t)areas + (size_t)area] >> threshold) & 1) &&
            !truth->annotations[w->overlap.objects[g]].crowd)
            continue;
        best = iou;
        chosen = (ptrdiff_t)g;
    }
    return chosen;
}

/* Match one detection, whose candidates are known, at all thresholds of one area. */
static dp_coco_outcome match_area(const struct job *job, const struct worker *w,
                                  dp_coco_entry *entry, size_t count, int area)
{
    const dp_coco_matches *m = job->m;
    const dp_coco_settings *s = m->settings;
    const double own = m->results->detections[entry->detection].area;
    const bool outside = own < s->areas[area].low || own > s->areas[area].high;
    dp_coco_outcome o = {0, 0};
    for (int t = 0; t < s->threshold_count; t++) {
        const uint64_t bit = (uint64_t)1 << t;
        ptrdiff_t g = -1;
        if (count > 0)
            g = best_of(job, w, count, false, area, t);
        const bool ignored = g < 0;
        if (count > 0 && ignored)
            g = best_of(job, w, count, true, area, t);
        if (g >= 0) {
            o.matched |= bit;
            o.ignored |= ignored ? bit : 0;
            w->taken[(size_t)g * (size_t)s->area_count + (size_t)area] |= bit;
            if (t == m->focus && area == 0)
                entry->partner = (int32_t)w->overlap.objects[g];
        } else if (outside) {
            o.ignored |= bit;
        }
    }
    return o;
}

/* Match the entries of one class with `count` objects. */
static void match_class(const struct job *job, struct worker *w, size_t first,
                        size_t end, const uint32_t *objects, size_t count)
{
    const dp_coco_matches *m = job->m;
    const dp_coco_settings *s = m->settings;
    const size_t areas = (size_t)s->area_count;
    const int cap = s->caps[s->cap_count - 1];
    if (count > 0) {
        dp_coco_overlap_set_objects(&w->overlap, objects, count);
        memset(w->taken, 0, count * areas * sizeof *w->taken);
        for (size_t g = 0; g < count; g++) {
            w->ignored[g] = 0;
            for (int a = 0; a < s->area_count; a++)
                if (dp_coco_object_is_ignored(&m->truth->annotations[objects[g]],
                                              &s->areas[a]))
                    w->ignored[g] |= 1u << a;
        }
    }
    for (size_t e = first; e < end && m->entries[e].rank < cap; e++) {
        dp_coco_entry *entry = &m->entries[e];
        size_t n = 0;
        if (count > 0)
            dp_coco_overlap_set_detection(&w->overlap,
                                          &m->results->detections[entry->detection]);
        for (size_t g = 0; g < count; g++) {
            const bool crowd = m->truth->annotations[objects[g]].crowd;
            const double iou = dp_coco_overlap_iou(&w->overlap, g, crowd);
            if (iou >= job->least)
                w->candidates[n++] = (struct candidate){g, iou};
        }
        for (int a = 0; a < s->area_count; a++)
            m->outcomes[e * areas + (size_t)a] = match_area(job, w, entry, n, a);
    }
}

static void match_image(void *arg, int image, int worker)
{
    const struct job *job = arg;
    const dp_coco_matches *m = job->m;
    struct worker *w = &job->workers[worker];
    const size_t end = m->first_entry[image + 1];
    const size_t object_end = m->first_object[image + 1];
    size_t e = m->first_entry[image], g = m->first_object[image];
    rank_entries(job, w, e, end);
    while (e < end) {
        const int32_t category = m->entries[e].category;
        size_t next = e;
        while (next < end && m->entries[next].category == category)
            next++;
        const dp_coco_annotation *annotations = m->truth->annotations;
        while (g < object_end &&
               dp_coco_class_of(m, annotations[m->objects[g]].category) < category)
            g++;
        size_t last = g;
        while (last < object_end &&
               dp_coco_class_of(m, annotations[m->objects[last]].category) == category)
            last++;
        match_class(job, w, e, next, m->objects + g, last - g);
        g = last;
        e = next;
    }
}

/* ---- what takes part ------------------------------------------------------------------- */

static dp_status select_ids(dp_error *err, bool **on, size_t count,
                            const dp_id_index *index, const int64_t *ids,
                            size_t id_count)
{
    const dp_status st = dp_alloc(err, on, count, sizeof **on, "a selection");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < count; i++)
        (*on)[i] = ids == NULL;
    for (size_t i = 0; ids && i < id_count; i++) {
        const int at = dp_id_index_find(index, ids[i]);
        if (at >= 0)
            (*on)[at] = true;
    }
    return DP_OK;
}

/* Turn counts at first[i + 1] into starts; returns their sum. */
static size_t add_up(size_t *first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        first[i + 1] += first[i];
    return first[count];
}

/* After filling by first[i]++: put the starts back. */
static void step_back(size_t *first, size_t count)
{
    for (size_t i = count; i > 0; i--)
        first[i] = first[i - 1];
    first[0] = 0;
}

static dp_status list_entries(dp_error *err, struct job *job)
{
    dp_coco_matches *m = job->m;
    const dp_coco_results *r = m->results;
    const dp_array starts[] = {DP_ARRAY(m->first_entry, m->truth->image_count + 1)};
    dp_status st = dp_alloc_arrays(err, starts, 1, "matches");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < r->detection_count; i++)
        if (job->image_on[r->detections[i].image] &&
            job->category_on[r->detections[i].category])
            m->first_entry[r->detections[i].image + 1]++;
    m->entry_count = add_up(m->first_entry, m->truth->image_count);
    const dp_array entries[] = {
        DP_ARRAY(m->entries, m->entry_count),
        DP_ARRAY(m->outcomes, m->entry_count * (size_t)m->settings->area_count)};
    st = dp_alloc_arrays(err, entries, 2, "matches");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < r->detection_count; i++)
        if (job->image_on[r->detections[i].image] &&
            job->category_on[r->detections[i].category])
            m->entries[m->first_entry[r->detections[i].image]++].detection =
                (uint32_t)i;
    step_back(m->first_entry, m->truth->image_count);
    return DP_OK;
}

/* Objects by image, and inside each by class; the file's order among equals. */
static dp_status list_objects(dp_error *err, struct job *job)
{
    dp_coco_matches *m = job->m;
    const dp_coco_truth *t = m->truth;
    size_t *by_class = NULL;
    uint32_t *sorted = NULL;
    const dp_array arrays[] = {DP_ARRAY(m->first_object, t->image_count + 1),
                               DP_ARRAY(m->objects, t->annotation_count),
                               DP_ARRAY(sorted, t->annotation_count),
                               DP_ARRAY(by_class, t->category_count + 1)};
    const dp_status st = dp_alloc_arrays(err, arrays, 4, "matches");
    if (st == DP_OK) {
        for (size_t i = 0; i < t->annotation_count; i++)
            by_class[t->annotations[i].category + 1]++;
        add_up(by_class, t->category_count);
        for (size_t i = 0; i < t->annotation_count; i++)
            sorted[by_class[t->annotations[i].category]++] = (uint32_t)i;

        for (size_t i = 0; i < t->annotation_count; i++) {
            const dp_coco_annotation *a = &t->annotations[i];
            if (job->image_on[a->image] && job->category_on[a->category])
                m->first_object[a->image + 1]++;
        }
        m->object_count = add_up(m->first_object, t->image_count);
        for (size_t i = 0; i < t->annotation_count; i++) {
            const dp_coco_annotation *a = &t->annotations[sorted[i]];
            if (job->image_on[a->image] && job->category_on[a->category])
                m->objects[m->first_object[a->image]++] = sorted[i];
        }
        step_back(m->first_object, t->image_count);
    }
    dp_free(sorted);
    dp_free(by_class);
    return st;
}

static dp_status count_positives(dp_error *err, dp_coco_matches *m)
{
    const dp_coco_settings *s = m->settings;
    const size_t areas = (size_t)s->area_count;
    const dp_status st = dp_alloc(err, &m->positives, m->category_count * areas,
                                  sizeof *m->positives, "matches");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < m->object_count; i++) {
        const dp_coco_annotation *a = &m->truth->annotations[m->objects[i]];
        const size_t k = (size_t)dp_coco_class_of(m, a->category);
        for (size_t r = 0; r < areas; r++)
            m->positives[k * areas + r] += !dp_coco_object_is_ignored(a, &s->areas[r]);
    }
    return DP_OK;
}

/* ---- the workers ------------------------------------------------------------------------ */

dp_status dp_coco_matches_measure(dp_error *err, const dp_coco_matches *m,
                                  dp_coco_overlap_size *size)
{
    *size = (dp_coco_overlap_size){0};
    for (size_t i = 0; i < m->truth->image_count; i++) {
        const size_t first = m->first_object[i];
        const dp_status st = dp_coco_overlap_plan_objects(
            err, size, m->truth, m->objects + first, m->first_object[i + 1] - first,
            m->settings->masks);
        if (st != DP_OK)
            return st;
    }
    for (size_t i = 0; i < m->entry_count; i++) {
        const dp_status st = dp_coco_overlap_plan_detection(
            err, size, m->truth, m->results,
            &m->results->detections[m->entries[i].detection], m->settings->masks);
        if (st != DP_OK)
            return st;
    }
    return DP_OK;
}

/* The most detections that any image has. */
static size_t most_entries(const dp_coco_matches *m)
{
    size_t most = 0;
    for (size_t i = 0; i < m->truth->image_count; i++) {
        const size_t n = m->first_entry[i + 1] - m->first_entry[i];
        most = most > n ? most : n;
    }
    return most;
}

static dp_status make_worker(dp_error *err, const struct job *job, struct worker *w,
                             const dp_coco_overlap_size *size, size_t entries)
{
    const dp_coco_matches *m = job->m;
    const size_t objects = size->objects, areas = (size_t)m->settings->area_count;
    const dp_array arrays[] = {
        DP_ARRAY(w->ranked, entries), DP_ARRAY(w->scratch, entries),
        DP_ARRAY(w->candidates, objects), DP_ARRAY(w->taken, objects * areas),
        DP_ARRAY(w->ignored, objects)};
    const dp_status st = dp_coco_overlap_init(err, &w->overlap, size, m->truth,
                                              m->results, m->settings->masks);
    return st == DP_OK
               ? dp_alloc_arrays(err, arrays, sizeof arrays / sizeof *arrays, "matches")
               : st;
}

static dp_status make_workers(dp_error *err, struct job *job, int count)
{
    dp_coco_overlap_size size;
    const size_t entries = most_entries(job->m);
    dp_status st = dp_coco_matches_measure(err, job->m, &size);
    if (st == DP_OK)
        st = dp_alloc(err, &job->workers, (size_t)count, sizeof *job->workers,
                      "workers");
    for (; st == DP_OK && job->worker_count < count; job->worker_count++)
        st = make_worker(err, job, &job->workers[job->worker_count], &size, entries);
    return st;
}

static void job_done(struct job *job)
{
    for (int i = 0; i < job->worker_count; i++) {
        struct worker *w = &job->workers[i];
        dp_coco_overlap_done(&w->overlap);
        dp_free(w->ranked);
        dp_free(w->scratch);
        dp_free(w->candidates);
        dp_free(w->taken);
        dp_free(w->ignored);
    }
    dp_free(job->workers);
    dp_free(job->image_on);
    dp_free(job->category_on);
}

static void set_limits(struct job *job)
{
    const dp_coco_settings *s = job->m->settings;
    job->least = 1;
    for (int t = 0; t < s->threshold_count; t++) {
        const double most = 1 - 1e-10; /* pycocotools's: IoU 1 reaches threshold 1 */
        job->limit[t] = s->thresholds[t] < most ? s->thresholds[t] : most;
        job->least = job->limit[t] < job->least ? job->limit[t] : job->least;
    }
}

dp_status dp_coco_match(dp_error *err, dp_coco_matches *m, const dp_coco_truth *truth,
                        const dp_coco_results *results,
                        const dp_coco_settings *settings, dp_pool *pool)
{
    struct job job = {.m = m};
    const int focus = dp_coco_settings_find_threshold(settings, .5);
    *m = (dp_coco_matches){.truth = truth,
                           .results = results,
                           .settings = settings,
                           .focus = focus < 0 ? 0 : focus,
                           .category_count =
                               settings->use_categories ? truth->category_count : 1};
    if (results->detection_count > INT32_MAX || truth->annotation_count > INT32_MAX)
        return dp_fail(
            err, DP_EUNSUPPORTED,
            "%zu detections and %zu objects are too many: at most %d of each",
            results->detection_count, truth->annotation_count, INT32_MAX);
    set_limits(&job);
    dp_status st =
        select_ids(err, &job.image_on, truth->image_count, &truth->image_index,
                   settings->image_ids, settings->image_id_count);
    if (st == DP_OK)
        st = select_ids(err, &job.category_on, truth->category_count,
                        &truth->category_index, settings->category_ids,
                        settings->category_id_count);
    if (st == DP_OK)
        st = list_entries(err, &job);
    if (st == DP_OK)
        st = list_objects(err, &job);
    if (st == DP_OK)
        st = count_positives(err, m);
    if (st == DP_OK)
        st = make_workers(err, &job, dp_pool_threads(pool));
    if (st == DP_OK)
        dp_parallel(pool, (int)truth->image_count, match_image, &job);
    job_done(&job);
    if (st != DP_OK)
        dp_coco_matches_done(m);
    return st;
}

void dp_coco_matches_done(dp_coco_matches *m)
{
    dp_free(m->entries);
    dp_free(m->outcomes);
    dp_free(m->first_entry);
    dp_free(m->objects);
    dp_free(m->first_object);
    dp_free(m->positives);
    *m = (dp_coco_matches){0};
}
