#include "model/input.h"

#include "core/limits.h"
#include "ops/image_resize.h"

const dp_param dp_input_params[] = {
    DP_PARAM(dp_input, scale, "[1333, 800]", 1, DP_MAX_IMAGE_SIDE,
             "long and short side that a picture is fitted into, in pixels"),
    DP_PARAM(dp_input, mean, "[123.675, 116.28, 103.53]", -1e4, 1e4,
             "subtracted from red, green, blue"),
    DP_PARAM(dp_input, std, "[58.395, 57.12, 57.375]", 1e-6, 1e4, "then divided by"),
    DP_PARAM(dp_input, to_rgb, "true", 0, 0, "channels in the order red, green, blue"),
    DP_PARAM(dp_input, size_divisor, "32", 1, 4096,
             "sides are padded to multiples of this; 1 pads nothing"),
    DP_PARAM_END,
};

void dp_input_build(dp_input *in)
{
    dp_normalize_build(&in->normalize, in->mean, in->std, in->to_rgb);
}

static int round_up(int value, int divisor)
{
    return (value + divisor - 1) / divisor * divisor;
}

dp_frame dp_input_frame(const dp_input *in, dp_size original)
{
    dp_frame f = {.original = original};
    f.resized =
        dp_image_resize_target(original.h, original.w, in->scale[0], in->scale[1]);
    f.padded = (dp_size){round_up(f.resized.h, in->size_divisor),
                         round_up(f.resized.w, in->size_divisor)};
    /* The original divides in float64 and stores float32. */
    f.scale_x = (float)((double)f.resized.w / (double)original.w);
    f.scale_y = (float)((double)f.resized.h / (double)original.h);
    return f;
}

dp_tensor dp_input_run(dp_run *r, const dp_input *in, const dp_frame *frame,
                       const uint8_t *pixels)
{
    const dp_size size = frame->resized;
    uint8_t *resized = dp_run_take(r, (size_t)size.h * (size_t)size.w, 3);
    dp_image_resize_run(r, resized, size.h, size.w, pixels, frame->original.h,
                        frame->original.w);
    const dp_pixel_window window = {
        .data = resized, .stride = (size_t)size.w * 3, .h = size.h, .w = size.w};
    const dp_tensor input =
        dp_normalize_run(r, &in->normalize, &window, in->size_divisor);
    dp_run_trace(r, "input", input);
    return input;
}
