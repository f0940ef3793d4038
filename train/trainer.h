/* trainer.h - a classifier trained: steps, evaluations, checkpoints, going on after a stop
 *
 * A run has a folder of its own. In it are:
 *
 *   config.json            the config with its classes; the folder is a model for other commands
 *   classes.json           the classes
 *   last.*, best.*         weights under published names, each as .safetensors and as .pth:
 *                          after the last evaluation, and after the one with the most right
 *   last_ema.*, best_ema.* the same of the moving average, where one is kept
 *   state.safetensors      what is needed to go on: weights, moments, averages, counts
 *
 * Each file is whole at any moment. A run that was stopped or killed goes on from
 * state.safetensors, and ends with the bytes of a run that was not. Neither do they depend
 * on threads, workers, or the instruction set.
 *
 *     dp_trainer_new(err, &t, &options);
 *     dp_trainer_run(err, t, &events);
 *     dp_trainer_free(t);
 */
#ifndef DP_TRAIN_TRAINER_H
#define DP_TRAIN_TRAINER_H

#include "core/config.h"
#include "model/context.h"
#include "train/image_list.h"
#include "train/training.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dp_trainer dp_trainer;

/* Zero-initialise, then set what you want. All that is pointed to stays the caller's, and in
 * place until dp_trainer_free. */
typedef struct dp_trainer_options {
    const char *work; /* the run's folder; made where it is missing */

    /* The model and all keys of the recipe, as merged. The trainer lays the images' classes
     * over it. It is kept in the run's folder, and a run goes on only with an equal one. */
    dp_config *config;
    const dp_training *training;
    const dp_image_lists *images;

    /* A checkpoint to start from: names of other projects are known (config's "names"), and
     * a head of another number of classes is left out. NULL: random weights. Not looked at
     * when a run goes on. */
    const char *weights;

    /* Parts that keep their weights: patterns of train/freeze.h. */
    const char *const *freeze;
    int freeze_count;

    dp_context *ctx; /* gives threads and kernels; used by nothing else meanwhile   */
    int workers; /* threads that read and augment images ahead; 0: as many as ctx has */

    /* Seconds between states that are saved within an epoch; one is saved after each epoch
     * too. 0: none within. */
    double save_every;
} dp_trainer_options;

/* After a step of the optimizer. */
typedef struct dp_step_record {
    int64_t step, steps; /* steps done, with this one; of the whole run  */
    int epoch, epochs;   /* this one, from 0; of the whole run           */
    double loss;         /* mean over the images of the step             */
    double rate, decay;  /* learning rate, unscaled; weight decay        */
    double norm;         /* of all gradients, before clipping            */
    int images;          /* that the step was made of, of all processes  */
    double seconds;      /* that the step took                           */
    double waited;       /* of them, for images                          */
} dp_step_record;

/* What a set of weights does on the images set aside. Percent; the loss is cross entropy. */
typedef struct dp_evaluation {
    size_t images;
    double loss, top1, top5;
} dp_evaluation;

/* After an epoch. */
typedef struct dp_epoch_record {
    int epoch, epochs; /* this one, from 0; of the whole run */
    int64_t step;      /* steps done                         */
    double loss;       /* mean over the epoch's images       */
    bool evaluated;    /* else the rest says nothing         */
    dp_evaluation model;
    bool best; /* model's top1 is the highest so far; the earliest of equals */
    bool has_average;
    dp_evaluation average;
    bool best_average;
} dp_epoch_record;

/* Called by the thread that runs the trainer. Each may be NULL. */
typedef struct dp_trainer_events {
    void *arg;
    void (*step)(void *arg, const dp_step_record *record);
    void (*evaluating)(void *arg, size_t done, size_t count); /* images */
    void (*epoch)(void *arg, const dp_epoch_record *record);

    /* Asked before every step and batch to evaluate: whether to save the state and return. An
     * evaluation that is broken off is made again when the run goes on. */
    bool (*stop)(void *arg);
} dp_trainer_events;

/* Check everything, build the network, and load the state of a run that is to go on. A run
 * that is new has a state in its folder then.
 *
 * DP_ECONFIG: training or config cannot be run. DP_ESHAPE: the checkpoint does not fit.
 * DP_EARG: the folder is of another run, and the sentence says what differs; the batches are
 * larger than the images to train on. DP_EFORMAT: a file of the folder is damaged. DP_EIO,
 * DP_ENOMEM. *out is NULL then. */
dp_status dp_trainer_new(dp_error *err, dp_trainer **out,
                         const dp_trainer_options *options) DP_MUST_CHECK;
void dp_trainer_free(dp_trainer *t);

/* Where the run stands: before dp_trainer_run, where it goes on from. Records of later steps
 * and epochs that were written down will come again, the same. */
typedef struct dp_trainer_position {
    int64_t step, steps; /* done; of the whole run */
    int epoch, epochs;   /* done; of the whole run */
    size_t parameters;   /* values that are trained */
    size_t frozen;       /* values that are not */
    bool resumed;
} dp_trainer_position;

dp_trainer_position dp_trainer_where(const dp_trainer *t);

/* Train to the end, or until events->stop says so; events may be NULL. A run that is at its
 * end returns at once. DP_ECONFIG: the loss is no finite number, by step. DP_EFORMAT: an image
 * cannot be read, by name. DP_EIO: an image, or a file that cannot be written. Whatever happens, the
 * files of the last checkpoint stay whole. */
dp_status dp_trainer_run(dp_error *err, dp_trainer *t,
                         const dp_trainer_events *events) DP_MUST_CHECK;

#endif
