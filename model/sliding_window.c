/* UperNet and its like: a backbone and a decode head, run over an image as the
 * upstream segmentors do at test time. An image is fitted to the input's scale times
 * each ratio, perhaps mirrored too, and goes through the network whole or in windows.
 *
 * A window that the network cannot take, because a side is below the coarsest stride,
 * is padded with zeros (the mean colour); upstream fails on those.
 */
#include "base/limits.h"
#include "heads/head.h"
#include "io/image/normalize.h"
#include "io/image/opencv_resize.h"
#include "model/model.h"
#include "model/segmentor.h"

#include <stdio.h>
#include <string.h>

enum { RATIOS_MAX = DP_SEGMENTOR_PASSES / 2, CLASSES_MAX = 255 };

/* The order of the choices of `mode`. */
enum { SLIDE, WHOLE };

typedef struct test_settings {
    int mode;
    int crop_size[2]; /* height, width */
    int stride[2];
    float ratios[RATIOS_MAX];
    bool flip;

    int ratio_count;
} test_settings;

static const dp_param test_params[] = {
    DP_PARAM_CHOICE(test_settings, mode, "slide|whole", "\"whole\"",
                    "in windows, or all at once"),
    DP_PARAM(test_settings, crop_size, "[512, 512]", 32, DP_MAX_IMAGE_SIDE,
             "height and width of a window, in pixels"),
    DP_PARAM(test_settings, stride, "[341, 341]", 1, DP_MAX_IMAGE_SIDE,
             "from window to window, down and across, in pixels"),
    DP_PARAM_LIST(test_settings, ratios, ratio_count, "[1.0]", 0.01, 100,
                  "of the input's scale; the probabilities are averaged"),
    DP_PARAM(test_settings, flip, "false", 0, 0, "each ratio mirrored as well"),
    DP_PARAM_END,
};

typedef struct upernet {
    int cell, least; /* the finest and the coarsest stride of the backbone's maps */
    const dp_decode_head_def *head_def;
    void *head;
    test_settings *test;
} upernet;

static dp_status build_head(upernet *net, dp_builder *b, const dp_config *config,
                            const dp_feature_specs *maps)
{
    const char *type;
    dp_status st = dp_model_part_type(b, &type, config, "decode_head", NULL);
    if (st != DP_OK)
        return st;
    net->head_def = dp_decode_head_find(type);
    if (!net->head_def)
        return dp_model_no_such_part(b, config, "decode_head", type);
    st = dp_model_take_part(b, &net->head, config, "decode_head",
                            net->head_def->head.size, net->head_def->head.params);
    if (st != DP_OK)
        return st;
    const int found = net->head_def->classes(net->head);
    if (found > CLASSES_MAX)
        return dp_fail(b->err, DP_ECONFIG,
                       "%s: decode_head.num_classes: found %d, expected at most the %d "
                       "that a label map holds",
                       dp_config_path(config), found, CLASSES_MAX);
    const size_t outer = dp_builder_enter(b, "decode_head.");
    st = net->head_def->head.build(net->head, b, maps);
    dp_builder_leave(b, outer);
    return st;
}

static dp_status build_test(upernet *net, dp_builder *b, const dp_config *config)
{
    void *test;
    const dp_status st = dp_model_take_part(b, &test, config, "test",
                                            sizeof(test_settings), test_params);
    if (st != DP_OK)
        return st;
    net->test = test;
    for (int i = 0; i < 2; i++)
        if (net->test->stride[i] > net->test->crop_size[i])
            return dp_fail(b->err, DP_ECONFIG,
                           "%s: test.stride: found %d, expected at most crop_size's %d",
                           dp_config_path(config), net->test->stride[i],
                           net->test->crop_size[i]);
    return DP_OK;
}

static int classes(const void *task)
{
    const upernet *net = task;
    return net->head_def->classes(net->head);
}

/* The published counts include the head that training adds on the last map but one: a
 * 3 x 3 convolution to 256 channels with batch norm, and a classifier. */
static uint64_t auxiliary_params(int in, int K)
{
    enum { CHANNELS = 256 };
    return (uint64_t)(9 * in + 2) * CHANNELS + (uint64_t)(CHANNELS + 1) * (uint64_t)K;
}

static dp_status build(dp_model *m, void *task, dp_builder *b, const dp_config *config,
                       const dp_feature_specs *maps)
{
    upernet *net = task;
    net->cell = maps->spec[0].stride;
    net->least = maps->spec[maps->count - 1].stride;
    dp_status st = build_head(net, b, config, maps);
    if (st == DP_OK)
        st = build_test(net, b, config);
    if (st == DP_OK) {
        dp_builder_skip(b, "auxiliary_head."); /* of training only */
        m->training_params =
            auxiliary_params(maps->spec[maps->count - 2].channels, classes(net));
    }
    return st;
}

/* Maps of one of several windows are traced under "window3.stage1", counted from 0 over
 * all passes. */
typedef struct window_trace {
    dp_trace_fn *outer;
    void *outer_arg;
    int window;
} window_trace;

static void trace_window(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    const window_trace *t = arg;
    char full[64];
    snprintf(full, sizeof full, "window%d.%s", t->window, name);
    t->outer(t->outer_arg, r, full, map);
}

/* Window i of the resized image (mirrored: of its mirror image) through the network,
 * into the mosaic. */
static void run_window(const dp_model *m, dp_run *r, dp_segmentor_pass *p, int i,
                       const uint8_t *resized)
{
    const upernet *net = m->task;
    const size_t mark = dp_run_mark(r);
    const dp_mosaic *grid = &p->mosaic;
    const size_t stride = (size_t)grid->size.w * 3;
    int y, x;
    dp_mosaic_place(grid, i, &y, &x);
    const int left = p->flip ? grid->size.w - grid->window.w - x : x;
    const dp_pixel_window window = {
        .data = r->dry ? NULL : resized + (size_t)y * stride + (size_t)left * 3,
        .stride = stride,
        .h = grid->window.h,
        .w = grid->window.w,
        .flip = p->flip};
    const dp_tensor input =
        dp_normalize_run(r, &m->input.normalize, &window, grid->multiple);
    dp_run_trace(r, "input", input); /* (1, h, w, 3)     */
    const dp_features maps = m->backbone_def->forward(m->backbone, r, input);
    const dp_tensor logits = net->head_def->forward(net->head, r, &maps);
    dp_mosaic_put(r, &p->mosaic, i, logits); /* (1, h/4, w/4, K) */
    dp_run_rewind(r, mark);
}

/* All windows of a pass. `window` counts them over all passes. */
static void run_pass(const dp_model *m, dp_run *r, dp_segmentor_pass *p,
                     dp_size original, const uint8_t *pixels, bool alone, int *window)
{
    const size_t mark = dp_run_mark(r);
    const dp_size size = p->mosaic.size;
    uint8_t *resized = dp_run_take(r, (size_t)size.h * (size_t)size.w, 3);
    dp_opencv_resize_run(r, resized, size.h, size.w, pixels, original.h, original.w);

    window_trace names = {r->trace, r->trace_arg, 0};
    if (r->trace && !alone) {
        r->trace = trace_window;
        r->trace_arg = &names;
    }
    for (int i = 0; i < p->mosaic.down * p->mosaic.across; i++) {
        names.window = (*window)++;
        run_window(m, r, p, i, resized);
    }
    r->trace = names.outer;
    r->trace_arg = names.outer_arg;
    dp_run_rewind(r, mark);
}

/* A side of the scale times a ratio, truncated as upstream does; a ratio such as
 * 0.9 is a little less than that in float32. */
static int scale_side(int side, float ratio)
{
    const double scaled = (double)side * (double)ratio + 1e-3;
    return scaled < 1                   ? 1
           : scaled > DP_MAX_IMAGE_SIDE ? DP_MAX_IMAGE_SIDE
                                        : (int)scaled;
}

/* Lay the windows of a pass, and find where the image's pixels are among them. */
static void plan_pass(const dp_model *m, dp_run *r, dp_segmentor_pass *p,
                      dp_size original, float ratio, bool flip)
{
    const upernet *net = m->task;
    const test_settings *test = net->test;
    const dp_size size = dp_opencv_resize_target(original.h, original.w,
                                                 scale_side(m->input.scale[0], ratio),
                                                 scale_side(m->input.scale[1], ratio));
    dp_mosaic_spec spec = {.K = classes(net),
                           .crop = size,
                           .stride = size,
                           .multiple = m->input.size_divisor,
                           .least = net->least,
                           .cell = net->cell};
    if (test->mode == SLIDE) {
        spec.crop = (dp_size){test->crop_size[0], test->crop_size[1]};
        spec.stride = (dp_size){test->stride[0], test->stride[1]};
    }
    *p = (dp_segmentor_pass){.flip = flip};
    p->mosaic = dp_mosaic_plan(r, size, &spec);
    p->rows = dp_run_take(r, (size_t)original.h, sizeof *p->rows);
    p->columns = dp_run_take(r, (size_t)original.w, sizeof *p->columns);
    if (!r->dry) {
        dp_mix_axis(p->rows, size.h, original.h);
        dp_mix_axis(p->columns, size.w, original.w);
    }
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, void *result)
{
    const upernet *net = m->task;
    const test_settings *test = net->test;
    dp_segmentor_result *out = result;
    const int mirrors = test->flip ? 2 : 1, count = test->ratio_count * mirrors;
    *out = (dp_segmentor_result){.image = original, .K = classes(net), .count = count};

    /* A dry run has no arena to keep the passes in. */
    dp_segmentor_pass passes[DP_SEGMENTOR_PASSES], *kept;
    kept = dp_run_take(r, (size_t)count, sizeof *kept);
    int window = 0, windows = 0;
    for (int i = 0; i < count; i++) {
        plan_pass(m, r, &passes[i], original, test->ratios[i / mirrors], i % mirrors);
        windows += passes[i].mosaic.down * passes[i].mosaic.across;
    }
    for (int i = 0; i < count; i++)
        run_pass(m, r, &passes[i], original, pixels, windows == 1, &window);
    out->passes = passes;
    dp_segmentor_label(r, out);
    if (!r->dry)
        memcpy(kept, passes, (size_t)count * sizeof *kept);
    out->passes = kept;
}

const dp_model_def dp_model_upernet = {
    .name = "upernet",
    .summary = "a class for every pixel; UperNet, Xiao et al. 2018",
    .task = DP_TASK_SEGMENT,
    .size = sizeof(upernet),
    .scope = "backbone.",
    .test = test_params,
    .test_size = sizeof(test_settings),
    .build = build,
    .classes = classes,
    .forward = forward,
};
