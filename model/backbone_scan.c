#include "model/backbone_scan.h"

#include "core/limits.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCKS = 1024 };

typedef struct scan {
    const char *scope;
    const dp_named_tensor *tensors;
    size_t count;
    cJSON *out;
} scan;

DP_PRINTF(2, 3)
static const dp_named_tensor *find(const scan *s, const char *format, ...)
{
    char name[DP_MAX_TENSOR_NAME];
    const int n = snprintf(name, sizeof name, "%s", s->scope);
    va_list args;
    va_start(args, format);
    vsnprintf(name + n, sizeof name - (size_t)n, format, args);
    va_end(args);
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->tensors[i].name, name) == 0)
            return &s->tensors[i];
    return NULL;
}

/* An extent of a tensor, 0 when there is none. */
static int extent(const dp_named_tensor *t, int axis)
{
    return t && axis < t->rank && t->shape[axis] <= INT32_MAX ? (int)t->shape[axis] : 0;
}

/* Blocks whose names go on from `prefix` with a number: the largest one, and one more. */
static int count_blocks(const scan *s, const char *prefix)
{
    char name[100];
    const size_t size = (size_t)snprintf(name, sizeof name, "%s%s", s->scope, prefix);
    long blocks = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (strncmp(s->tensors[i].name, name, size) != 0)
            continue;
        char *end;
        const long index = strtol(s->tensors[i].name + size, &end, 10);
        if (*end == '.' && index >= blocks && index < MAX_BLOCKS)
            blocks = index + 1;
    }
    return (int)blocks;
}

/* The list "depths": blocks of at most `most` stages. Returns the number of stages. */
static int add_depths(scan *s, const char *const stages[], int most)
{
    cJSON *list = cJSON_AddArrayToObject(s->out, "depths");
    int n = 0;
    for (int blocks; n < most && (blocks = count_blocks(s, stages[n])) > 0; n++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(blocks));
    return n;
}

static void add_number(scan *s, const char *key, int value)
{
    cJSON_AddNumberToObject(s->out, key, value);
}

/* ---- families -------------------------------------------------------------- */

enum { STAGES = 4 };

static void scan_convnext(scan *s)
{
    static const char *const stages[] = {"stages.0.", "stages.1.", "stages.2.",
                                         "stages.3."};
    const int n = add_depths(s, stages, STAGES);
    cJSON *dims = cJSON_AddArrayToObject(s->out, "dims");
    for (int i = 0; i < n; i++)
        cJSON_AddItemToArray(dims, cJSON_CreateNumber(extent(
                                       find(s, "stages.%d.0.dwconv.weight", i), 0)));
}

/* (distances, heads) */
static const dp_named_tensor *biases_of(const scan *s, int stage)
{
    return find(s, "layers.%d.blocks.0.attn.relative_position_bias_table", stage);
}

static void scan_swin(scan *s)
{
    static const char *const stages[] = {"layers.0.blocks.", "layers.1.blocks.",
                                         "layers.2.blocks.", "layers.3.blocks."};
    const int n = add_depths(s, stages, STAGES);
    add_number(s, "embed_dim", extent(find(s, "patch_embed.proj.weight"), 0));
    cJSON *heads = cJSON_AddArrayToObject(s->out, "num_heads");
    for (int i = 0; i < n; i++)
        cJSON_AddItemToArray(heads, cJSON_CreateNumber(extent(biases_of(s, i), 1)));
    /* A window of side w has (2 w - 1)^2 distances. */
    const int distances = extent(biases_of(s, 0), 0);
    int side = 1;
    while (side < MAX_BLOCKS && (2 * side - 1) * (2 * side - 1) < distances)
        side++;
    add_number(s, "window_size", side);
}

static void scan_resnet(scan *s)
{
    static const char *const stages[] = {"layer1.", "layer2.", "layer3.", "layer4."};
    add_depths(s, stages, STAGES);
    const dp_named_tensor *grouped = find(s, "layer1.0.conv2.weight");
    const int width = extent(grouped, 0), each = extent(grouped, 1);
    add_number(s, "base_channels", extent(find(s, "layer1.0.conv1.weight"), 1));
    if (each > 0 && width > each) {
        add_number(s, "groups", width / each);
        add_number(s, "base_width", each);
    }
}

static const struct {
    const char *type, *mark;
    void (*fill)(scan *s);
} families[] = {
    {"convnext", "stages.0.0.dwconv.weight", scan_convnext},
    {"swin", "patch_embed.proj.weight", scan_swin},
    {"resnet", "layer1.0.conv1.weight", scan_resnet},
};

cJSON *dp_backbone_scan(const char *type, const char *scope,
                        const dp_named_tensor *tensors, size_t count)
{
    scan s = {.scope = scope, .tensors = tensors, .count = count};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].type, type) != 0 || !find(&s, "%s", families[i].mark))
            continue;
        s.out = cJSON_CreateObject();
        if (s.out)
            families[i].fill(&s);
        return s.out;
    }
    return NULL;
}
