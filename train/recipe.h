/* recipe.h - how a model is trained: the config's section "train"
 *
 * Defaults are ConvNeXt's recipe for ImageNet-1K (Liu et al. 2022, appendix A), but for the
 * stochastic depth and the average of weights, which models decide.
 *
 * Read-only after dp_recipe_parse.
 */
#ifndef DP_TRAIN_RECIPE_H
#define DP_TRAIN_RECIPE_H

#include "core/params.h"
#include "model/input.h"
#include "train/training.h"

enum { DP_RECIPE_FREEZE = 256, DP_RECIPE_SOURCE = 512 };

/* Fields are the keys of the section; dp_recipe_params says what each means. */
typedef struct dp_recipe {
    char source[DP_RECIPE_SOURCE];
    int epochs, batch, update_freq, seed;
    int eval_interval; /* epochs  */
    int save_interval; /* seconds */
    double set_aside;

    int optimizer; /* dp_optimizer_kind */
    double betas[2], eps, momentum;

    int schedule; /* dp_schedule_kind */
    double lr, min_lr;
    int lr_batch;
    double warmup_epochs;
    int warmup_steps;
    double warmup_ratio, power, lr_factor;
    int lr_step_count;
    double lr_steps[DP_SCHEDULE_STEPS]; /* epochs */

    double weight_decay, weight_decay_end;
    int decay_rule; /* dp_decay_rule */
    int layer_rule; /* dp_layer_rule */
    double layer_decay;
    int layers;

    double drop_path, clip_norm, ema;
    double label_smoothing;
    double mixup, cutmix, mix_prob, mix_switch;
    int mix_mode; /* dp_mixup_mode */
    double cutmix_minmax[2];

    int augment_ops;
    double augment_prob, augment_magnitude, augment_mstd, color_jitter;
    double flip, crop_scale[2], crop_ratio[2];
    int filter; /* bicubic, bilinear, random */
    double erasing;
    int erasing_mode; /* dp_erasing_fill */
    int erasing_count, size;

    char freeze[DP_RECIPE_FREEZE]; /* patterns of train/freeze.h with commas between */
    double layer_scale_init, head_init_scale;
} dp_recipe;

extern const dp_param dp_recipe_params[];

/* Read the section "train" of a config. DP_ECONFIG when there is none, a key is unknown or
 * out of range, or two keys do not fit each other; DP_ENOMEM. */
dp_status dp_recipe_parse(dp_error *err, dp_recipe *r,
                          const dp_config *config) DP_MUST_CHECK;

/* ---- what follows from it --------------------------------------------------------------- */

/* The side of the images that the network is trained on: the recipe's, or the model's. */
int dp_recipe_side(const dp_recipe *r, const dp_input *input);

/* All of it, for a model with this input and so many blocks in each stage (0: it has no such
 * stage), on ranks >= 1 processes. Images get the model's own mean and deviation. */
void dp_recipe_build(const dp_recipe *r, const dp_input *input, const int depths[4],
                     int ranks, dp_training *training);

#endif
