/* UperNet and its like: a backbone and a decode head, run over an image as the
 * upstream segmentors do at test time. An image is fitted to the input's scale times
 * each ratio, perhaps mirrored too, and goes through the network whole or in windows.
 *
 * A window with a side below the least that the backbone takes is padded with zeros (the
 * mean colour); upstream fails on those.
 */
#include "core/limits.h"
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

typedef struct upernet {
    int mode;
    int crop_size[2]; /* height, width */
    int stride[2];
    float ratios[RATIOS_MAX];
    bool flip;

    int ratio_count;
    int cell; /* the finest stride of the backbone's maps */
    dp_part head;
    dp_part auxiliary; /* its module is NULL but in training */
} upernet;

static const dp_param params[] = {
    DP_PARAM_CHOICE(upernet, mode, "slide|whole", "\"whole\"",
                    "in windows, or all at once"),
    DP_PARAM(upernet, crop_size, "[512, 512]", 32, DP_MAX_IMAGE_SIDE,
             "height and width of a window, in pixels"),
    DP_PARAM(upernet, stride, "[341, 341]", 1, DP_MAX_IMAGE_SIDE,
             "from window to window, down and across, in pixels"),
    DP_PARAM_LIST(upernet, ratios, ratio_count, "[1.0]", 0.01, 100,
                  "of the input's scale; the probabilities are averaged"),
    DP_PARAM(upernet, flip, "false", 0, 0, "each ratio mirrored as well"),
    DP_PARAM_END,
};

/* What the parameter tables cannot check. */
static dp_status check(const upernet *net, dp_builder *b, int K)
{
    const char *path = dp_config_path(b->config);
    if (K > CLASSES_MAX)
        return dp_fail(b->err, DP_ECONFIG,
                       "%s: decode_head.num_classes: found %d, expected at most the %d "
                       "that a label map holds",
                       path, K, CLASSES_MAX);
    for (int i = 0; i < 2; i++)
        if (net->stride[i] > net->crop_size[i])
            return dp_fail(b->err, DP_ECONFIG,
                           "%s: test.stride: found %d, expected at most crop_size's %d",
                           path, net->stride[i], net->crop_size[i]);
    return DP_OK;
}

static int classes(const void *self)
{
    const upernet *net = self;
    return dp_decode_head_def_of(net->head.module)->classes(net->head.self);
}

/* The published counts include the head that training adds on the last map but one: a
 * 3 x 3 convolution to 256 channels with batch norm, and a classifier. */
static uint64_t auxiliary_params(int in, int K)
{
    enum { CHANNELS = 256 };
    return (uint64_t)(9 * in + 2) * CHANNELS + (uint64_t)(CHANNELS + 1) * (uint64_t)K;
}

/* Without a section there is none. */
static dp_status build_auxiliary(upernet *net, dp_builder *b,
                                 const dp_feature_specs *in)
{
    if (!dp_module_is_wanted(b, DP_MODULE_AUXILIARY_HEAD))
        return dp_module_skip(b, DP_MODULE_AUXILIARY_HEAD);
    const dp_status st =
        dp_module_build(b, &net->auxiliary, DP_MODULE_AUXILIARY_HEAD, in);
    if (st != DP_OK)
        return st;
    const int found =
        dp_decode_head_def_of(net->auxiliary.module)->classes(net->auxiliary.self);
    if (found == classes(net))
        return DP_OK;
    return dp_fail(
        b->err, DP_ECONFIG,
        "%s: auxiliary_head.num_classes: found %d, expected decode_head's %d",
        dp_config_path(b->config), found, classes(net));
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    upernet *net = self;
    net->cell = in->spec[0].stride;
    dp_status st = dp_module_build(b, &net->head, DP_MODULE_DECODE_HEAD, in);
    if (st == DP_OK)
        st = check(net, b, classes(net));
    if (st == DP_OK && b->training)
        return build_auxiliary(net, b, in);
    if (st == DP_OK)
        st = dp_module_skip(b, DP_MODULE_AUXILIARY_HEAD);
    if (st == DP_OK)
        b->training_params +=
            auxiliary_params(in->spec[in->count - 2].channels, classes(net));
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
    const dp_features maps = dp_backbone_run(&m->backbone, r, input);
    const dp_tensor logits =
        dp_decode_head_def_of(net->head.module)->forward(net->head.self, r, &maps);
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
    const dp_size size = dp_opencv_resize_target(original.h, original.w,
                                                 scale_side(m->input.scale[0], ratio),
                                                 scale_side(m->input.scale[1], ratio));
    dp_mosaic_spec spec = {.K = classes(net),
                           .crop = size,
                           .stride = size,
                           .multiple = m->input.size_divisor,
                           .least = dp_backbone_least_side(&m->backbone),
                           .cell = net->cell};
    if (net->mode == SLIDE) {
        spec.crop = (dp_size){net->crop_size[0], net->crop_size[1]};
        spec.stride = (dp_size){net->stride[0], net->stride[1]};
    }
    *p = (dp_segmentor_pass){.flip = flip};
    p->mosaic = dp_mosaic_plan(r, size, &spec);
    p->rows = dp_run_take(r, (size_t)original.h, sizeof *p->rows);
    p->columns = dp_run_take(r, (size_t)original.w, sizeof *p->columns);
    if (!r->dry) {
        dp_blend_axis(p->rows, size.h, original.h);
        dp_blend_axis(p->columns, size.w, original.w);
    }
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, const dp_model_options *options,
                    void *result)
{
    (void)options;
    const upernet *net = m->task;
    dp_segmentor_result *out = result;
    const int mirrors = net->flip ? 2 : 1, count = net->ratio_count * mirrors;
    *out = (dp_segmentor_result){.image = original, .K = classes(net), .count = count};

    /* A dry run has no arena to keep the passes in. */
    dp_segmentor_pass passes[DP_SEGMENTOR_PASSES], *kept;
    kept = dp_run_take(r, (size_t)count, sizeof *kept);
    int window = 0, windows = 0;
    for (int i = 0; i < count; i++) {
        plan_pass(m, r, &passes[i], original, net->ratios[i / mirrors], i % mirrors);
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

dp_segmentor_logits dp_segmentor_logits_run(const dp_model *m, dp_run *r,
                                            dp_tensor input)
{
    const upernet *net = m->task;
    const dp_features maps = dp_backbone_run(&m->backbone, r, input);
    dp_segmentor_logits out = {
        .decode =
            dp_decode_head_def_of(net->head.module)->forward(net->head.self, r, &maps)};
    if (net->auxiliary.module)
        out.auxiliary = dp_decode_head_def_of(net->auxiliary.module)
                            ->forward(net->auxiliary.self, r, &maps);
    return out;
}

const dp_model_def dp_model_upernet = {
    .module = DP_MODULE(DP_MODULE_MODEL, "upernet",
                        "a class for every pixel; UperNet, Xiao et al. 2018", upernet,
                        params, build),
    .task = DP_TASK_SEGMENT,
    .scope = "backbone.",
    .classes = classes,
    .forward = forward,
};
