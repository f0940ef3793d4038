/* The gradient of RoIAlign: each sample gives its bin's gradient, over the number of the
 * bin's samples, to the four cells that it read, by the same weights.
 *
 * Work is split by channels, and windows are gone over in order: the bits do not depend on
 * the number of threads.
 */
#include "ops/roi_align_samples.h"
#include "ops/step_backward.h"

enum { GROUP = 32 /* channels of an item */ };

typedef struct job {
    const dp_step *s;
    const dp_step_gradients *g;
} job;

static void add_row(float *row, const dp_roi_tap *x, const float *dy, float part,
                    size_t C, int count)
{
    float *low = row + (size_t)x->low * C, *high = row + (size_t)x->high * C;
    for (int c = 0; c < count; c++) {
        low[c] += dy[c] * (part * x->weight_low);
        high[c] += dy[c] * (part * x->weight_high);
    }
}

/* What one bin gives to `count` channels of map, which begins with the first of them. */
static void give_bin(dp_tensor map, const dp_roi_grid *g, int by, int bx,
                     const float *dy, int count)
{
    const size_t C = (size_t)map.C;
    for (int sy = 0; sy < g->v.samples; sy++) {
        dp_roi_tap y;
        if (!dp_roi_tap_find(&y, &g->v, by, sy, map.H))
            continue;
        float *low = map.data + (size_t)y.low * (size_t)map.W * C;
        float *high = map.data + (size_t)y.high * (size_t)map.W * C;
        for (int sx = 0; sx < g->h.samples; sx++) {
            dp_roi_tap x;
            if (!dp_roi_tap_find(&x, &g->h, bx, sx, map.W))
                continue;
            add_row(low, &x, dy, y.weight_low / g->count, C, count);
            add_row(high, &x, dy, y.weight_high / g->count, C, count);
        }
    }
}

static void give_channels(void *arg, int item, int worker)
{
    const job *j = arg;
    (void)worker;
    const dp_step *s = j->s;
    const dp_roi_windows *w = s->op;
    const int c0 = item * GROUP, P = w->P;
    const int count = s->y.C - c0 < GROUP ? s->y.C - c0 : GROUP;
    dp_tensor maps[DP_STEP_INPUTS];
    for (int i = 0; i < s->inputs; i++) {
        maps[i] = s->x[i];
        maps[i].data = j->g->dx[i];
    }
    for (int i = 0; i < s->y.N; i++) {
        dp_roi_grid g;
        if (!maps[w->rois.level[i]].data || !dp_roi_grid_find(&g, w, i))
            continue;
        dp_tensor map = dp_roi_map(w, maps, i);
        map.data += c0;
        for (int bin = 0; bin < P * P; bin++) {
            const size_t at = ((size_t)i * (size_t)(P * P) + (size_t)bin);
            give_bin(map, &g, bin / P, bin % P, j->g->dy + at * (size_t)s->y.C + c0,
                     count);
        }
    }
}

void dp_step_roi_align_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    job j = {s, g};
    if (!r->dry)
        dp_parallel(r->pool, (s->y.C + GROUP - 1) / GROUP, give_channels, &j);
}
