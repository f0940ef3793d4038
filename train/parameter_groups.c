#include "train/parameter_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 4, BLOCKS_OF_A_GROUP = 3 };

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

bool dp_parameter_decays(dp_decay_rule rule, const char *name, int rank)
{
    if (rank <= 1 || ends_in(name, ".bias"))
        return false;
    switch (rule) {
    case DP_DECAY_GRN:
        return !ends_in(name, ".gamma") && !ends_in(name, ".beta");
    case DP_DECAY_SWIN:
        return !strstr(name, "absolute_pos_embed") &&
               !strstr(name, "relative_position_bias_table");
    default:
        return true;
    }
}

/* ---- layers ---------------------------------------------------------------------- */

/* After `text` in front of *name. */
static bool pass(const char **name, const char *text)
{
    const size_t n = strlen(text);
    if (strncmp(*name, text, n) != 0)
        return false;
    *name += n;
    return true;
}

/* A number and the point after it. */
static bool pass_number(const char **name, int *number)
{
    char *end;
    const long value = strtol(*name, &end, 10);
    if (end == *name || **name == '-' || **name == '+' || *end != '.' || value > 9999)
        return false;
    *number = (int)value;
    *name = end + 1;
    return true;
}

/* A stage's number below STAGES. */
static bool pass_stage(const char **name, const char *text, int *stage)
{
    return pass(name, text) && pass_number(name, stage) && *stage < STAGES;
}

static int blocks_before(const dp_group_rules *rules, int stage)
{
    int sum = 0;
    for (int i = 0; i < stage; i++)
        sum += rules->depths[i];
    return sum;
}

/* N. */
static int count_layers(const dp_group_rules *rules)
{
    switch (rules->layer) {
    case DP_LAYERS_SINGLE:
    case DP_LAYERS_SWIN:
        return blocks_before(rules, STAGES);
    case DP_LAYERS_NONE:
        return 0;
    default:
        return rules->layers;
    }
}

/* The stage and block of one of ConvNeXt's names; a downsampling layer has block -1. False:
 * neither. */
static bool read_convnext(const char *name, int *stage, int *block)
{
    *block = -1;
    if (pass_stage(&name, "downsample_layers.", stage))
        return true;
    return pass_stage(&name, "stages.", stage) && pass_number(&name, block);
}

static int group_layer(const dp_group_rules *rules, int stage, int block)
{
    const int downsample[STAGES] = {0, 2, 3, rules->layers};
    const int first[STAGES] = {1, 2, 3, rules->layers};
    if (block < 0)
        return downsample[stage];
    return first[stage] + (stage == 2 ? block / BLOCKS_OF_A_GROUP : 0);
}

static int swin_layer(const dp_group_rules *rules, const char *name)
{
    int stage, block;
    if (pass(&name, "patch_embed.") || pass(&name, "absolute_pos_embed") ||
        pass(&name, "mask_token"))
        return 0;
    if (!pass_stage(&name, "layers.", &stage))
        return count_layers(rules) + 1;
    if (pass(&name, "blocks.") && pass_number(&name, &block))
        return 1 + blocks_before(rules, stage) + block;
    return blocks_before(rules, stage + 1);
}

int dp_parameter_layer(const dp_group_rules *rules, const char *name)
{
    const int rest = count_layers(rules) + 1;
    int stage, block;
    pass(&name, "backbone.");
    if (rules->layer == DP_LAYERS_SWIN)
        return swin_layer(rules, name);
    if (rules->layer == DP_LAYERS_NONE || !read_convnext(name, &stage, &block))
        return rest;
    if (rules->layer == DP_LAYERS_GROUP)
        return group_layer(rules, stage, block);
    if (rules->layer == DP_LAYERS_STAGE)
        return block < 0 ? 0 : stage + 1;
    return 1 + blocks_before(rules, stage) + (block < 0 ? 0 : block);
}

double dp_layer_scale(const dp_group_rules *rules, int layer)
{
    return pow(rules->rate, count_layers(rules) + 1 - layer);
}

/* ---- groups ---------------------------------------------------------------------- */

int dp_parameter_groups_assign(int *group, dp_parameter_group *groups,
                               const char *const *names, const int *ranks, int count,
                               const dp_group_rules *rules)
{
    int known = 0;
    for (int i = 0; i < count; i++) {
        const int layer = dp_parameter_layer(rules, names[i]);
        const bool decays = dp_parameter_decays(rules->decay, names[i], ranks[i]);
        int at = 0;
        while (at < known && (groups[at].layer != layer || groups[at].decays != decays))
            at++;
        if (at == known)
            groups[known++] =
                (dp_parameter_group){layer, decays, decays ? rules->weight_decay : 0,
                                     dp_layer_scale(rules, layer)};
        group[i] = at;
    }
    return known;
}
