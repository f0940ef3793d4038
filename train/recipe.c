#include "train/recipe.h"

#include "core/limits.h"

#include <math.h>

enum { FILTER_BICUBIC, FILTER_BILINEAR, FILTER_RANDOM };

#define BETA_MAX 0.9999999 /* a moment that keeps all of itself never moves */

const dp_param dp_recipe_params[] = {
    DP_PARAM(dp_recipe, source, "\"\"", 0, 0, "where these numbers are from"),
    DP_PARAM(dp_recipe, epochs, "300", 1, 100000, "how often each image is seen"),
    DP_PARAM(dp_recipe, batch, "128", 1, 65536,
             "images of a micro-batch, of each process; even if images are mixed"),
    DP_PARAM(dp_recipe, update_freq, "32", 1, 65536,
             "micro-batches whose gradients make a step of the optimizer"),
    DP_PARAM(dp_recipe, seed, "0", 0, 2147483647,
             "of new weights, of the images' order and of all that is drawn"),
    DP_PARAM(dp_recipe, eval_interval, "1", 1, 100000,
             "epochs from one evaluation to the next; the last epoch has one too"),
    DP_PARAM(
        dp_recipe, save_interval, "600", 1, 1000000,
        "seconds from one saved state to the next; the end of an epoch has one too"),
    DP_PARAM(dp_recipe, set_aside, "0.1", 0, 0.9,
             "part of each class that is evaluated on, where the data have no val"),

    DP_PARAM_CHOICE(dp_recipe, optimizer, "adamw|sgd", "\"adamw\"",
                    "AdamW, or gradient descent with momentum"),
    DP_PARAM(dp_recipe, betas, "[0.9, 0.999]", 0, BETA_MAX,
             "of AdamW: how much of its two moments a step keeps"),
    DP_PARAM(dp_recipe, eps, "1e-8", 1e-30, 1,
             "of AdamW: added to the root of the second moment"),
    DP_PARAM(dp_recipe, momentum, "0.9", 0, BETA_MAX,
             "of sgd: how much of its moment a step keeps"),

    DP_PARAM_CHOICE(dp_recipe, schedule, "cosine|epoch_cosine|step|poly", "\"cosine\"",
                    "how the learning rate falls: ConvNeXt's cosine, ConvNeXt V2's, at "
                    "lr_steps, or as a power"),
    DP_PARAM(dp_recipe, lr, "4e-3", 0, 1000, "learning rate after the warm-up"),
    DP_PARAM(dp_recipe, lr_batch, "0", 0, 16777216,
             "lr is for a step of so many images, and in proportion for others; 0: for "
             "any number"),
    DP_PARAM(dp_recipe, min_lr, "1e-6", 0, 1000,
             "learning rate at the end; not of step"),
    DP_PARAM(dp_recipe, warmup_epochs, "20", 0, 100000,
             "epochs in which the learning rate rises in a line"),
    DP_PARAM(dp_recipe, warmup_steps, "0", 0, 2147483647,
             "the same in steps of the optimizer; 0: warmup_epochs counts"),
    DP_PARAM(
        dp_recipe, warmup_ratio, "0.001", 0, 1,
        "of step and poly: the part of the learning rate that the rise begins with"),
    DP_PARAM_LIST(dp_recipe, lr_steps, lr_step_count, "[30, 60, 80]", 0, 100000,
                  "of step: epochs after which the learning rate is multiplied"),
    DP_PARAM(dp_recipe, lr_factor, "0.1", 0, 1, "of step: by what"),
    DP_PARAM(dp_recipe, power, "1", 0, 100, "of poly"),

    DP_PARAM(dp_recipe, weight_decay, "0.05", 0, 1000,
             "of parameters that decay: not biases, nor what has one dimension"),
    DP_PARAM(dp_recipe, weight_decay_end, "-1", -1, 1000,
             "weight decay at the end, reached along a cosine; -1: the same all along"),
    DP_PARAM_CHOICE(dp_recipe, decay_rule, "common|grn|swin", "\"common\"",
                    "what else does not decay: nothing, ConvNeXt V2's GRN, Swin's "
                    "position tables"),
    DP_PARAM_CHOICE(dp_recipe, layer_rule, "none|group|stage|single|swin", "\"none\"",
                    "how parameters fall into layers for layer_decay: ConvNeXt's 12 "
                    "groups, by stage, ConvNeXt V2's one a block, Swin's"),
    DP_PARAM(dp_recipe, layer_decay, "1", 1e-3, 1,
             "each layer's learning rate is this part of the next one's"),
    DP_PARAM(dp_recipe, layers, "12", 1, 1000,
             "of layer_rule group and stage: how many layers the backbone has"),

    DP_PARAM(dp_recipe, drop_path, "0", 0, 0.999,
             "stochastic depth: rate of the last block; the first has 0"),
    DP_PARAM(dp_recipe, clip_norm, "0", 0, 1e9,
             "gradients are cut to this norm; 0: they are not"),
    DP_PARAM(dp_recipe, ema, "0", 0, BETA_MAX,
             "how much of the average of weights a step keeps; 0: no average"),
    DP_PARAM(dp_recipe, label_smoothing, "0.1", 0, 0.999,
             "part of a target that is spread over all classes"),

    DP_PARAM(dp_recipe, mixup, "0.8", 0, 1000,
             "Mixup's alpha: two images are blended; 0: none are"),
    DP_PARAM(dp_recipe, cutmix, "1", 0, 1000,
             "CutMix's alpha: a box is from another image; 0: none is"),
    DP_PARAM(dp_recipe, mix_prob, "1", 0, 1, "probability that a batch is mixed"),
    DP_PARAM(dp_recipe, mix_switch, "0.5", 0, 1,
             "probability of CutMix where both are asked for"),
    DP_PARAM_CHOICE(dp_recipe, mix_mode, "batch|elem|pair", "\"batch\"",
                    "what is drawn once: for a batch, an image, or two partners"),
    DP_PARAM(
        dp_recipe, cutmix_minmax, "[0, 0]", 0, 1,
        "smallest and largest side of CutMix's box as a part of the image's; 0, 0: "
        "the area that alpha draws"),

    DP_PARAM(dp_recipe, augment_ops, "2", 0, DP_AUGMENT_LAYERS,
             "RandAugment's operations for an image; 0: color_jitter instead"),
    DP_PARAM(dp_recipe, augment_prob, "0.5", 0, 1,
             "probability that one of them is applied"),
    DP_PARAM(dp_recipe, augment_magnitude, "9", 0, 10, "how strong they are"),
    DP_PARAM(dp_recipe, augment_mstd, "0.5", 0, 10,
             "standard deviation of their strength"),
    DP_PARAM(dp_recipe, color_jitter, "0.4", 0, 1,
             "largest change of brightness, contrast and saturation; where there is no "
             "RandAugment"),
    DP_PARAM(dp_recipe, flip, "0.5", 0, 1, "probability that an image is mirrored"),
    DP_PARAM(dp_recipe, crop_scale, "[0.08, 1]", 1e-4, 1,
             "smallest and largest part of an image's area that is shown"),
    DP_PARAM(dp_recipe, crop_ratio, "[0.75, 1.3333333333333333]", 1e-2, 100,
             "smallest and largest width / height of that part"),
    DP_PARAM_CHOICE(dp_recipe, filter, "bicubic|bilinear|random", "\"bicubic\"",
                    "with which images are resized and turned"),
    DP_PARAM(dp_recipe, erasing, "0.25", 0, 1,
             "probability that boxes of an image are overwritten"),
    DP_PARAM_CHOICE(dp_recipe, erasing_mode, "pixel|color|zero", "\"pixel\"",
                    "with noise, with one colour of it, or with the mean colour"),
    DP_PARAM(dp_recipe, erasing_count, "1", 1, 100, "at most so many boxes"),
    DP_PARAM(dp_recipe, size, "0", 0, DP_MAX_IMAGE_SIDE,
             "side of the images to train on, pixels; 0: the model's input"),

    DP_PARAM(dp_recipe, freeze, "\"\"", 0, 0,
             "parts that stay as they are, with commas between: backbone, stages.0-1"),
    DP_PARAM(dp_recipe, layer_scale_init, "1e-6", 0, 1000, "gamma of new blocks"),
    DP_PARAM(dp_recipe, head_init_scale, "1", 0, 1000,
             "by which a new head's weights and biases are multiplied"),
    DP_PARAM_END,
};

/* ---- checks --------------------------------------------------------------------------- */

static bool ascends(const double *values, int count)
{
    for (int i = 1; i < count; i++)
        if (values[i - 1] > values[i])
            return false;
    return true;
}

static bool mixing_is_odd(const dp_recipe *r)
{
    return (r->mixup > 0 || r->cutmix > 0 || r->cutmix_minmax[1] > 0) && r->batch % 2;
}

/* Two keys that do not fit each other, as a sentence; NULL when all do. */
static const char *find_conflict(const dp_recipe *r)
{
    if (mixing_is_odd(r))
        return "batch: must be even, because mixup and cutmix mix pairs of images";
    if (r->warmup_steps == 0 && r->warmup_epochs > r->epochs)
        return "warmup_epochs: must be at most epochs";
    if (r->min_lr > r->lr)
        return "min_lr: must be at most lr";
    if (r->layer_decay < 1 && r->layer_rule == DP_LAYERS_NONE)
        return "layer_decay: needs a layer_rule, such as \"group\"";
    if (!ascends(r->lr_steps, r->lr_step_count))
        return "lr_steps: must not fall";
    if (!ascends(r->crop_scale, 2))
        return "crop_scale: must not fall";
    if (!ascends(r->crop_ratio, 2))
        return "crop_ratio: must not fall";
    if (!ascends(r->cutmix_minmax, 2))
        return "cutmix_minmax: must not fall";
    return NULL;
}

dp_status dp_recipe_parse(dp_error *err, dp_recipe *r, const dp_config *config)
{
    const cJSON *section;
    dp_status st = dp_config_section(err, &section, config, "train");
    if (st == DP_OK)
        st = dp_params_parse(err, dp_recipe_params, r, section, config, "train");
    const char *conflict = st == DP_OK ? find_conflict(r) : NULL;
    if (conflict)
        st = dp_fail(err, DP_ECONFIG, "%s: train.%s", dp_config_path(config), conflict);
    return st;
}

/* ---- what follows from it --------------------------------------------------------------- */

int dp_recipe_side(const dp_recipe *r, const dp_input *input)
{
    return r->size > 0 ? r->size : input->scale[0];
}

static void build_rate(const dp_recipe *r, int ranks, dp_training *t)
{
    const double images = (double)r->batch * r->update_freq * ranks;
    t->rate =
        (dp_schedule){.kind = (dp_schedule_kind)r->schedule,
                      .base = r->lr * (r->lr_batch > 0 ? images / r->lr_batch : 1),
                      .last = r->min_lr,
                      .warmup = r->warmup_epochs,
                      .warmup_ratio = r->warmup_ratio,
                      .power = r->power,
                      .factor = r->lr_factor,
                      .step_count = r->lr_step_count};
    for (int i = 0; i < r->lr_step_count; i++)
        t->rate.steps[i] = r->lr_steps[i];
    t->warmup_steps = r->warmup_steps;
    const bool falls = r->weight_decay_end >= 0;
    t->decay = (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                             .base = r->weight_decay,
                             .last = falls ? r->weight_decay_end : r->weight_decay};
}

static dp_group_rules groups_of(const dp_recipe *r, const int depths[4])
{
    const bool layered = r->layer_decay < 1;
    return (dp_group_rules){.decay = (dp_decay_rule)r->decay_rule,
                            .layer =
                                layered ? (dp_layer_rule)r->layer_rule : DP_LAYERS_NONE,
                            .layers = r->layers,
                            .depths = {depths[0], depths[1], depths[2], depths[3]},
                            .rate = r->layer_decay,
                            .weight_decay = r->weight_decay};
}

/* Boxes that are drawn by their sides are CutMix, with whatever alpha: timm's is 1 then. */
static dp_mixup mixup_of(const dp_recipe *r)
{
    const bool by_sides = r->cutmix_minmax[1] > 0;
    return (dp_mixup){.mode = (dp_mixup_mode)r->mix_mode,
                      .mixup_alpha = r->mixup,
                      .cutmix_alpha = by_sides ? 1 : r->cutmix,
                      .side = {r->cutmix_minmax[0], r->cutmix_minmax[1]},
                      .probability = r->mix_prob,
                      .switch_probability = r->mix_switch,
                      .smoothing = r->label_smoothing};
}

static void build_transform(const dp_recipe *r, const dp_input *input,
                            dp_image_transform *t)
{
    dp_image_transform_build(t, dp_recipe_side(r, input));
    t->normalize = input->normalize;
    t->crop = (dp_random_crop){.area = {r->crop_scale[0], r->crop_scale[1]},
                               .ratio = {r->crop_ratio[0], r->crop_ratio[1]}};
    const bool bilinear = r->filter == FILTER_BILINEAR;
    t->filter = bilinear ? DP_PILLOW_BILINEAR : DP_PILLOW_BICUBIC;
    t->any_filter = r->filter == FILTER_RANDOM;
    t->flip = r->flip;
    t->augments = r->augment_ops > 0;
    t->augment.layers = r->augment_ops;
    t->augment.probability = r->augment_prob;
    t->augment.magnitude = r->augment_magnitude;
    t->augment.deviation = r->augment_mstd;
    t->augment.any_filter = t->any_filter;
    t->augment.filter = bilinear ? DP_AFFINE_BILINEAR : DP_AFFINE_BICUBIC;
    t->jitter = (dp_color_jitter){r->color_jitter, r->color_jitter, r->color_jitter};
    t->erasing.probability = r->erasing;
    t->erasing.fill = (dp_erasing_fill)r->erasing_mode;
    t->erasing.most = r->erasing_count;
}

void dp_recipe_build(const dp_recipe *r, const dp_input *input, const int depths[4],
                     int ranks, dp_training *t)
{
    *t = (dp_training){.seed = (uint64_t)r->seed,
                       .epochs = r->epochs,
                       .batch = r->batch,
                       .accumulate = r->update_freq,
                       .optimizer = (dp_optimizer_kind)r->optimizer,
                       .adamw = {r->betas[0], r->betas[1], r->eps},
                       .momentum = r->momentum,
                       .groups = groups_of(r, depths),
                       .clip_norm = r->clip_norm,
                       .mixup = mixup_of(r),
                       .smoothing = r->label_smoothing,
                       .drop_path = r->drop_path,
                       .average_decay = r->ema,
                       .layer_scale = r->layer_scale_init,
                       .head_scale = r->head_init_scale,
                       .evaluate_every = r->eval_interval};
    build_rate(r, ranks, t);
    build_transform(r, input, &t->transform);
}
