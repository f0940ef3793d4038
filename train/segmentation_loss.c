#include "train/segmentation_loss.h"

#include "postprocess/label_map.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* A target's row, of which the loss goes back to two rows of the logits. */
typedef struct row_result {
    double loss;
    double right; /* pixels */
} row_result;

typedef struct job {
    dp_tensor z;
    const dp_segmentation_target *t;
    float *gradient;
    row_result *results; /* one of the target's N * H rows                     */
    float *rows;         /* the same: its gradient by column of the logits     */
    double *pixels;      /* the same: K logits of a pixel                      */
} job;

static size_t row_size(dp_tensor z)
{
    return (size_t)z.W * (size_t)z.C;
}

static size_t target_rows(dp_tensor z, const dp_segmentation_target *t)
{
    return (size_t)z.N * (size_t)t->H;
}

size_t dp_segmentation_loss_scratch(dp_tensor z, const dp_segmentation_target *t)
{
    const size_t doubles = sizeof(double) / sizeof(float);
    return target_rows(z, t) * (2 * doubles + doubles * (size_t)z.C + row_size(z));
}

/* The logits of a pixel, resized in both directions. */
static void find_pixel(double *out, const float *const *rows, dp_blend y, dp_blend x,
                       int K)
{
    for (int k = 0; k < K; k++) {
        double line[2];
        for (int i = 0; i < 2; i++) {
            const double a = (double)rows[i][(size_t)x.first * (size_t)K + (size_t)k];
            const double b = (double)rows[i][(size_t)x.second * (size_t)K + (size_t)k];
            line[i] = a * (double)x.low + b * (double)x.high;
        }
        out[k] = line[0] * (double)y.low + line[1] * (double)y.high;
    }
}

/* Logits become the gradient of -log softmax at the label. Returns that loss. */
static double find_loss(double *z, int label, int K, bool *right)
{
    int best = 0;
    double sum = 1; /* of exponentials, that of the largest logit first */
    for (int k = 1; k < K; k++)
        if (z[k] > z[best])
            best = k;
    const double most = z[best], at_label = z[label];
    for (int k = 0; k < K; k++) {
        z[k] = exp(z[k] - most);
        sum += k != best ? z[k] : 0;
    }
    for (int k = 0; k < K; k++)
        z[k] /= sum;
    z[label] -= 1;
    *right = best == label;
    return log(sum) + most - at_label;
}

static void loss_row(void *arg, int item, int worker)
{
    const job *j = arg;
    (void)worker;
    const dp_tensor z = j->z;
    const int K = z.C, n = item / j->t->H;
    const dp_blend y = dp_blend_get(item % j->t->H, z.H, j->t->H);
    const float *const rows[2] = {dp_tensor_cell(z, n, y.first, 0),
                                  dp_tensor_cell(z, n, y.second, 0)};
    const uint8_t *labels = j->t->labels + (size_t)item * (size_t)j->t->W;
    float *to = j->rows + (size_t)item * row_size(z);
    double *pixel = j->pixels + (size_t)item * (size_t)K;
    row_result sum = {0, 0};
    memset(to, 0, row_size(z) * sizeof *to);
    for (int i = 0; i < j->t->W; i++) {
        if (labels[i] == DP_LABEL_IGNORED)
            continue;
        bool right;
        const dp_blend x = dp_blend_get(i, z.W, j->t->W);
        find_pixel(pixel, rows, y, x, K);
        sum.loss += find_loss(pixel, labels[i], K, &right);
        sum.right += right;
        for (int k = 0; k < K; k++) {
            to[x.first * K + k] += (float)(pixel[k] * (double)x.low);
            to[x.second * K + k] += (float)(pixel[k] * (double)x.high);
        }
    }
    j->results[item] = sum;
}

/* A row of the gradient, from the target's rows that read it, in order. */
static void gather_row(void *arg, int item, int worker)
{
    const job *j = arg;
    (void)worker;
    const dp_tensor z = j->z;
    const int n = item / z.H, row = item % z.H, H = j->t->H;
    const double scale =
        j->t->weight / ((double)target_rows(z, j->t) * (double)j->t->W);
    float *to = j->gradient + (size_t)item * row_size(z);
    memset(to, 0, row_size(z) * sizeof *to);
    for (int i = 0; i < H; i++) {
        const dp_blend y = dp_blend_get(i, z.H, H);
        const double part = (y.first == row ? (double)y.low : 0) +
                            (y.second == row ? (double)y.high : 0);
        if (y.first != row && y.second != row)
            continue;
        const float *from = j->rows + (size_t)(n * H + i) * row_size(z);
        for (size_t k = 0; k < row_size(z); k++)
            to[k] += (float)((double)from[k] * part * scale);
    }
}

dp_segmentation_loss dp_segmentation_loss_run(dp_pool *pool, float *gradient,
                                              dp_tensor z,
                                              const dp_segmentation_target *t,
                                              float *scratch)
{
    const size_t rows = target_rows(z, t);
    job j = {
        .z = z, .t = t, .gradient = gradient, .results = (row_result *)(void *)scratch};
    j.pixels = (double *)(j.results + rows);
    j.rows = (float *)(void *)(j.pixels + rows * (size_t)z.C);
    dp_parallel(pool, (int)rows, loss_row, &j);
    dp_parallel(pool, z.N * z.H, gather_row, &j);
    dp_segmentation_loss sum = {0, 0};
    for (size_t i = 0; i < rows; i++) {
        sum.loss += j.results[i].loss;
        sum.right += j.results[i].right;
    }
    const double pixels = (double)rows * (double)t->W;
    return (dp_segmentation_loss){sum.loss * t->weight / pixels,
                                  100 * sum.right / pixels};
}
