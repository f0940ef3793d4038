#include "eval/coco_errors.h"

#include "base/memory.h"

#include <string.h>

struct job {
    dp_coco_errors *e;
    dp_coco_overlap *overlaps; /* owned; [worker] */
    int overlap_count;
};

const char *dp_coco_cause_name(dp_coco_cause cause)
{
    static const char *const names[] = {"right",       "ignored",  "duplicate",
                                        "wrong class", "location", "both",
                                        "background",  "missed",   "low score"};
    return names[cause];
}

static double score_of(const dp_coco_matches *m, int64_t entry)
{
    return m->results->detections[m->entries[entry].detection].score;
}

static bool is_regular(const dp_coco_matches *m, uint32_t object)
{
    return !dp_coco_object_is_ignored(&m->truth->annotations[object],
                                      &m->settings->areas[0]);
}

/* The object that explains a false positive: the best overlap of its own class and of the
 * others. */
struct best_overlap {
    int32_t own, other; /* annotations; -1 */
    double own_iou, other_iou;
};

/* Note on missed objects what this false positive has to do with them. */
static void note_object(const dp_coco_errors *e, size_t object, size_t entry, bool same,
                        double iou, double enough)
{
    dp_coco_object_cause *o = &e->objects[object];
    const dp_coco_cause cause = same ? DP_COCO_LOCATION : DP_COCO_WRONG_CLASS;
    if (o->cause == DP_COCO_TRUE_POSITIVE || o->cause == DP_COCO_IGNORED ||
        iou < (same ? DP_COCO_LEAST_OVERLAP : enough))
        return;
    if (o->cause == DP_COCO_WRONG_CLASS && cause == DP_COCO_LOCATION)
        return;
    if (o->cause == cause &&
        !(score_of(e->matches, (int64_t)entry) > score_of(e->matches, o->entry)))
        return;
    *o = (dp_coco_object_cause){cause, (int64_t)entry};
}

static struct best_overlap find_best(const struct job *job,
                                     const dp_coco_overlap *overlap,
                                     size_t first_object, size_t entry, double enough)
{
    const dp_coco_errors *e = job->e;
    const dp_coco_matches *m = e->matches;
    struct best_overlap o = {-1, -1, 0, 0};
    for (size_t g = 0; g < overlap->count; g++) {
        const uint32_t object = overlap->objects[g];
        if (!is_regular(m, object))
            continue;
        const double iou = dp_coco_overlap_iou(overlap, g, false);
        const bool same = dp_coco_class_of(m, m->truth->annotations[object].category) ==
                          m->entries[entry].category;
        if (same && iou > o.own_iou) {
            o.own = (int32_t)object;
            o.own_iou = iou;
        } else if (!same && iou > o.other_iou) {
            o.other = (int32_t)object;
            o.other_iou = iou;
        }
        note_object(e, first_object + g, entry, same, iou, enough);
    }
    return o;
}

static dp_coco_detection_cause explain(const struct best_overlap *o, double enough)
{
    if (o->own_iou >= enough)
        return (dp_coco_detection_cause){DP_COCO_DUPLICATE, o->own, o->own_iou};
    if (o->other_iou >= enough)
        return (dp_coco_detection_cause){DP_COCO_WRONG_CLASS, o->other, o->other_iou};
    if (o->own_iou >= DP_COCO_LEAST_OVERLAP)
        return (dp_coco_detection_cause){DP_COCO_LOCATION, o->own, o->own_iou};
    if (o->other_iou >= DP_COCO_LEAST_OVERLAP)
        return (dp_coco_detection_cause){DP_COCO_BOTH, o->other, o->other_iou};
    return (dp_coco_detection_cause){DP_COCO_BACKGROUND, -1, 0};
}

/* What the matching says of an entry; BACKGROUND stands for any false positive. */
static dp_coco_cause match_of(const dp_coco_matches *m, size_t entry)
{
    const dp_coco_settings *s = m->settings;
    const dp_coco_outcome o = m->outcomes[entry * (size_t)s->area_count];
    if (m->entries[entry].rank >= s->caps[s->cap_count - 1] ||
        ((o.ignored >> m->focus) & 1))
        return DP_COCO_IGNORED;
    return ((o.matched >> m->focus) & 1) ? DP_COCO_TRUE_POSITIVE : DP_COCO_BACKGROUND;
}

/* The position in objects of the annotation that an entry matches. */
static size_t position_of(const dp_coco_matches *m, int image, int32_t annotation)
{
    size_t i = m->first_object[image];
    while (m->objects[i] != (uint32_t)annotation)
        i++;
    return i;
}

static void explain_image(void *arg, int image, int worker)
{
    const struct job *job = arg;
    const dp_coco_errors *e = job->e;
    const dp_coco_matches *m = e->matches;
    dp_coco_overlap *overlap = &job->overlaps[worker];
    const double enough = m->settings->thresholds[m->focus];
    const size_t first = m->first_object[image], end = m->first_object[image + 1];
    for (size_t i = first; i < end; i++)
        e->objects[i] = (dp_coco_object_cause){
            is_regular(m, m->objects[i]) ? DP_COCO_MISSED : DP_COCO_IGNORED, -1};
    for (size_t i = m->first_entry[image]; i < m->first_entry[image + 1]; i++) {
        const int32_t partner = m->entries[i].partner;
        e->detections[i] = (dp_coco_detection_cause){match_of(m, i), partner, 0};
        if (e->detections[i].cause == DP_COCO_TRUE_POSITIVE)
            e->objects[position_of(m, image, partner)] =
                (dp_coco_object_cause){DP_COCO_TRUE_POSITIVE, (int64_t)i};
    }
    dp_coco_overlap_set_objects(overlap, m->objects + first, end - first);
    for (size_t i = m->first_entry[image]; i < m->first_entry[image + 1]; i++) {
        dp_coco_detection_cause *d = &e->detections[i];
        if (d->cause == DP_COCO_IGNORED)
            continue;
        dp_coco_overlap_set_detection(overlap,
                                      &m->results->detections[m->entries[i].detection]);
        if (d->cause == DP_COCO_TRUE_POSITIVE) {
            d->iou = dp_coco_overlap_iou(
                overlap, position_of(m, image, d->object) - first, false);
        } else {
            const struct best_overlap o = find_best(job, overlap, first, i, enough);
            *d = explain(&o, enough);
        }
    }
}

static dp_status make_overlaps(dp_error *err, struct job *job, int count)
{
    const dp_coco_matches *m = job->e->matches;
    dp_coco_overlap_size size;
    dp_status st = dp_coco_matches_measure(err, m, &size);
    if (st == DP_OK)
        st = dp_alloc(err, &job->overlaps, (size_t)count, sizeof *job->overlaps,
                      "workers");
    for (; st == DP_OK && job->overlap_count < count; job->overlap_count++)
        st = dp_coco_overlap_init(err, &job->overlaps[job->overlap_count], &size,
                                  m->truth, m->results, m->settings->masks);
    return st;
}

dp_status dp_coco_errors_find(dp_error *err, dp_coco_errors *e,
                              const dp_coco_matches *matches, dp_pool *pool)
{
    struct job job = {.e = e};
    *e = (dp_coco_errors){.matches = matches};
    const dp_array arrays[] = {DP_ARRAY(e->detections, matches->entry_count),
                               DP_ARRAY(e->objects, matches->object_count)};
    dp_status st = dp_alloc_arrays(err, arrays, 2, "causes of errors");
    if (st == DP_OK)
        st = make_overlaps(err, &job, dp_pool_threads(pool));
    if (st == DP_OK)
        dp_parallel(pool, (int)matches->truth->image_count, explain_image, &job);
    for (int i = 0; i < job.overlap_count; i++)
        dp_coco_overlap_done(&job.overlaps[i]);
    dp_free(job.overlaps);
    if (st != DP_OK)
        dp_coco_errors_done(e);
    return st;
}

dp_coco_cause dp_coco_errors_object_cause(const dp_coco_errors *e, size_t i,
                                          double score)
{
    const dp_coco_object_cause *o = &e->objects[i];
    if (o->entry < 0 || score_of(e->matches, o->entry) >= score)
        return o->cause;
    return o->cause == DP_COCO_TRUE_POSITIVE ? DP_COCO_LOW_SCORE : DP_COCO_MISSED;
}

void dp_coco_errors_count(dp_coco_tally *tally, const dp_coco_errors *e, double score)
{
    const dp_coco_matches *m = e->matches;
    *tally = (dp_coco_tally){{0}, {0}};
    for (size_t i = 0; i < m->entry_count; i++)
        if (score_of(m, (int64_t)i) >= score)
            tally->detections[e->detections[i].cause]++;
    for (size_t i = 0; i < m->object_count; i++)
        tally->objects[dp_coco_errors_object_cause(e, i, score)]++;
}

void dp_coco_errors_confusion(size_t *matrix, const dp_coco_errors *e, double score)
{
    const dp_coco_matches *m = e->matches;
    const size_t side = m->category_count + 1, none = m->category_count;
    memset(matrix, 0, side * side * sizeof *matrix);
    for (size_t i = 0; i < m->entry_count; i++) {
        const dp_coco_detection_cause *d = &e->detections[i];
        if (d->cause == DP_COCO_IGNORED || score_of(m, (int64_t)i) < score)
            continue;
        const bool on_object =
            d->cause == DP_COCO_TRUE_POSITIVE || d->cause == DP_COCO_WRONG_CLASS;
        const size_t row =
            on_object
                ? (size_t)dp_coco_class_of(m, m->truth->annotations[d->object].category)
                : none;
        matrix[row * side + (size_t)m->entries[i].category]++;
    }
    for (size_t i = 0; i < m->object_count; i++) {
        const dp_coco_cause cause = dp_coco_errors_object_cause(e, i, score);
        if (cause == DP_COCO_TRUE_POSITIVE || cause == DP_COCO_IGNORED ||
            cause == DP_COCO_WRONG_CLASS)
            continue;
        const dp_coco_annotation *a = &m->truth->annotations[m->objects[i]];
        matrix[(size_t)dp_coco_class_of(m, a->category) * side + none]++;
    }
}

void dp_coco_errors_done(dp_coco_errors *e)
{
    dp_free(e->detections);
    dp_free(e->objects);
    *e = (dp_coco_errors){0};
}
