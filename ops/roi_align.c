#include "ops/roi_align.h"

#include "core/limits.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

struct job {
    const dp_kernels *kernels;
    const dp_features *maps;
    const dp_box *boxes;
    const int *level;
    dp_tensor out;
    int samples; /* a bin and axis; 0: the aligned form, as many as it takes */
};

/* The bins of a box along one axis, in cells. */
struct axis {
    float start, bin; /* of the first bin; length of each */
    int samples;      /* a bin                            */
};

/* A sample along one axis: two cells and their weights. */
struct tap {
    int low, high;
    float weight_low, weight_high;
};

static struct axis place(const struct job *j, float from, float to, float scale)
{
    const int P = j->out.H;
    struct axis a;
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

/* False when the sample is outside the map of `size` cells. */
static bool find_tap(struct tap *t, const struct axis *a, int bin, int sample, int size)
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

/* The sum over a bin, row by row of samples. */
static void add_samples(const struct job *j, dp_tensor map, const struct axis *v,
                        const struct axis *h, int by, int bx, float *out)
{
    const size_t C = (size_t)map.C;
    for (int sy = 0; sy < v->samples; sy++) {
        struct tap y;
        if (!find_tap(&y, v, by, sy, map.H))
            continue;
        const float *low = map.data + (size_t)y.low * (size_t)map.W * C;
        const float *high = map.data + (size_t)y.high * (size_t)map.W * C;
        for (int sx = 0; sx < h->samples; sx++) {
            struct tap x;
            if (!find_tap(&x, h, bx, sx, map.W))
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

static bool is_bounded(const dp_box *b)
{
    const float limit = (float)DP_MAX_IMAGE_SIDE;
    return fabsf(b->x1) <= limit && fabsf(b->y1) <= limit && fabsf(b->x2) <= limit &&
           fabsf(b->y2) <= limit;
}

static void align_box(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const int P = j->out.H;
    const size_t C = (size_t)j->out.C, window = (size_t)P * (size_t)P * C;
    float *out = j->out.data + (size_t)item * window;
    memset(out, 0, window * sizeof *out);
    const dp_box *b = &j->boxes[item];
    if (!is_bounded(b))
        return;

    const dp_tensor map = j->maps->map[j->level[item]];
    const float scale = 1.0f / (float)j->maps->spec[j->level[item]].stride;
    const struct axis v = place(j, b->y1, b->y2, scale);
    const struct axis h = place(j, b->x1, b->x2, scale);
    if (v.samples < 1 || h.samples < 1)
        return;
    const float count = (float)v.samples * (float)h.samples;
    for (int by = 0; by < P; by++)
        for (int bx = 0; bx < P; bx++, out += C) {
            add_samples(j, map, &v, &h, by, bx, out);
            for (size_t c = 0; c < C; c++)
                out[c] /= count;
        }
}

static dp_tensor run(dp_run *r, const dp_features *maps, int P, int samples,
                     const dp_box *boxes, const int *level, int N)
{
    const int C = maps->count > 0 ? maps->map[0].C : 0;
    for (int i = 0; i < maps->count; i++)
        if (maps->map[i].C != C || maps->map[i].N != 1)
            dp_run_fail(r, DP_ESHAPE,
                        "RoIAlign: found map %d of %d images and %d channels, expected "
                        "1 image and %d channels",
                        i, maps->map[i].N, maps->map[i].C, C);
    struct job j = {r->kernels, maps, boxes, level, dp_run_tensor(r, N, P, P, C),
                    samples};
    if (!r->dry)
        dp_parallel(r->pool, N, align_box, &j);
    return j.out;
}

dp_tensor dp_roi_align_run(dp_run *r, const dp_features *maps, int P,
                           const dp_box *boxes, const int *level, int N)
{
    return run(r, maps, P, 0, boxes, level, N);
}

dp_tensor dp_roi_align_sampled_run(dp_run *r, const dp_features *maps, int P,
                                   int samples, const dp_box *boxes, const int *level,
                                   int N)
{
    return run(r, maps, P, samples, boxes, level, N);
}
