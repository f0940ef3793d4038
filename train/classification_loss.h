/* classification_loss.h - cross entropy of a classifier, and its gradient
 *
 *   logits, gradient, targets   (N, K) float32, dense: a row an image, a column a class
 *   labels                      (N) class indices
 *
 * The loss is the mean over the N rows. With q = softmax of a row:
 *
 *   soft   -sum of t log q            gradient (q sum(t) - t) / N
 *   hard   (1 - e)(-log q[y]) + e (-mean of log q)
 *                                     gradient (q - (1 - e) [y] - e / K) / N
 *
 * Computed in float64 and rounded once, to the gradient. N = 0 gives a loss of 0; K >= 1. Logits
 * that are NaN or infinite give a loss that is NaN: the trainer stops on it.
 */
#ifndef DP_TRAIN_CLASSIFICATION_LOSS_H
#define DP_TRAIN_CLASSIFICATION_LOSS_H

/* Against soft targets, as Mixup makes them. gradient may be NULL. */
double dp_loss_soft(float *gradient, const float *logits, const float *targets, int N,
                    int K);

/* Against labels with smoothing e in [0, 1); 0 is plain cross entropy. Labels are in [0,
 * K). gradient may be NULL. */
double dp_loss_hard(float *gradient, const float *logits, const int *labels, int N,
                    int K, double smoothing);

#endif
