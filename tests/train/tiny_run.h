/* tiny_run.h - training runs of a few images, and what comes of them
 */
#ifndef DP_TESTS_TRAIN_TINY_RUN_H
#define DP_TESTS_TRAIN_TINY_RUN_H

#include "train/trainer.h"

enum { TINY_SIDE = 32 };

/* A run and what it was told. */
typedef struct tiny_run {
    dp_training training;
    dp_image_lists images;
    dp_config *config;
    dp_context *ctx;
    dp_trainer_options options;
    dp_trainer_events events;

    /* What came of it, and when to stop it. */
    int steps, epochs, asked, stop_at; /* stop_at: of `asked`; negative: never */
    int kill_at;                       /* of `steps`; 0: never                 */
    dp_step_record step;
    dp_epoch_record epoch;
    dp_error err;
} tiny_run;

/* Everything there is: mixing, drop path, an average, decay. 3 epochs of micro-batches of 4,
 * two of them a step. */
dp_training tiny_training(void);

/* Gradient descent and nothing else; one epoch. */
dp_training tiny_training_plain(void);

/* On threads, and with what the processor has up to `cpu` (NULL: all), a run of the config at
 * `config` on the images in the folder `images`. No assertion is in
 * here, for processes that are no test: the sentence of a failure is in r->err. */
dp_status tiny_run_init(tiny_run *r, const dp_training *training, int threads,
                        const char *cpu, const char *config,
                        const char *images) DP_MUST_CHECK;
void tiny_run_done(tiny_run *r);

/* Start or go on in the folder, to the end or until the run is stopped. */
dp_status tiny_run_go(tiny_run *r, const char *work);

/* Such a config, with this backbone. */
#define TINY_CONFIG(backbone)                                                    \
    "{\"type\": \"classifier\", \"dataset\": \"none.json\", "                    \
    "\"input\": {\"resize\": \"crop\", \"scale\": [32, 32], \"crop_ratio\": 1, " \
    "\"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225], "          \
    "\"size_divisor\": 1}, \"backbone\": " backbone ", "                         \
    "\"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": 1000}, "       \
    "\"test\": {\"top_k\": 3}}"

#define TINY_CONVNEXT                                                              \
    "{\"type\": \"convnext\", \"output_norms\": false, \"depths\": [1, 1, 2, 1], " \
    "\"dims\": [4, 4, 8, 8]}"

#endif
