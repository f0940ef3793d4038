/* saved_state.h - all that a training run needs to go on, in one file
 *
 * A safetensors file. Its tensors are value.NAME of every parameter and buffer of the network,
 * first.NAME and second.NAME of its moments, and average.NAME of its average. Its metadata
 * have a text "run", a JSON object: what is run, and how far it is. The file is on the disk
 * when it is saved, and follows from the run alone: neither time nor machine are in it.
 */
#ifndef DP_TRAIN_SAVED_STATE_H
#define DP_TRAIN_SAVED_STATE_H

#include "core/config.h"
#include "io/checkpoint/checkpoint.h"
#include "train/optimizer.h"

/* What a run is: one that goes on must have all of it the same. */
typedef struct dp_run_identity {
    const dp_config *config;
    const char *images; /* digest of the lists */
    int processes;
} dp_run_identity;

/* How far a run is. */
typedef struct dp_run_progress {
    int epoch, step;           /* epochs done; steps done of the one under way */
    double loss;               /* sum over these steps                         */
    double best, best_average; /* top1 in percent; negative: none yet          */
} dp_run_progress;

/* Open the state at `path`. *out is NULL, with DP_OK, when there is none. DP_EFORMAT: it is
 * damaged, or no state. DP_EARG: of another run; the sentence says what differs. DP_EIO,
 * DP_ENOMEM. Close it with dp_checkpoint_close. */
dp_status dp_saved_state_open(dp_error *err, dp_checkpoint **out, const char *path,
                              const dp_run_identity *run) DP_MUST_CHECK;

/* Set what the network and its optimizer hold, and *progress. DP_EFORMAT: a tensor is missing,
 * has another shape, or is one too many; `path` is for the sentence. */
dp_status dp_saved_state_load(dp_error *err, dp_run_progress *progress,
                              const dp_optimizer *o, const dp_checkpoint *state,
                              const char *path) DP_MUST_CHECK;

/* Replace the file at `path`. DP_EIO, DP_ENOMEM: the old one is untouched. */
dp_status dp_saved_state_save(dp_error *err, const char *path,
                              const dp_run_identity *run,
                              const dp_run_progress *progress,
                              const dp_optimizer *o) DP_MUST_CHECK;

#endif
