#include "tests/support/tiny_classifier.h"

#include "io/checkpoint/safetensors.h"
#include "tests/support/scratch.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 4, TENSORS_MAX = 80 };

static const int dims[STAGES] = {2, 2, 4, 4};

typedef struct tensors {
    dp_named_tensor list[TENSORS_MAX];
    char names[TENSORS_MAX][48];
    size_t count;
} tensors;

/* A tensor of zeros. */
DP_PRINTF(4, 5)
static float *add(tensors *t, int rank, const int *shape, const char *format, ...)
{
    ck_assert_uint_lt(t->count, TENSORS_MAX);
    char *name = t->names[t->count];
    dp_named_tensor *x = &t->list[t->count++];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof t->names[0], format, args);
    va_end(args);
    *x = (dp_named_tensor){.name = name, .dtype = DP_DTYPE_F32, .rank = rank};
    size_t size = 1;
    for (int i = rank - 1; i >= 0; i--) {
        x->shape[i] = shape[i];
        x->stride[i] = (int64_t)size;
        size *= (size_t)shape[i];
    }
    float *values = calloc(size, sizeof *values);
    x->data = values;
    return values;
}

#define SHAPE(...)                                             \
    (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]) \
    {                                                          \
        __VA_ARGS__                                            \
    }

static void add_stage(tensors *t, int s)
{
    const int C = dims[s], before = s > 0 ? dims[s - 1] : 3, side = s > 0 ? 2 : 4;
    const int conv = s > 0 ? 1 : 0, norm = s > 0 ? before : C;
    add(t, SHAPE(C, before, side, side), "downsample_layers.%d.%d.weight", s, conv);
    add(t, SHAPE(C), "downsample_layers.%d.%d.bias", s, conv);
    add(t, SHAPE(norm), "downsample_layers.%d.%d.weight", s, 1 - conv);
    add(t, SHAPE(norm), "downsample_layers.%d.%d.bias", s, 1 - conv);
    add(t, SHAPE(C), "stages.%d.0.gamma", s);
    add(t, SHAPE(C, 1, 7, 7), "stages.%d.0.dwconv.weight", s);
    add(t, SHAPE(C), "stages.%d.0.dwconv.bias", s);
    add(t, SHAPE(C), "stages.%d.0.norm.weight", s);
    add(t, SHAPE(C), "stages.%d.0.norm.bias", s);
    add(t, SHAPE(4 * C, C), "stages.%d.0.pwconv1.weight", s);
    add(t, SHAPE(4 * C), "stages.%d.0.pwconv1.bias", s);
    add(t, SHAPE(C, 4 * C), "stages.%d.0.pwconv2.weight", s);
    add(t, SHAPE(C), "stages.%d.0.pwconv2.bias", s);
}

static void write_weights(const float logits[TINY_CLASSES])
{
    dp_error err = {0};
    tensors t = {.count = 0};
    for (int s = 0; s < STAGES; s++)
        add_stage(&t, s);
    add(&t, SHAPE(dims[STAGES - 1]), "norm.weight");
    add(&t, SHAPE(dims[STAGES - 1]), "norm.bias");
    add(&t, SHAPE(TINY_CLASSES, dims[STAGES - 1]), "head.weight");
    memcpy(add(&t, SHAPE(TINY_CLASSES), "head.bias"), logits,
           TINY_CLASSES * sizeof *logits);
    ck_assert_msg(dp_safetensors_save(&err, scratch_path("tiny/model.safetensors"),
                                      t.list, t.count, NULL) == DP_OK,
                  "%s", err.text);
    for (size_t i = 0; i < t.count; i++)
        free((void *)(uintptr_t)t.list[i].data);
}

void tiny_classifier_write(const float logits[TINY_CLASSES], const char *resize)
{
    char text[1024];
    size_t size = 0;
    size += (size_t)snprintf(text, sizeof text, "{\"name\": \"tiny\", \"classes\": [");
    for (int i = 0; i < TINY_CLASSES; i++)
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "%s{\"name\": \"class %c\", \"id\": %d}", i ? "," : "",
                                 'a' + i, 10 + i);
    snprintf(text + size, sizeof text - size, "]}");
    scratch_text("tiny/classes.json", text);
    snprintf(text, sizeof text,
             "{\"type\": \"classifier\", \"dataset\": \"classes.json\", "
             "\"input\": {\"resize\": \"%s\", \"scale\": [32, 32], "
             "\"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225]}, "
             "\"backbone\": {\"type\": \"convnext\", \"output_norms\": false, "
             "\"depths\": [1, 1, 1, 1], \"dims\": [2, 2, 4, 4]}, "
             "\"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": %d}, "
             "\"test\": {\"top_k\": 3}}",
             resize, TINY_CLASSES);
    scratch_text("tiny/config.json", text);
    write_weights(logits);
}
