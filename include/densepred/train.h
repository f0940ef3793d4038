/* densepred/train.h - classifiers trained on images of one's own
 *
 * A run keeps everything in a folder, which then is a model for the other functions:
 *
 *   config.json, classes.json     the model, its recipe and its classes
 *   best.*, last.*                weights, .safetensors and .pth; *_ema.*: their average
 *   state.safetensors             what is needed to go on
 *   log.jsonl                     a line of JSON for each step and each epoch
 *   index.html                    curves, written anew while the run goes on
 *
 * A run may be stopped or killed at any moment: made again with the same options, it goes on,
 * and ends with the bytes of a run that was not interrupted.
 *
 * In a library that is built with MPI=1, processes that joined (densepred/runner.h) train one
 * network: all call these functions with the same options. Each takes a micro-batch of its
 * own, the first one writes, and calls are made in the first one.
 *
 *     dp_train_new(ctx, &train, &options);
 *     dp_train_run(train, NULL);
 *     dp_train_free(train);
 */
#ifndef DENSEPRED_TRAIN_H
#define DENSEPRED_TRAIN_H

#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_train dp_train; /* a model, its data and its folder */

/* Zero-initialise, then set what you want. Texts must stay until dp_train_free. */
typedef struct dp_train_options {
    /* The folder of the configs that ship; NULL: where they were installed. */
    const char *configs;

    /* A config's path, or the name of one that ships. Its head gets as many classes as the data
     * have. */
    const char *model;

    /* How: the section "train" of this config takes the place of the model's own. A path, or a
     * name of the folder "recipes". NULL: the model's own. */
    const char *recipe;

    /* Keys to change after that, set_count texts KEY=VALUE such as "train.epochs=10". */
    const char *const *set;
    size_t set_count;

    /* train/CLASS/IMAGE with val/CLASS/IMAGE, or CLASS/IMAGE, or a CSV of paths and labels. */
    const char *data;

    const char *directory; /* of the run; made where it is missing */

    /* A checkpoint to begin with; its head is left out where it has other classes. NULL: the
     * weights are random. Not looked at when a run goes on. */
    const char *weights;

    int workers; /* threads that read images ahead; 0: as many as the context has */
} dp_train_options;

/* Look at everything: config, recipe, data, weights, the folder. What is worth knowing is
 * logged to ctx, which the other functions use too. DP_EARG for options that do not fit, and
 * for a folder of another run; DP_ECONFIG, DP_ESHAPE, DP_EFORMAT, DP_EIO, DP_ENOMEM. *out
 * has to be freed after a failure too: dp_train_failed_part says what it was about. */
DP_API dp_status dp_train_new(dp_context *ctx, dp_train **out,
                              const dp_train_options *options);
DP_API void dp_train_free(dp_train *train);

typedef enum dp_train_part {
    DP_TRAIN_PART_MODEL, /* config, recipe, weights */
    DP_TRAIN_PART_DATA,
    DP_TRAIN_PART_DIRECTORY /* of the run; also disk and threads */
} dp_train_part;
DP_API dp_train_part dp_train_failed_part(const dp_train *train);

/* What is trained, and where the run stands. */
typedef struct dp_train_facts {
    int classes;
    size_t train_images, val_images;
    size_t parameters, frozen; /* values that are trained, and that are not */
    int64_t step, steps;       /* done; of the whole run                    */
    int epoch, epochs;         /* the same                                  */
    int resumed;               /* not 0: an earlier run goes on             */
} dp_train_facts;
DP_API dp_train_facts dp_train_get_facts(const dp_train *train);

/* After a step. */
typedef struct dp_train_step {
    int64_t step, steps;      /* done; of the whole run    */
    int epoch, epochs;        /* this one, from 0; of them */
    double loss, rate;        /* the rate: learning rate   */
    double images_per_second; /* of the last steps         */
    double seconds_left;      /* to the end of the run     */
} dp_train_step;

/* After an epoch. Percent of the images set aside; NaN: not evaluated, or no average. */
typedef struct dp_train_epoch {
    int epoch, epochs; /* this one, from 0; of them */
    double loss;       /* mean over the epoch       */
    double val_loss, top1, top5;
    double average_top1; /* of the average of weights */
    int best;            /* not 0: no epoch before had as many right */
} dp_train_epoch;

/* Called by the thread that runs. Each may be NULL. */
typedef struct dp_train_events {
    void *arg;
    void (*step)(void *arg, const dp_train_step *step);
    void (*evaluating)(void *arg, size_t done, size_t count); /* images */
    void (*epoch)(void *arg, const dp_train_epoch *epoch);

    /* Asked often; not 0: save what is done, and return. */
    int (*stop)(void *arg);
} dp_train_events;

/* Train to the end, or until stop says so. DP_EFORMAT, DP_EIO: an image, by name; a file
 * that cannot be written. DP_ECONFIG: the loss is no finite number, by step. DP_ENOMEM. What was
 * saved last stays whole. */
DP_API dp_status dp_train_run(dp_train *train, const dp_train_events *events);

#ifdef __cplusplus
}
#endif

#endif
