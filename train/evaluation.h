/* evaluation.h - how well a classifier does on images that it was not trained on
 */
#ifndef DP_TRAIN_EVALUATION_H
#define DP_TRAIN_EVALUATION_H

#include "train/loader.h"
#include "train/network.h"

/* Sums over images. */
typedef struct dp_evaluation_sums {
    double images, loss; /* the loss is cross entropy without smoothing */
    double first,
        five; /* images whose class has the highest logit, one of the five highest */
} dp_evaluation_sums;

/* Add a batch of N images with K logits each. Of equal logits the lower class comes first;
 * an image with a logit that is not finite counts as wrong. */
void dp_evaluation_add(dp_evaluation_sums *sums, const float *logits, const int *labels,
                       int N, int K);

/* Run the network on what the loader gives, to its end, after each batch calling `go_on` (NULL:
 * always) with the images done; false ends it. DP_OK with *whole false then. What
 * dp_loader_next and dp_network_predict return. */
dp_status dp_evaluation_run(dp_error *err, dp_evaluation_sums *sums, bool *whole,
                            dp_network *network, dp_loader *loader,
                            bool (*go_on)(void *arg, size_t done),
                            void *arg) DP_MUST_CHECK;

#endif
