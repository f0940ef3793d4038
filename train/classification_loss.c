#include "train/classification_loss.h"

#include <math.h>
#include <stddef.h>

/* A row's softmax is exp(z - log_sum). */
static double log_sum_of(const float *logits, int K)
{
    double most = (double)logits[0];
    for (int k = 1; k < K; k++)
        most = (double)logits[k] > most ? (double)logits[k] : most;
    double sum = exp((double)logits[0] - most);
    for (int k = 1; k < K; k++)
        sum += exp((double)logits[k] - most);
    return most + log(sum);
}

/* What the target of class k is: of a soft target, or of a label. */
struct target {
    const float *soft; /* NULL: a label */
    int label;
    double smoothing;
};

static double target_at(const struct target *t, int k, int K)
{
    if (t->soft)
        return (double)t->soft[k];
    return (k == t->label ? 1 - t->smoothing : 0) + t->smoothing / K;
}

/* One row's loss; its gradient, for a mean of N rows. */
static double row_loss(float *gradient, const float *logits, const struct target *t,
                       int N, int K)
{
    const double log_sum = log_sum_of(logits, K);
    double loss = 0, sum = 0;
    for (int k = 0; k < K; k++) {
        const double target = target_at(t, k, K);
        loss += target * (log_sum - (double)logits[k]);
        sum += target;
    }
    for (int k = 0; gradient && k < K; k++) {
        const double q = exp((double)logits[k] - log_sum);
        gradient[k] = (float)((q * (t->soft ? sum : 1) - target_at(t, k, K)) / N);
    }
    return loss;
}

double dp_loss_soft(float *gradient, const float *logits, const float *targets, int N,
                    int K)
{
    double loss = 0;
    for (int n = 0; n < N; n++) {
        const size_t at = (size_t)n * (size_t)K;
        const struct target t = {.soft = targets + at};
        loss += row_loss(gradient ? gradient + at : NULL, logits + at, &t, N, K);
    }
    return N > 0 ? loss / N : 0;
}

double dp_loss_hard(float *gradient, const float *logits, const int *labels, int N,
                    int K, double smoothing)
{
    double loss = 0;
    for (int n = 0; n < N; n++) {
        const size_t at = (size_t)n * (size_t)K;
        const struct target t = {.label = labels[n], .smoothing = smoothing};
        loss += row_loss(gradient ? gradient + at : NULL, logits + at, &t, N, K);
    }
    return N > 0 ? loss / N : 0;
}
