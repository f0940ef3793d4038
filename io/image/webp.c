#include "io/image/webp.h"

#include "io/image/image_limits.h"

#include <webp/decode.h>
#include <webp/demux.h>

static dp_status refuse(dp_error *err, const char *name, VP8StatusCode code)
{
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return dp_fail(err, DP_ENOMEM, "%s: out of memory: a WebP reader", name);
    return dp_fail(err, DP_EFORMAT, "%s: the WebP is damaged or not complete", name);
}

/* One image of w x h at its place on the canvas. */
static dp_status decode_frame(dp_error *err, const dp_pixels *out,
                              const WebPIterator *frame, const char *name)
{
    const size_t stride = (size_t)out->w * 3;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config) || frame->x_offset < 0 || frame->y_offset < 0 ||
        frame->width > out->w - frame->x_offset ||
        frame->height > out->h - frame->y_offset)
        return refuse(err, name, VP8_STATUS_BITSTREAM_ERROR);
    const size_t first = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * 3;
    config.output.colorspace = MODE_BGR;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){out->data + first, (int)stride,
                                            (size_t)out->h * stride - first};
    const VP8StatusCode code =
        WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    return code == VP8_STATUS_OK ? DP_OK : refuse(err, name, code);
}

static dp_status decode_first(dp_error *err, dp_pixels *out, WebPDemuxer *file,
                              size_t size, const char *name)
{
    const uint32_t w = WebPDemuxGetI(file, WEBP_FF_CANVAS_WIDTH);
    const uint32_t h = WebPDemuxGetI(file, WEBP_FF_CANVAS_HEIGHT);
    WebPIterator frame = {0};
    dp_status st = dp_image_limits_check(
        err, &(dp_image_claim){
                 .name = name, .format = "WebP", .w = w, .h = h, .size = size});
    if (st == DP_OK)
        st = dp_pixels_init(err, out, (int)h, (int)w);
    if (st != DP_OK)
        return st;
    st = WebPDemuxGetFrame(file, 1, &frame)
             ? decode_frame(err, out, &frame, name)
             : refuse(err, name, VP8_STATUS_BITSTREAM_ERROR);
    WebPDemuxReleaseIterator(&frame);
    return st;
}

dp_status dp_webp_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name)
{
    const WebPData data = {bytes, size};
    *out = (dp_pixels){0};
    WebPDemuxer *file = WebPDemux(&data);
    if (!file)
        return refuse(err, name, VP8_STATUS_BITSTREAM_ERROR);
    const dp_status st = decode_first(err, out, file, size, name);
    WebPDemuxDelete(file);
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}
