/* training_case.h - a whole training run of upstream's classifiers, replayed
 *
 * A folder as ../shared/golden_train_cls has them: case.json, init.safetensors,
 * batches.npy, targets.npy, drop_path_u.npy. Nothing is read of what the run gave. All
 * draws are stored, so the run can be compared with upstream's number by number.
 *
 * Every function fails the test, or ends a program that is not one, when a file is not as
 * expected.
 */
#ifndef DP_TESTS_SUPPORT_TRAINING_CASE_H
#define DP_TESTS_SUPPORT_TRAINING_CASE_H

#include "tests/support/golden.h"
#include "tests/support/shared.h"
#include "train/network.h"
#include "train/optimizer.h"

#include <cjson/cJSON.h>

typedef struct training_case {
    cJSON *json;
    golden init;
    npy batches, targets, draws;

    dp_context *context;
    dp_config *config;
    dp_network *network;
    dp_training training;
    dp_optimizer optimizer;

    int N, H, W, K;
    int micro_batches, micro_batches_an_epoch;
    double *rates; /* of the branches               */
    int drawing;   /* branches with a rate above 0  */
    int micro_batch;
    double *losses; /* one a micro-batch that is done */
} training_case;

/* On this many threads, with the kernels of `cpu` (NULL: the machine's). */
void training_case_open(training_case *c, const char *folder, int threads,
                        const char *cpu);

/* All micro-batches of the next step, and their gradients. */
void training_case_go_back(training_case *c);

/* The step itself. */
void training_case_step(training_case *c);

void training_case_close(training_case *c);

#endif
