#include "train/micro_batch.h"

#include "base/memory.h"
#include "train/classification_loss.h"
#include "train/drop_path.h"
#include "train/purpose.h"
#include "train/ranks.h"

#include <math.h>

enum { CHANNELS = 3 };

dp_status dp_micro_batch_init(dp_error *err, dp_micro_batch *m, const dp_epochs *epochs,
                              dp_network *network, dp_pool *pool)
{
    const size_t batch = (size_t)epochs->training->batch;
    const size_t most = (size_t)dp_epochs_micro_batch(epochs);
    const int branches = dp_network_branches(network);
    *m = (dp_micro_batch){.epochs = epochs,
                          .network = network,
                          .pool = pool,
                          .K = dp_network_classes(network)};
    const size_t logits = batch * (size_t)m->K;
    const dp_array arrays[] = {DP_ARRAY(m->mixes, most),
                               DP_ARRAY(m->own, batch),
                               DP_ARRAY(m->targets, logits),
                               DP_ARRAY(m->gradient, logits),
                               DP_ARRAY(m->drop_rates, (size_t)branches),
                               DP_ARRAY(m->keep, most)};
    const dp_status st = dp_alloc_arrays(err, arrays, sizeof arrays / sizeof *arrays,
                                         "a batch of targets");
    if (st != DP_OK)
        dp_micro_batch_done(m);
    else if (branches > 0)
        dp_network_branch_rates(network, m->drop_rates, epochs->training->drop_path);
    return st;
}

void dp_micro_batch_done(dp_micro_batch *m)
{
    dp_free(m->mixes);
    dp_free(m->own);
    dp_free(m->targets);
    dp_free(m->gradient);
    dp_free(m->drop_rates);
    dp_free(m->keep);
    *m = (dp_micro_batch){0};
}

/* Draws for the images of all processes, in their places; this one's are taken. */
static bool drop_branch(void *arg, int branch, int N, float *factors)
{
    dp_micro_batch *m = arg;
    const double rate = m->drop_rates[branch];
    if (!(rate > 0) || !factors)
        return rate > 0;
    dp_drop_path_draw(&m->drop_draws, m->keep, dp_epochs_micro_batch(m->epochs), rate);
    const float kept = 1 / dp_drop_path_divisor(rate);
    for (int n = 0; n < N; n++)
        factors[n] = m->keep[dp_epochs_place(m->epochs, n)] ? kept : 0;
    return true;
}

static void mix(dp_micro_batch *m, const dp_batch *batch, int epoch, int index)
{
    const dp_training *t = m->epochs->training;
    const dp_tensor x = batch->images;
    dp_random random;
    dp_random_init(&random, t->seed, (uint32_t)epoch, (uint32_t)index,
                   DP_PURPOSE_MIXUP);
    dp_mixup_draw(&random, &t->mixup, m->mixes, dp_epochs_micro_batch(m->epochs), x.H,
                  x.W);
    for (int i = 0; i < x.N; i++)
        m->own[i] = m->mixes[dp_epochs_place(m->epochs, i)];
    dp_mixup_run(m->pool, x.data, m->own, x.N, x.H, x.W, CHANNELS);
    dp_mixup_targets(m->targets, batch->labels, m->own, x.N, m->K, t->smoothing);
}

dp_status dp_micro_batch_run(dp_error *err, dp_micro_batch *m, const dp_batch *batch,
                             int epoch, int index, double *loss)
{
    const dp_training *t = m->epochs->training;
    const int N = batch->images.N;
    const bool mixes = t->mixup.mixup_alpha > 0 || t->mixup.cutmix_alpha > 0;
    const float *logits;
    if (mixes)
        mix(m, batch, epoch, index);
    dp_random_init(&m->drop_draws, t->seed, (uint32_t)epoch, (uint32_t)index,
                   DP_PURPOSE_DROP_PATH);
    dp_status st =
        dp_network_forward(err, m->network, batch->images,
                           t->drop_path > 0 ? drop_branch : NULL, m, &logits);
    st = dp_ranks_agree(err, st);
    if (st != DP_OK)
        return st;
    *loss =
        mixes ? dp_loss_soft(m->gradient, logits, m->targets, N, m->K)
              : dp_loss_hard(m->gradient, logits, batch->labels, N, m->K, t->smoothing);
    dp_ranks_sum(NULL, loss, 1);
    *loss /= m->epochs->ranks;
    if (!isfinite(*loss))
        return DP_OK;
    const float part = (float)(1.0 / t->accumulate);
    for (size_t i = 0; i < (size_t)N * (size_t)m->K && t->accumulate > 1; i++)
        m->gradient[i] *= part;
    return dp_ranks_agree(err, dp_network_backward(err, m->network, m->gradient));
}
