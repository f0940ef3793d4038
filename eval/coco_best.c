#include "eval/coco_best.h"

#include "base/memory.h"
#include "eval/rank.h"

static double score_of(const dp_coco_matches *m, uint32_t entry)
{
    return m->results->detections[m->entries[entry].detection].score;
}

/* Of `count` entries in the order of their scores. */
static dp_coco_best best_of(const dp_coco_matches *m, const uint32_t *order,
                            size_t count, size_t positives)
{
    const dp_coco_settings *s = m->settings;
    dp_coco_best best = {1, 0, 0, positives == 0 ? -1 : 0};
    size_t tp = 0, fp = 0;
    for (size_t i = 0; i < count && positives > 0; i++) {
        const uint32_t e = order[i];
        const dp_coco_outcome o = m->outcomes[e * (size_t)s->area_count];
        if (m->entries[e].rank < s->caps[s->cap_count - 1] &&
            !((o.ignored >> m->focus) & 1)) {
            tp += (o.matched >> m->focus) & 1;
            fp += !((o.matched >> m->focus) & 1);
        }
        /* A threshold keeps all of an equal score. */
        const double score = score_of(m, e);
        if (tp == 0 || (i + 1 < count && !(score_of(m, order[i + 1]) < score)))
            continue;
        const double f1 = 2 * (double)tp / (double)(tp + fp + positives);
        if (f1 > best.f1)
            best = (dp_coco_best){score, (double)tp / (double)(tp + fp),
                                  (double)tp / (double)positives, f1};
    }
    return best;
}

dp_status dp_coco_best_find(dp_error *err, dp_coco_best *best,
                            const dp_coco_scores *scores)
{
    const dp_coco_matches *m = scores->matches;
    const size_t n = m->entry_count, areas = (size_t)m->settings->area_count;
    size_t all = 0;
    for (size_t k = 0; k < scores->category_count; k++) {
        const size_t first = scores->first[k];
        best[k] = best_of(m, scores->order + first, scores->first[k + 1] - first,
                          m->positives[k * areas]);
        all += m->positives[k * areas];
    }
    dp_ranked *ranked, *scratch;
    uint32_t *order;
    const dp_array arrays[] = {DP_ARRAY(ranked, n), DP_ARRAY(scratch, n),
                               DP_ARRAY(order, n)};
    const dp_status st = dp_alloc_arrays(err, arrays, 3, "scores");
    if (st == DP_OK) {
        for (size_t i = 0; i < n; i++)
            ranked[i] = (dp_ranked){score_of(m, (uint32_t)i), (uint32_t)i, 0};
        dp_ranked_sort(ranked, scratch, n);
        for (size_t i = 0; i < n; i++)
            order[i] = ranked[i].index;
        best[scores->category_count] = best_of(m, order, n, all);
    }
    dp_free(ranked);
    dp_free(scratch);
    dp_free(order);
    return st;
}
