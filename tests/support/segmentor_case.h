/* segmentor_case.h - a training run of upstream's UperNet, replayed
 *
 * A folder as ../shared/golden_train has them, of the kind "upernet": case.json,
 * init.safetensors, inputs.safetensors, decisions.safetensors. All draws are stored. Nothing
 * is read of what the run gave.
 */
#ifndef DP_TESTS_SUPPORT_SEGMENTOR_CASE_H
#define DP_TESTS_SUPPORT_SEGMENTOR_CASE_H

#include "tests/support/case_file.h"
#include "train/segmentation_loss.h"

enum { SEGMENTOR_STEPS = 10 };

typedef struct segmentor_case {
    case_file file;
    golden inputs, decisions;
    int N, H, W, K;
    int step;    /* done */
    int drawing; /* branches with a rate above 0 */
    dp_segmentation_loss decode[SEGMENTOR_STEPS], auxiliary[SEGMENTOR_STEPS];
} segmentor_case;

/* As case_file_open. */
void segmentor_case_open(segmentor_case *c, const char *folder, int threads,
                         const char *cpu);

/* The batch of the next step, and its gradients. */
void segmentor_case_go_back(segmentor_case *c);

/* The step itself. */
void segmentor_case_step(segmentor_case *c);

void segmentor_case_close(segmentor_case *c);

#endif
