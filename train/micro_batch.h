/* micro_batch.h - a batch mixed, run forward, and its gradients added to the network's
 */
#ifndef DP_TRAIN_MICRO_BATCH_H
#define DP_TRAIN_MICRO_BATCH_H

#include "train/epochs.h"
#include "train/loader.h"
#include "train/network.h"

/* What is needed for it, made once. */
typedef struct dp_micro_batch {
    const dp_epochs *epochs;
    dp_network *network;
    dp_pool *pool;
    int K;
    dp_mix *mixes;        /* owned: of all processes, by place */
    dp_mix *own;          /* owned: of this one's images       */
    float *targets;       /* owned: (batch, K)                 */
    float *gradient;      /* owned: (batch, K), of the logits  */
    double *drop_rates;   /* owned: one a branch               */
    bool *keep;           /* owned: by place, of a branch      */
    dp_random drop_draws; /* of the micro-batch under way      */
} dp_micro_batch;

/* DP_ENOMEM; m is empty then. All that is given stays in place until dp_micro_batch_done. */
dp_status dp_micro_batch_init(dp_error *err, dp_micro_batch *m, const dp_epochs *epochs,
                              dp_network *network, dp_pool *pool) DP_MUST_CHECK;

/* Micro-batch `index` of an epoch, from 0; the images of the batch are changed. *loss is its
 * mean over the images of all processes. The gradients that are added are those of the loss divided
 * by the micro-batches of a step. When the loss is not finite nothing is added. DP_ENOMEM,
 * DP_ESHAPE. */
dp_status dp_micro_batch_run(dp_error *err, dp_micro_batch *m, const dp_batch *batch,
                             int epoch, int index, double *loss) DP_MUST_CHECK;

/* A zeroed one is allowed. */
void dp_micro_batch_done(dp_micro_batch *m);

#endif
