#include "postprocess/nms.h"

#include "ops/kernels/kernels.h"
#include "postprocess/rank.h"

#include <stdbool.h>
#include <string.h>

/* Everything is held by place: the place of a candidate in the order of comparison. That
 * order is by score, or by label and then by score. */
typedef struct pieces {
    dp_rank *ranked; /* by score: its candidate's index                           */
    dp_rank *placed; /* by place: its label and its rank in `ranked`               */
    dp_rank *spare;  /* for sorting                                               */
    float *x1, *y1, *x2, *y2, *area; /* by place, moved apart                         */
    uint8_t *dead;                   /* by place                                  */
    uint8_t *kept;                   /* by rank                                   */
} pieces;

static void take(dp_run *r, pieces *p, size_t n)
{
    p->ranked = dp_run_take(r, n, sizeof *p->ranked);
    p->placed = dp_run_take(r, n, sizeof *p->placed);
    p->spare = dp_run_take(r, n, sizeof *p->spare);
    p->x1 = dp_run_take(r, n, sizeof *p->x1);
    p->y1 = dp_run_take(r, n, sizeof *p->y1);
    p->x2 = dp_run_take(r, n, sizeof *p->x2);
    p->y2 = dp_run_take(r, n, sizeof *p->y2);
    p->area = dp_run_take(r, n, sizeof *p->area);
    p->dead = dp_run_take(r, n, sizeof *p->dead);
    p->kept = dp_run_take(r, n, sizeof *p->kept);
}

/* Rank all candidates that have a score. Returns their number. */
static int rank_all(const pieces *p, dp_candidates c)
{
    int n = 0;
    for (int i = 0; i < c.count; i++) {
        const uint32_t key = dp_rank_key(c.scores[i]);
        if (key != DP_RANK_NAN)
            p->ranked[n++] = (dp_rank){key, i};
    }
    dp_rank_sort(p->ranked, p->spare, (size_t)n);
    return n;
}

/* Give every rank a place; with `split` labels follow each other. */
static void place_all(const pieces *p, dp_candidates c, int n, bool split)
{
    for (int i = 0; i < n; i++)
        p->placed[i] = (dp_rank){
            split && c.labels ? (uint32_t)c.labels[p->ranked[i].index] : 0, i};
    if (split)
        dp_rank_sort(p->placed, p->spare, (size_t)n);
}

static float largest_coordinate(dp_candidates c)
{
    float most = c.boxes[0].x1;
    for (int i = 0; i < c.count; i++) {
        const dp_box b = c.boxes[i];
        const float all[] = {b.x1, b.y1, b.x2, b.y2};
        for (int j = 0; j < 4; j++)
            if (!(all[j] <= most) && all[j] == all[j])
                most = all[j];
    }
    return most;
}

static void move_all(const pieces *p, dp_candidates c, int n)
{
    const float step = c.labels ? largest_coordinate(c) + 1.0f : 0;

    for (int i = 0; i < n; i++) {
        const int from = p->ranked[p->placed[i].index].index;
        const float by = c.labels ? (float)c.labels[from] * step : 0;
        const dp_box b = c.boxes[from];

        p->x1[i] = b.x1 + by;
        p->y1[i] = b.y1 + by;
        p->x2[i] = b.x2 + by;
        p->y2[i] = b.y2 + by;
        p->area[i] = (p->x2[i] - p->x1[i]) * (p->y2[i] - p->y1[i]);
    }
}

/* Greedy suppression among the places [first, end); those that stay are marked. More
 * than max_keep of one group cannot be among the max_keep best of all. */
static void suppress(const pieces *p, const dp_nms *nms, int first, int end,
                     const dp_kernels *k)
{
    int kept = 0;

    for (int i = first; i < end && kept < nms->max_keep; i++) {
        if (p->dead[i])
            continue;
        p->kept[p->placed[i].index] = 1;
        kept++;
        const int at = i + 1;
        const dp_box_arrays rest = {p->x1 + at, p->y1 + at, p->x2 + at, p->y2 + at,
                                    p->area + at};
        k->nms_suppress(p->dead + at, &rest, p->x1[i], p->y1[i], p->x2[i], p->y2[i],
                        p->area[i], nms->threshold, end - at);
    }
}

static int choose(const pieces *p, int *keep, const dp_nms *nms, dp_candidates c,
                  const dp_kernels *k)
{
    int kept = 0;
    const int n = rank_all(p, c);
    place_all(p, c, n, c.count >= nms->split);
    move_all(p, c, n);
    memset(p->dead, 0, (size_t)n);
    memset(p->kept, 0, (size_t)n);
    for (int first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && p->placed[end].key == p->placed[first].key;)
            end++;
        suppress(p, nms, first, end, k);
    }
    for (int i = 0; i < n && kept < nms->max_keep; i++)
        if (p->kept[i])
            keep[kept++] = p->ranked[i].index;
    return kept;
}

int dp_nms_run(dp_run *r, int *keep, const dp_nms *nms, dp_candidates c)
{
    const size_t mark = dp_run_mark(r);
    int kept = c.count < nms->max_keep ? c.count : nms->max_keep;
    pieces p;
    take(r, &p, (size_t)c.count);
    if (!r->dry && c.count > 0)
        kept = choose(&p, keep, nms, c, r->kernels);
    dp_run_rewind(r, mark);
    return kept;
}
