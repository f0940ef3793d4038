#include "train/evaluation.h"

#include "train/classification_loss.h"

#include <math.h>

enum { FIVE = 5 };

/* How many classes come before the label; K when a logit is not finite. */
static int rank_of(const float *logits, int label, int K)
{
    int before = 0;
    for (int k = 0; k < K; k++) {
        if (!isfinite(logits[k]))
            return K;
        before +=
            logits[k] > logits[label] || (k < label && !(logits[k] < logits[label]));
    }
    return before;
}

void dp_evaluation_add(dp_evaluation_sums *sums, const float *logits, const int *labels,
                       int N, int K)
{
    sums->images += N;
    sums->loss += dp_loss_hard(NULL, logits, labels, N, K, 0) * N;
    for (int n = 0; n < N; n++) {
        const int rank = rank_of(logits + (size_t)n * (size_t)K, labels[n], K);
        sums->first += rank < 1;
        sums->five += rank < FIVE && rank < K;
    }
}

dp_status dp_evaluation_run(dp_error *err, dp_evaluation_sums *sums, bool *whole,
                            dp_network *network, dp_loader *loader,
                            bool (*go_on)(void *arg, size_t done), void *arg)
{
    const int K = dp_network_classes(network);
    *sums = (dp_evaluation_sums){0};
    *whole = false;
    for (;;) {
        dp_batch batch;
        const float *logits;
        if (go_on && !go_on(arg, (size_t)sums->images))
            return DP_OK;
        dp_status st = dp_loader_next(err, loader, &batch);
        if (st == DP_OK && batch.images.N == 0)
            break;
        if (st == DP_OK)
            st = dp_network_predict(err, network, batch.images, &logits);
        if (st != DP_OK)
            return st;
        dp_evaluation_add(sums, logits, batch.labels, batch.images.N, K);
    }
    *whole = true;
    return DP_OK;
}
