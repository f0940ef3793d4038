/* classifier_case.h - a whole training run of upstream's classifiers, replayed
 *
 * A folder as ../shared/golden_train_cls has them: case.json, init.safetensors,
 * batches.npy, targets.npy, drop_path_u.npy. Nothing is read of what the run gave. All
 * draws are stored, so the run can be compared with upstream's number by number.
 *
 * Every function fails the test, or ends a program that is not one, when a file is not as
 * expected.
 */
#ifndef DP_TESTS_SUPPORT_CLASSIFIER_CASE_H
#define DP_TESTS_SUPPORT_CLASSIFIER_CASE_H

#include "tests/support/case_file.h"

typedef struct classifier_case {
    case_file file;
    npy batches, targets, draws;
    int N, H, W, K;
    int micro_batches, micro_batches_an_epoch;
    int drawing; /* branches with a rate above 0 */
    int micro_batch;
    double *losses; /* one a micro-batch that is done */
} classifier_case;

/* As case_file_open. */
void classifier_case_open(classifier_case *c, const char *folder, int threads,
                          const char *cpu);

/* All micro-batches of the next step, and their gradients. */
void classifier_case_go_back(classifier_case *c);

/* The step itself. */
void classifier_case_step(classifier_case *c);

void classifier_case_close(classifier_case *c);

#endif
