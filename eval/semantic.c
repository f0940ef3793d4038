#define _POSIX_C_SOURCE 200809L /* access */
#include "eval/semantic.h"

#include "base/memory.h"
#include "core/label_map.h"
#include "io/image/png.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VALUES = DP_SEMANTIC_VALUES };

/* ---- settings ------------------------------------------------------------------------- */

static void forbid_all(int16_t *class_of)
{
    for (int v = 0; v < VALUES; v++)
        class_of[v] = DP_SEMANTIC_BEYOND;
}

dp_status dp_semantic_settings_init(dp_error *err, dp_semantic_settings *s, int classes,
                                    int offset)
{
    if (classes < 1 || classes > VALUES || offset < 0 || offset > VALUES - classes)
        return dp_fail(err, DP_EARG,
                       "%d classes from label value %d on do not fit in 0 to %d",
                       classes, offset, VALUES - 1);
    *s = (dp_semantic_settings){.classes = classes};
    forbid_all(s->class_of);
    for (int c = 0; c < classes; c++)
        s->class_of[offset + c] = (int16_t)c;
    return DP_OK;
}

dp_status dp_semantic_settings_of_dataset(dp_error *err, dp_semantic_settings *s,
                                          const dp_dataset *dataset)
{
    *s = (dp_semantic_settings){.classes = dataset->count};
    forbid_all(s->class_of);
    for (int c = 0; c < dataset->count; c++) {
        const dp_class *class = &dataset->list[c];
        if (class->id < 0 || class->id >= VALUES)
            return dp_fail(err, DP_ECONFIG,
                           "data set %s: class %s: found id %d, expected 0 to %d for a "
                           "label map",
                           dataset->name, class->name, class->id, VALUES - 1);
        s->class_of[class->id] = (int16_t)c;
    }
    return DP_OK;
}

void dp_semantic_settings_ignore_usual(dp_semantic_settings *s)
{
    static const int usual[] = {0, 255};
    for (int i = 0; i < 2; i++)
        if (s->class_of[usual[i]] < 0)
            s->class_of[usual[i]] = DP_SEMANTIC_IGNORED;
}

dp_status dp_semantic_settings_offset_predictions(dp_error *err,
                                                  dp_semantic_settings *s, int offset)
{
    dp_semantic_settings own;
    const dp_status st = dp_semantic_settings_init(err, &own, s->classes, offset);
    if (st != DP_OK)
        return st;
    s->own_predictions = true;
    for (int v = 0; v < VALUES; v++)
        s->class_predicted[v] =
            own.class_of[v] < 0 && s->class_of[v] == DP_SEMANTIC_IGNORED
                ? DP_SEMANTIC_IGNORED
                : own.class_of[v];
    return DP_OK;
}

const int16_t *dp_semantic_settings_predicted(const dp_semantic_settings *s)
{
    return s->own_predictions ? s->class_predicted : s->class_of;
}

int dp_semantic_settings_value(const dp_semantic_settings *s, int class)
{
    for (int v = 0; v < VALUES; v++)
        if (s->class_of[v] == class)
            return v;
    return -1; /* an ignored class */
}

const char *dp_semantic_kind_name(dp_semantic_kind kind)
{
    static const char *const names[DP_SEMANTIC_KINDS] = {
        [DP_SEMANTIC_GOOD] = "good",
        [DP_SEMANTIC_NO_PREDICTION] = "missing prediction",
        [DP_SEMANTIC_UNREADABLE] = "unreadable label map",
        [DP_SEMANTIC_SIZE] = "size mismatch",
        [DP_SEMANTIC_TRUTH_BEYOND] = "true label beyond the classes",
        [DP_SEMANTIC_PREDICTION_BEYOND] = "predicted label beyond the classes"};
    return names[kind];
}

/* ---- one pair -------------------------------------------------------------------------- */

/* What one worker has to itself. */
struct worker {
    dp_error err;
    dp_label_map truth, prediction;
    uint32_t *pairs;     /* (256, 256): pixels of one image by both values     */
    uint64_t *confusion; /* of the images so far                               */
    dp_status status;    /* DP_ENOMEM once memory ran out                      */
};

struct counting {
    const dp_semantic_settings *settings;
    dp_semantic_pair *pairs;
    struct worker *workers;
};

/* Maps are mostly long runs of one pair of values: eight pixels at a time as long as all
 * are the pair that came last, one by one where not. */
static void count_pixels(uint32_t *pairs, const uint8_t *truth,
                         const uint8_t *prediction, size_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t all_t = 0, all_p = 0; /* the last pair, eight times */
    uint32_t run = 0;              /* of it, still to be added   */
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t ts, ps;
        memcpy(&ts, truth + i, 8);
        memcpy(&ps, prediction + i, 8);
        if (((ts ^ all_t) | (ps ^ all_p)) == 0) {
            run += 8;
            continue;
        }
        pairs[(all_t & 255) * VALUES + (all_p & 255)] += run;
        run = 0;
        for (size_t k = i; k < i + 8; k++)
            pairs[truth[k] * VALUES + prediction[k]]++;
        all_t = truth[i + 7] * ones;
        all_p = prediction[i + 7] * ones;
    }
    pairs[(all_t & 255) * VALUES + (all_p & 255)] += run;
    for (; i < n; i++)
        pairs[truth[i] * VALUES + prediction[i]]++;
}

static void note_problem(dp_semantic_pair *pair, struct worker *b,
                         dp_semantic_kind kind)
{
    pair->kind = kind;
    if (dp_strdup(&b->err, &pair->problem, b->err.text) != DP_OK)
        b->status = DP_ENOMEM;
}

/* False: the pair is bad, and has its problem. */
static bool load(dp_semantic_pair *pair, struct worker *b)
{
    dp_status st = dp_png_load_labels(&b->err, &b->truth, pair->truth);
    if (st == DP_OK) {
        if (access(pair->prediction, F_OK) != 0) {
            dp_fail(&b->err, DP_EIO, "%s: there is no prediction for %s",
                    pair->prediction, pair->truth);
            note_problem(pair, b, DP_SEMANTIC_NO_PREDICTION);
            return false;
        }
        st = dp_png_load_labels(&b->err, &b->prediction, pair->prediction);
    }
    if (st == DP_ENOMEM) {
        b->status = st;
        return false;
    }
    if (st != DP_OK) {
        note_problem(pair, b, DP_SEMANTIC_UNREADABLE);
        return false;
    }
    if (b->truth.h == b->prediction.h && b->truth.w == b->prediction.w)
        return true;
    dp_fail(&b->err, DP_ESHAPE,
            "%s: found %d x %d pixels (width x height), expected %d x %d as in %s",
            pair->prediction, b->prediction.w, b->prediction.h, b->truth.w, b->truth.h,
            pair->truth);
    note_problem(pair, b, DP_SEMANTIC_SIZE);
    return false;
}

static void note_label(dp_semantic_pair *pair, struct worker *b, int value,
                       uint64_t pixels, dp_semantic_kind kind)
{
    dp_fail(&b->err, DP_EFORMAT, "%s: label %d, of %llu pixels, is no class",
            kind == DP_SEMANTIC_TRUTH_BEYOND ? pair->truth : pair->prediction, value,
            (unsigned long long)pixels);
    note_problem(pair, b, kind);
}

/* The pixels of each predicted value, where the truth is t. */
static const uint32_t *row_of(const struct worker *b, int t)
{
    return b->pairs + t * VALUES;
}

/* The values that occur in the truth: a few of 256. Returns how many. */
static int find_rows(uint8_t *rows, const struct worker *b)
{
    int count = 0;
    for (int t = 0; t < VALUES; t++) {
        uint32_t any = 0;
        for (int p = 0; p < VALUES; p++)
            any |= row_of(b, t)[p];
        if (any)
            rows[count++] = (uint8_t)t;
    }
    return count;
}

/* Whether every value that counts is a class; else the pair has its problem. */
static bool check(dp_semantic_pair *pair, struct worker *b,
                  const dp_semantic_settings *s, const uint8_t *rows, int count)
{
    const int16_t *class_predicted = dp_semantic_settings_predicted(s);
    uint64_t predicted[VALUES] = {0};
    for (int i = 0; i < count; i++) {
        const int t = rows[i], class = s->class_of[t];
        uint64_t sum = 0;
        for (int p = 0; p < VALUES; p++) {
            sum += row_of(b, t)[p];
            predicted[p] += class >= 0 ? row_of(b, t)[p] : 0;
        }
        if (class == DP_SEMANTIC_BEYOND) {
            note_label(pair, b, t, sum, DP_SEMANTIC_TRUTH_BEYOND);
            return false;
        }
    }
    for (int p = 0; p < VALUES; p++)
        if (predicted[p] > 0 && class_predicted[p] == DP_SEMANTIC_BEYOND) {
            note_label(pair, b, p, predicted[p], DP_SEMANTIC_PREDICTION_BEYOND);
            return false;
        }
    return true;
}

/* Add a good pair to the worker's sums. */
static void add(dp_semantic_pair *pair, struct worker *b, const dp_semantic_settings *s,
                const uint8_t *rows, int count)
{
    const int16_t *class_predicted = dp_semantic_settings_predicted(s);
    const size_t columns = (size_t)s->classes + 1;
    for (int i = 0; i < count; i++) {
        const int c = s->class_of[rows[i]];
        for (int p = 0; p < VALUES && c >= 0; p++) {
            const uint32_t n = row_of(b, rows[i])[p];
            const int q = class_predicted[p] >= 0 ? class_predicted[p] : s->classes;
            b->confusion[(size_t)c * columns + (size_t)q] += n;
            pair->pixels += n;
            pair->correct += q == c ? n : 0;
        }
    }
}

static void count_pair(void *arg, int item, int worker)
{
    const struct counting *counting = arg;
    dp_semantic_pair *pair = &counting->pairs[item];
    struct worker *b = &counting->workers[worker];
    uint8_t values[VALUES];
    if (b->status != DP_OK || !load(pair, b))
        return;
    memset(b->pairs, 0, (size_t)VALUES * VALUES * sizeof *b->pairs);
    count_pixels(b->pairs, b->truth.labels, b->prediction.labels,
                 (size_t)b->truth.h * (size_t)b->truth.w);
    const int rows = find_rows(values, b);
    if (check(pair, b, counting->settings, values, rows)) {
        pair->kind = DP_SEMANTIC_GOOD;
        add(pair, b, counting->settings, values, rows);
    }
}

/* ---- all pairs ------------------------------------------------------------------------- */

static void workers_done(struct worker *workers, int count)
{
    for (int i = 0; workers && i < count; i++) {
        dp_label_map_done(&workers[i].truth);
        dp_label_map_done(&workers[i].prediction);
        dp_free(workers[i].pairs);
        dp_free(workers[i].confusion);
    }
    dp_free(workers);
}

static dp_status workers_new(dp_error *err, struct worker **out, int count,
                             size_t cells)
{
    void *memory;
    dp_status st =
        dp_alloc(err, &memory, (size_t)count, sizeof **out, "counts of label maps");
    struct worker *b = *out = memory;
    for (int i = 0; i < count && st == DP_OK; i++) {
        const dp_array arrays[] = {DP_ARRAY(b[i].pairs, (size_t)VALUES * VALUES),
                                   DP_ARRAY(b[i].confusion, cells)};
        st = dp_alloc_arrays(err, arrays, 2, "counts of label maps");
    }
    return st;
}

/* Put the workers' sums together. */
static dp_status gather(dp_error *err, dp_semantic_counts *c, struct worker *workers,
                        int count, size_t cells)
{
    for (int i = 0; i < count; i++)
        if (workers[i].status != DP_OK)
            return dp_fail(err, workers[i].status, "%s", workers[i].err.text);
    c->confusion = workers[0].confusion;
    workers[0].confusion = NULL;
    for (int i = 1; i < count; i++)
        for (size_t k = 0; k < cells; k++)
            c->confusion[k] += workers[i].confusion[k];
    return DP_OK;
}

dp_status dp_semantic_count(dp_error *err, dp_semantic_counts *c,
                            const dp_semantic_settings *settings,
                            dp_semantic_pair *pairs, size_t count, dp_pool *pool)
{
    const size_t cells = (size_t)settings->classes * ((size_t)settings->classes + 1);
    const int threads = dp_pool_threads(pool);
    struct worker *workers;
    *c = (dp_semantic_counts){.settings = *settings};
    if (count > INT_MAX)
        return dp_fail(err, DP_EARG, "label maps: found %zu, expected at most %d",
                       count, INT_MAX);
    dp_status st = workers_new(err, &workers, threads, cells);
    if (st == DP_OK) {
        struct counting counting = {settings, pairs, workers};
        dp_parallel(pool, (int)count, count_pair, &counting);
        st = gather(err, c, workers, threads, cells);
    }
    workers_done(workers, threads);
    for (size_t i = 0; i < count; i++)
        c->bad[pairs[i].kind]++;
    c->images = c->bad[DP_SEMANTIC_GOOD];
    c->bad[DP_SEMANTIC_GOOD] = 0;
    return st;
}

void dp_semantic_counts_done(dp_semantic_counts *c)
{
    dp_free(c->confusion);
    c->confusion = NULL;
}

/* ---- predictions counted from another value --------------------------------------------- */

uint64_t dp_semantic_count_shifted(const dp_semantic_counts *c, int shift)
{
    const int K = c->settings.classes;
    uint64_t right = shift == 1 ? c->confusion[K] : 0;
    for (int t = 0; t < K; t++)
        if (t - shift >= 0 && t - shift < K)
            right += c->confusion[(size_t)t * ((size_t)K + 1) + (size_t)(t - shift)];
    return right;
}

int dp_semantic_find_shift(const dp_semantic_counts *c)
{
    const size_t cells =
        (size_t)c->settings.classes * ((size_t)c->settings.classes + 1);
    const uint64_t as_it_is = dp_semantic_count_shifted(c, 0);
    uint64_t pixels = 0;
    for (size_t i = 0; i < cells; i++)
        pixels += c->confusion[i];
    for (int shift = -1; shift <= 1; shift += 2) {
        const uint64_t right = dp_semantic_count_shifted(c, shift);
        if (right > as_it_is && right >= pixels / 4)
            return shift;
    }
    return 0;
}

/* ---- numbers --------------------------------------------------------------------------- */

static double ratio(uint64_t part, uint64_t all)
{
    return all > 0 ? (double)part / (double)all : (double)NAN;
}

/* numpy's sum: up to 128 terms in eight interleaved sums, more by halves. Other orders
 * differ in the last digit. */
static double sum_pairwise(const double *x, size_t n)
{
    double r[8], sum = 0;
    size_t i = 0;
    if (n > 128) {
        const size_t half = n / 2 - n / 2 % 8;
        return sum_pairwise(x, half) + sum_pairwise(x + half, n - half);
    }
    if (n >= 8) {
        memcpy(r, x, sizeof r);
        for (i = 8; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++)
                r[k] += x[i + k];
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

/* Mean of those that are numbers; NaN when none is. */
static double mean_of_numbers(const double *x, size_t n)
{
    double plain[VALUES];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        plain[i] = isnan(x[i]) ? 0 : x[i];
        count += isnan(x[i]) ? 0 : 1;
    }
    return count > 0 ? sum_pairwise(plain, n) / (double)count : (double)NAN;
}

dp_semantic_scores dp_semantic_score(const dp_semantic_counts *c,
                                     dp_semantic_class *classes)
{
    const size_t K = (size_t)c->settings.classes;
    dp_semantic_scores s = {0};
    uint64_t correct = 0;
    double iou[VALUES], acc[VALUES];
    memset(classes, 0, K * sizeof *classes);
    for (size_t t = 0; t < K; t++) {
        const uint64_t *row = c->confusion + t * (K + 1);
        for (size_t p = 0; p < K; p++) {
            classes[t].label += row[p];
            classes[p].pred += row[p];
        }
        classes[t].label += row[K];
        classes[t].intersect = row[t];
        s.unassigned += row[K];
        s.pixels += classes[t].label;
        correct += row[t];
    }
    for (size_t k = 0; k < K; k++) {
        dp_semantic_class *x = &classes[k];
        x->iou = ratio(x->intersect, x->label + x->pred - x->intersect);
        x->acc = ratio(x->intersect, x->label);
        iou[k] = x->iou;
        acc[k] = x->acc;
    }
    s.a_acc = ratio(correct, s.pixels);
    s.m_iou = mean_of_numbers(iou, K);
    s.m_acc = mean_of_numbers(acc, K);
    return s;
}
