#include "model/input.h"

#include "core/limits.h"
#include "io/image/opencv_resize.h"
#include "io/image/pillow_resize.h"
#include "io/image/pytorch_resize.h"

const dp_param dp_input_params[] = {
    DP_PARAM_CHOICE(
        dp_input, resize, "fit|crop|warp|float", "\"fit\"",
        "fit into scale, ratio kept (OpenCV's bilinear); crop the middle, or "
        "warp to scale (Pillow's bicubic); or fit it normalised (torchvision)"),
    DP_PARAM(dp_input, scale, "[1333, 800]", 1, DP_MAX_IMAGE_SIDE,
             "long and short side that an image is fitted into, in pixels"),
    DP_PARAM(dp_input, crop_ratio, "0.875", 0.01, 1,
             "of crop: the middle's side, in parts of the short side"),
    DP_PARAM(dp_input, mean, "[123.675, 116.28, 103.53]", -1e4, 1e4,
             "subtracted from red, green, blue: of 0 to 255 with fit, else of 0 to 1"),
    DP_PARAM(dp_input, std, "[58.395, 57.12, 57.375]", 1e-6, 1e4, "then divided by"),
    DP_PARAM(dp_input, to_rgb, "true", 0, 0, "channels in the order red, green, blue"),
    DP_PARAM(dp_input, size_divisor, "32", 1, 4096,
             "sides are padded to multiples of this; 1 pads nothing"),
    DP_PARAM_END,
};

const char *dp_input_resize_name(int resize)
{
    static const char *const names[] = {[DP_INPUT_FIT] = "fit",
                                        [DP_INPUT_CROP] = "crop",
                                        [DP_INPUT_WARP] = "warp",
                                        [DP_INPUT_FLOAT] = "float"};
    return names[resize];
}

dp_status dp_input_build(dp_error *err, dp_input *in, const dp_config *config)
{
    if (in->resize == DP_INPUT_FIT) {
        dp_normalize_build(&in->normalize, in->mean, in->std, in->to_rgb);
        return DP_OK;
    }
    if (in->resize != DP_INPUT_FLOAT && in->scale[0] != in->scale[1])
        return dp_fail(err, DP_ECONFIG,
                       "%s: input.scale: found %d and %d, expected equal sides with "
                       "crop and warp",
                       dp_config_path(config), in->scale[0], in->scale[1]);
    dp_normalize_build_unit(&in->normalize, in->mean, in->std, in->to_rgb);
    return DP_OK;
}

static int round_up(int value, int divisor)
{
    return (value + divisor - 1) / divisor * divisor;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

dp_frame dp_input_frame(const dp_input *in, dp_size original)
{
    dp_frame f = {.original = original};
    const int side = in->scale[0];
    const bool fits = in->resize == DP_INPUT_FIT || in->resize == DP_INPUT_FLOAT;
    if (in->resize == DP_INPUT_FLOAT)
        f.resized =
            dp_pytorch_resize_target(original, smaller(in->scale[0], in->scale[1]),
                                     larger(in->scale[0], in->scale[1]));
    else if (in->resize == DP_INPUT_FIT)
        f.resized =
            dp_opencv_resize_target(original.h, original.w, in->scale[0], in->scale[1]);
    else if (in->resize == DP_INPUT_CROP)
        f.resized = dp_pillow_resize_target(
            original.h, original.w, (int)((double)side / (double)in->crop_ratio));
    else
        f.resized = (dp_size){side, side};
    if (!fits) {
        f.padded = (dp_size){round_up(side, in->size_divisor),
                             round_up(side, in->size_divisor)};
        return f;
    }
    f.padded = (dp_size){round_up(f.resized.h, in->size_divisor),
                         round_up(f.resized.w, in->size_divisor)};
    /* Upstream divides in float64 and stores float32. */
    f.scale_x = (float)((double)f.resized.w / (double)original.w);
    f.scale_y = (float)((double)f.resized.h / (double)original.h);
    return f;
}

/* Half of an even or odd number, rounded to even as Python does. */
static int half(int n)
{
    const int down = n / 2;
    return n % 2 == 0 || down % 2 == 0 ? down : down + 1;
}

/* The image at the size of the network's input, without padding. */
static uint8_t *resize(dp_run *r, const dp_input *in, const dp_frame *frame,
                       const uint8_t *pixels, dp_size *size)
{
    const dp_size whole = frame->resized;
    *size = in->resize == DP_INPUT_FIT ? whole : (dp_size){in->scale[0], in->scale[0]};
    uint8_t *out = dp_run_take(r, (size_t)size->h * (size_t)size->w, 3);
    if (in->resize == DP_INPUT_FIT)
        dp_opencv_resize_run(r, out, size->h, size->w, pixels, frame->original.h,
                             frame->original.w);
    else
        dp_pillow_resize_run(r, out,
                             (dp_pixel_rect){half(whole.h - size->h),
                                             half(whole.w - size->w), size->h, size->w},
                             whole, pixels, frame->original, DP_PILLOW_BICUBIC);
    return out;
}

/* The whole image normalised, then resized and padded. */
static dp_tensor run_float(dp_run *r, const dp_input *in, const dp_frame *frame,
                           const uint8_t *pixels)
{
    const dp_tensor out = dp_run_tensor(r, 1, frame->padded.h, frame->padded.w, 3);
    const size_t mark = dp_run_mark(r);
    const dp_pixel_window whole = {.data = pixels,
                                   .stride = (size_t)frame->original.w * 3,
                                   .h = frame->original.h,
                                   .w = frame->original.w};
    const dp_tensor x = dp_normalize_run(r, &in->normalize, &whole, 1);
    dp_pytorch_resize_run(r, out, x, frame->resized);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "input", out);
    return out;
}

dp_tensor dp_input_run(dp_run *r, const dp_input *in, const dp_frame *frame,
                       const uint8_t *pixels)
{
    if (in->resize == DP_INPUT_FLOAT)
        return run_float(r, in, frame, pixels);
    dp_size size;
    const uint8_t *resized = resize(r, in, frame, pixels, &size);
    const dp_pixel_window window = {
        .data = resized, .stride = (size_t)size.w * 3, .h = size.h, .w = size.w};
    const dp_tensor input =
        dp_normalize_run(r, &in->normalize, &window, in->size_divisor);
    dp_run_trace(r, "input", input);
    return input;
}
