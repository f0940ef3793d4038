#include "ops/roi_align_samples.h"

#include "core/limits.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

static dp_roi_axis place(const dp_roi_windows *j, float from, float to, float scale)
{
    const int P = j->P;
    dp_roi_axis a;
    if (j->samples > 0) {
        a.start = from * scale;
        a.bin = fmaxf(to * scale - a.start, 1) / (float)P;
        a.samples = j->samples;
        return a;
    }
    a.start = from * scale - 0.5f;
    const float length = (to * scale - 0.5f) - a.start;
    a.bin = length / (float)P;
    a.samples = (int)ceilf(a.bin);
    return a;
}

bool dp_roi_tap_find(dp_roi_tap *t, const dp_roi_axis *a, int bin, int sample, int size)
{
    float at = a->start + (float)bin * a->bin +
               ((float)sample + 0.5f) * a->bin / (float)a->samples;
    if (at < -1.0f || at > (float)size)
        return false;
    if (at < 0.0f)
        at = 0.0f;
    t->low = (int)at;
    t->high = t->low + 1;
    if (t->low >= size - 1) {
        t->low = t->high = size - 1;
        at = (float)t->low;
    }
    t->weight_high = at - (float)t->low;
    t->weight_low = 1.0f - t->weight_high;
    return true;
}

static bool is_bounded(const dp_box *b)
{
    const float limit = (float)DP_MAX_IMAGE_SIDE;
    return fabsf(b->x1) <= limit && fabsf(b->y1) <= limit && fabsf(b->x2) <= limit &&
           fabsf(b->y2) <= limit;
}

bool dp_roi_grid_find(dp_roi_grid *g, const dp_roi_windows *w, int i)
{
    const dp_box *b = &w->rois.boxes[i];
    if (!is_bounded(b))
        return false;
    const float scale = 1.0f / (float)w->stride[w->rois.level[i]];
    g->v = place(w, b->y1, b->y2, scale);
    g->h = place(w, b->x1, b->x2, scale);
    g->count = (float)g->v.samples * (float)g->h.samples;
    return g->v.samples >= 1 && g->h.samples >= 1;
}

dp_tensor dp_roi_map(const dp_roi_windows *w, const dp_tensor *maps, int i)
{
    return dp_tensor_item(maps[w->rois.level[i]],
                          w->rois.images > 1 ? w->rois.image[i] : 0);
}

struct job {
    const dp_roi_windows *windows;
    const dp_kernels *kernels;
    const dp_tensor *maps;
    dp_tensor out;
};

/* The sum over a bin, row by row of samples. */
static void add_samples(const struct job *j, dp_tensor map, const dp_roi_grid *g,
                        int by, int bx, float *out)
{
    const size_t C = (size_t)map.C;
    for (int sy = 0; sy < g->v.samples; sy++) {
        dp_roi_tap y;
        if (!dp_roi_tap_find(&y, &g->v, by, sy, map.H))
            continue;
        const float *low = map.data + (size_t)y.low * (size_t)map.W * C;
        const float *high = map.data + (size_t)y.high * (size_t)map.W * C;
        for (int sx = 0; sx < g->h.samples; sx++) {
            dp_roi_tap x;
            if (!dp_roi_tap_find(&x, &g->h, bx, sx, map.W))
                continue;
            const float w[4] = {
                y.weight_low * x.weight_low, y.weight_low * x.weight_high,
                y.weight_high * x.weight_low, y.weight_high * x.weight_high};
            j->kernels->bilinear_add(out, low + (size_t)x.low * C,
                                     low + (size_t)x.high * C, high + (size_t)x.low * C,
                                     high + (size_t)x.high * C, w, map.C);
        }
    }
}

static void align_box(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const int P = j->out.H;
    const size_t C = (size_t)j->out.C, window = (size_t)P * (size_t)P * C;
    float *out = j->out.data + (size_t)item * window;
    dp_roi_grid g;
    memset(out, 0, window * sizeof *out);
    if (!dp_roi_grid_find(&g, j->windows, item))
        return;
    const dp_tensor map = dp_roi_map(j->windows, j->maps, item);
    for (int by = 0; by < P; by++)
        for (int bx = 0; bx < P; bx++, out += C) {
            add_samples(j, map, &g, by, bx, out);
            for (size_t c = 0; c < C; c++)
                out[c] /= g.count;
        }
}

static void align(dp_run *r, const dp_roi_windows *w, dp_tensor out,
                  const dp_tensor *maps)
{
    struct job j = {w, r->kernels, maps, out};
    if (!r->dry)
        dp_parallel(r->pool, out.N, align_box, &j);
}

static dp_tensor run(dp_run *r, const dp_features *maps, dp_roi_windows w)
{
    const int C = maps->count > 0 ? maps->map[0].C : 0;
    const int images = w.rois.images > 0 ? w.rois.images : 1;
    for (int i = 0; i < maps->count; i++) {
        w.stride[i] = maps->spec[i].stride;
        if (maps->map[i].C != C || maps->map[i].N != images)
            dp_run_fail(r, DP_ESHAPE,
                        "RoIAlign: found map %d of %d images and %d channels, expected "
                        "%d images and %d channels",
                        i, maps->map[i].N, maps->map[i].C, images, C);
    }
    if (r->plain)
        return dp_tensor_roi_align(r, maps, &w);
    const dp_tensor out = dp_run_tensor(r, w.rois.count, w.P, w.P, C);
    align(r, &w, out, maps->map);
    return out;
}

dp_tensor dp_roi_align_run(dp_run *r, const dp_features *maps, int P,
                           const dp_rois *rois)
{
    return run(r, maps, (dp_roi_windows){.rois = *rois, .P = P});
}

dp_tensor dp_roi_align_sampled_run(dp_run *r, const dp_features *maps, int P,
                                   int samples, const dp_rois *rois)
{
    return run(r, maps, (dp_roi_windows){.rois = *rois, .P = P, .samples = samples});
}

/* ---- the step ---------------------------------------------------------------------- */

dp_tensor dp_tensor_roi_align(dp_run *r, const dp_features *maps,
                              const dp_roi_windows *w)
{
    const int P = w->P, C = maps->count > 0 ? maps->map[0].C : 0;
    dp_roi_windows *kept = dp_run_take(r, 1, sizeof *kept);
    if (kept)
        *kept = *w;
    dp_step s = {.kind = DP_STEP_roi_align,
                 .y = {NULL, w->rois.count, P, P, C},
                 .inputs = maps->count,
                 .op = kept};
    for (int i = 0; i < maps->count; i++) {
        s.x[i] = maps->map[i];
        if (s.terms < maps->map[i].H * maps->map[i].W)
            s.terms = maps->map[i].H * maps->map[i].W;
    }
    return dp_step_run(r, s);
}

/* Channel c of a sample. */
static double find_sample(dp_tensor map, const dp_roi_tap *y, const dp_roi_tap *x,
                          int c)
{
    const double low =
        (double)dp_tensor_cell(map, 0, y->low, x->low)[c] * (double)x->weight_low +
        (double)dp_tensor_cell(map, 0, y->low, x->high)[c] * (double)x->weight_high;
    const double high =
        (double)dp_tensor_cell(map, 0, y->high, x->low)[c] * (double)x->weight_low +
        (double)dp_tensor_cell(map, 0, y->high, x->high)[c] * (double)x->weight_high;
    return low * (double)y->weight_low + high * (double)y->weight_high;
}

/* Row `item` of all windows' rows of bins. */
void dp_step_roi_align_row(const dp_step *s, int item)
{
    const dp_roi_windows *w = s->op;
    const int i = item / s->y.H, by = item % s->y.H;
    dp_roi_grid g;
    float *out = dp_tensor_cell(s->y, i, by, 0);
    memset(out, 0, (size_t)s->y.W * (size_t)s->y.C * sizeof *out);
    if (!dp_roi_grid_find(&g, w, i))
        return;
    const dp_tensor map = dp_roi_map(w, s->x, i);
    for (int bx = 0; bx < s->y.W; bx++, out += s->y.C)
        for (int c = 0; c < s->y.C; c++) {
            double sum = 0;
            dp_roi_tap y, x;
            for (int sy = 0; sy < g.v.samples; sy++)
                for (int sx = 0; sx < g.h.samples; sx++)
                    if (dp_roi_tap_find(&y, &g.v, by, sy, map.H) &&
                        dp_roi_tap_find(&x, &g.h, bx, sx, map.W))
                        sum += find_sample(map, &y, &x, c);
            out[c] = (float)(sum / (double)g.count);
        }
}

void dp_step_roi_align_fast(dp_run *r, const dp_step *s)
{
    align(r, s->op, s->y, s->x);
}
