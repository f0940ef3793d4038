/* parameter_groups.h - which parameters decay, and whose learning rate is smaller
 *
 * Follows from a parameter's published name and its number of dimensions. A "backbone." in
 * front of a name is not looked at, so classifiers and detectors share rules.
 */
#ifndef DP_TRAIN_PARAMETER_GROUPS_H
#define DP_TRAIN_PARAMETER_GROUPS_H

#include <stdbool.h>

/* Parameters of one dimension and those whose name ends in ".bias" never decay. */
typedef enum dp_decay_rule {
    DP_DECAY_COMMON, /* ConvNeXt, mmdetection, mmsegmentation: nothing else         */
    DP_DECAY_GRN,    /* ConvNeXt V2: nor names that end in ".gamma" or ".beta"      */
    DP_DECAY_SWIN    /* Swin: nor absolute_pos_embed, relative_position_bias_table  */
} dp_decay_rule;

bool dp_parameter_decays(dp_decay_rule rule, const char *name, int rank);

/* How parameters fall into layers, from the input on. With N = `layers`:
 *
 *   GROUP   ConvNeXt and its detectors. downsample_layers.0: 0; stages.0: 1;
 *           downsample_layers.1, stages.1: 2; downsample_layers.2: 3; stages.2.b: 3 + b div
 *           3; downsample_layers.3, stages.3: N. Published: N = 12, and 6 for T detectors
 *   STAGE   ConvNeXt's segmentors: downsample_layers: 0; stages.s: s + 1
 *   SINGLE  ConvNeXt V2: downsample_layers.s: 1 + blocks before stage s; stages.s.b: that
 *           + b. N is the number of blocks
 *   SWIN    SimMIM: patch_embed, absolute_pos_embed, mask_token: 0; layers.s.blocks.b: 1 +
 *           blocks before + b; layers.s.downsample: as the last block of stage s. N is the
 *           number of blocks
 *
 * Everything else, such as norms of outputs, necks and heads, is in layer N + 1. */
typedef enum dp_layer_rule {
    DP_LAYERS_NONE, /* all in layer 1, and N = 0 */
    DP_LAYERS_GROUP,
    DP_LAYERS_STAGE,
    DP_LAYERS_SINGLE,
    DP_LAYERS_SWIN
} dp_layer_rule;

/* Everything that groups depend on. */
typedef struct dp_group_rules {
    dp_decay_rule decay;
    dp_layer_rule layer;
    int layers;    /* N of GROUP and STAGE                */
    int depths[4]; /* blocks a stage, for SINGLE and SWIN */
    double rate;   /* lr_scale = rate^(N + 1 - layer)     */
    double weight_decay;
} dp_group_rules;

int dp_parameter_layer(const dp_group_rules *rules, const char *name);

/* The scale of a layer's learning rate. */
double dp_layer_scale(const dp_group_rules *rules, int layer);

typedef struct dp_parameter_group {
    int layer;
    bool decays;
    double weight_decay; /* 0 unless it decays */
    double lr_scale;
} dp_parameter_group;

/* Set group[i] for each of `count` parameters in the model's order, and the groups, in the
 * order of their first parameters. Both have room for count. Returns how many groups there
 * are. */
int dp_parameter_groups_assign(int *group, dp_parameter_group *groups,
                               const char *const *names, const int *ranks, int count,
                               const dp_group_rules *rules);

#endif
