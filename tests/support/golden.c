#include "tests/support/golden.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128 };

golden golden_open(const char *format, ...)
{
    char name[NAME], path[200];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    return golden_open_path(path);
}

golden golden_open_path(const char *path)
{
    golden g = {0};
    dp_error err = {0};
    snprintf(g.path, sizeof g.path, "%s", path);
    ck_assert_msg(dp_checkpoint_open(&err, &g.file, g.path) == DP_OK, "%s", err.text);
    return g;
}

void golden_close(golden *g)
{
    dp_checkpoint_close(g->file);
    g->file = NULL;
}

const dp_named_tensor *golden_find(const golden *g, const char *name)
{
    return dp_checkpoint_find(g->file, name);
}

const dp_named_tensor *golden_get(const golden *g, const char *name)
{
    const dp_named_tensor *t = golden_find(g, name);
    ck_assert_msg(t != NULL, "%s has no %s", g->path, name);
    return t;
}

/* The tensor name + suffix. */
static const dp_named_tensor *beside(const golden *g, const char *name,
                                     const char *suffix)
{
    char full[2 * NAME];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    return golden_find(g, full);
}

/* ---- values ---------------------------------------------------------------------- */

static double read_value(const dp_named_tensor *t, size_t i)
{
    const char *at = (const char *)t->data + i * dp_dtype_size(t->dtype);
    double f64;
    float f32;
    int32_t i32;
    int64_t i64;
    switch (t->dtype) {
    case DP_DTYPE_F64:
        return memcpy(&f64, at, sizeof f64), f64;
    case DP_DTYPE_F32:
        return memcpy(&f32, at, sizeof f32), (double)f32;
    case DP_DTYPE_I32:
        return memcpy(&i32, at, sizeof i32), (double)i32;
    case DP_DTYPE_I64:
        return memcpy(&i64, at, sizeof i64), (double)i64;
    case DP_DTYPE_U8:
    case DP_DTYPE_BOOL:
        return (double)*(const unsigned char *)at;
    default:
        break;
    }
    ck_abort_msg("%s is of type %s", t->name, dp_dtype_name(t->dtype));
    return 0;
}

static size_t count_of(const dp_named_tensor *t, size_t *count)
{
    const size_t n = dp_named_tensor_count(t);
    if (count)
        *count = n;
    return n;
}

double *golden_doubles(const golden *g, const char *name, size_t *count)
{
    const dp_named_tensor *t = golden_get(g, name);
    const size_t n = count_of(t, count);
    double *values = malloc((n + 1) * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = read_value(t, i);
    return values;
}

float *golden_floats(const golden *g, const char *name, size_t *count)
{
    const dp_named_tensor *t = golden_get(g, name);
    float *values = malloc((count_of(t, count) + 1) * sizeof *values);
    ck_assert_msg(dp_named_tensor_to_f32(t, values), "%s is of type %s", name,
                  dp_dtype_name(t->dtype));
    return values;
}

int *golden_ints(const golden *g, const char *name, size_t *count)
{
    const dp_named_tensor *t = golden_get(g, name);
    const size_t n = count_of(t, count);
    int *values = malloc((n + 1) * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = (int)read_value(t, i);
    return values;
}

/* ---- extents --------------------------------------------------------------------- */

/* Which extent of N, C, H, W each of an array's is, by its rank. */
static const int extents[5][4] = {{0}, {0}, {0, 1}, {0, 2, 3}, {0, 1, 2, 3}};

/* What an array stands for: itself, or what it was sampled from. */
typedef struct extent {
    int n[4]; /* N, C, H, W */
} extent;

static extent extent_of(const golden *g, const char *name)
{
    extent e = {{1, 1, 1, 1}};
    const dp_named_tensor *t = golden_get(g, name);
    const dp_named_tensor *whole = beside(g, name, ".shape");
    const int rank = whole ? (int)whole->shape[0] : t->rank;
    ck_assert_msg(rank >= 1 && rank <= 4, "%s: rank %d", name, rank);
    for (int d = 0; d < rank; d++)
        e.n[extents[rank][d]] =
            whole ? (int)read_value(whole, (size_t)d) : (int)t->shape[d];
    return e;
}

/* A place in a map, from a row-major index over N, C, H, W. */
typedef struct place {
    size_t n, c, y, x;
} place;

static place place_of(const extent *e, size_t index)
{
    const size_t C = (size_t)e->n[1], H = (size_t)e->n[2], W = (size_t)e->n[3];
    return (place){.n = index / (W * H * C),
                   .c = index / (W * H) % C,
                   .y = index / W % H,
                   .x = index % W};
}

static size_t channels_last(const extent *e, place p)
{
    const size_t C = (size_t)e->n[1], H = (size_t)e->n[2], W = (size_t)e->n[3];
    return ((p.n * H + p.y) * W + p.x) * C + p.c;
}

dp_tensor golden_tensor(const golden *g, const char *name)
{
    const extent e = extent_of(g, name);
    size_t count;
    float *values = golden_floats(g, name, &count);
    float *data = malloc((count + 1) * sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[channels_last(&e, place_of(&e, i))] = values[i];
    free(values);
    return (dp_tensor){data, e.n[0], e.n[2], e.n[3], e.n[1]};
}

/* ---- comparison ------------------------------------------------------------------ */

/* The allowed difference at element i. */
typedef struct bound {
    double factor;
    const dp_named_tensor *each; /* of each element, or one for all; times factor */
} bound;

static double allowed(const bound *b, size_t i)
{
    return b->factor * read_value(b->each, dp_named_tensor_count(b->each) == 1 ? 0 : i);
}

/* The difference as a part of what is allowed; infinite when either is not a number. */
static double share(double got, double want, double most)
{
    const double off = fabs(got - want);
    if (off == 0)
        return 0;
    return isfinite(off) ? off / most : HUGE_VAL;
}

static void expect_extents(const char *name, dp_tensor got, const extent *e)
{
    ck_assert_msg(
        got.N == e->n[0] && got.C == e->n[1] && got.H == e->n[2] && got.W == e->n[3],
        "%s: found %d x %d x %d x %d (N, C, H, W), expected %d x %d x %d x %d", name,
        got.N, got.C, got.H, got.W, e->n[0], e->n[1], e->n[2], e->n[3]);
}

static double compare(const golden *g, const char *name, dp_tensor got, bound b)
{
    const dp_named_tensor *t = golden_get(g, name), *at = beside(g, name, ".at");
    const extent e = extent_of(g, name);
    expect_extents(name, got, &e);
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < dp_named_tensor_count(t); i++) {
        const place p = place_of(&e, at ? (size_t)read_value(at, i) : i);
        const double value = (double)got.data[channels_last(&e, p)];
        const double off = share(value, read_value(t, i), allowed(&b, i));
        if (off > worst) {
            worst = off;
            where = i;
        }
    }
    const place p = place_of(&e, at ? (size_t)read_value(at, where) : where);
    ck_assert_msg(
        worst <= 1,
        "%s: %s: found %.9g, expected %.9g within %.2g, at n %zu, channel %zu, "
        "row %zu, column %zu",
        g->path, name, (double)got.data[channels_last(&e, p)], read_value(t, where),
        allowed(&b, where), p.n, p.c, p.y, p.x);
    return worst;
}

double golden_check(const golden *g, const char *name, dp_tensor got)
{
    const dp_named_tensor *noise = beside(g, name, ".noise");
    ck_assert_msg(noise != NULL, "%s has no %s.noise", g->path, name);
    return compare(g, name, got, (bound){GOLDEN_FACTOR, noise});
}

double golden_check_sum(const golden *g, const char *name, dp_tensor got,
                        double roundings)
{
    const dp_named_tensor *magnitude = beside(g, name, ".magnitude");
    ck_assert_msg(magnitude != NULL, "%s has no %s.magnitude", g->path, name);
    return compare(g, name, got, (bound){roundings * (double)FLT_EPSILON, magnitude});
}

/* Boxes and scores of a file, with what is allowed of each. */
typedef struct box_rows {
    const dp_named_tensor *boxes, *scores;
    bound box, score;
} box_rows;

/* How far a box and its score are from row i. */
static double row_share(const box_rows *r, size_t i, dp_box got, float score)
{
    const float mine[4] = {got.x1, got.y1, got.x2, got.y2};
    double off = share((double)score, read_value(r->scores, i), allowed(&r->score, i));
    for (size_t k = 0; k < 4; k++)
        off = fmax(off, share((double)mine[k], read_value(r->boxes, i * 4 + k),
                              allowed(&r->box, i)));
    return off;
}

double golden_check_boxes(const golden *g, const char *name, const dp_box *got,
                          const float *scores, size_t count)
{
    char of_scores[NAME];
    snprintf(of_scores, sizeof of_scores, "%s.scores", name);
    const box_rows rows = {golden_get(g, name),
                           golden_get(g, of_scores),
                           {GOLDEN_FACTOR, beside(g, name, ".noise")},
                           {GOLDEN_FACTOR, beside(g, of_scores, ".noise")}};
    const size_t expected = (size_t)rows.boxes->shape[0];
    ck_assert_msg(count == expected, "%s: %s: found %zu, expected %zu", g->path, name,
                  count, expected);
    double worst = 0;
    char *taken = calloc(count + 1, 1);
    for (size_t i = 0; i < count; i++) {
        size_t best = count;
        double nearest = HUGE_VAL;
        for (size_t j = 0; j < count; j++) {
            const double off = row_share(&rows, i, got[j], scores[j]);
            if (!taken[j] && off < nearest) {
                nearest = off;
                best = j;
            }
        }
        ck_assert_msg(nearest <= 1, "%s: %s %zu (score %.6f) has no partner", g->path,
                      name, i, read_value(rows.scores, i));
        taken[best] = 1;
        worst = fmax(worst, nearest);
    }
    free(taken);
    return worst;
}
