#include "io/image/frame_source.h"

#include "base/memory.h"
#include "core/limits.h"
#include "io/image/jpeg.h"
#include "io/image/ppm.h"

enum { NAME = 512 };

void dp_frame_source_init(dp_frame_source *r, dp_frame_format format, FILE *stream,
                          const char *name)
{
    *r = (dp_frame_source){.format = format, .stream = stream, .name = name};
}

void dp_frame_source_done(dp_frame_source *r)
{
    dp_free(r->planes);
    dp_mjpeg_done(&r->mjpeg);
    *r = (dp_frame_source){0};
}

static dp_status start_y4m(dp_error *err, dp_frame_source *r)
{
    const dp_status st =
        dp_y4m_read_header(err, &r->y4m, r->stream, r->name, DP_MAX_FRAME_PIXELS);
    return st != DP_OK ? st
                       : dp_alloc(err, &r->planes, dp_yuv_size(&r->y4m.yuv), 1,
                                  "a frame of a stream");
}

static dp_status read_y4m(dp_error *err, dp_frame_source *r, dp_pixels *out, bool *end,
                          const char *name)
{
    dp_status st = r->planes ? DP_OK : start_y4m(err, r);
    if (st == DP_OK)
        st = dp_y4m_read_frame(err, &r->y4m, r->planes, end, r->stream, name);
    if (st != DP_OK || *end)
        return st;
    st = dp_pixels_init(err, out, r->y4m.yuv.h, r->y4m.yuv.w);
    if (st == DP_OK)
        dp_yuv_to_pixels(&r->y4m.yuv, out, r->planes);
    return st;
}

static dp_status read_mjpeg(dp_error *err, dp_frame_source *r, dp_pixels *out,
                            bool *end, const char *name)
{
    const dp_status st =
        dp_mjpeg_read(err, &r->mjpeg, end, r->stream, name, DP_MAX_FRAME_BYTES);
    return st != DP_OK || *end
               ? st
               : dp_jpeg_decode(err, out, r->mjpeg.data, r->mjpeg.size, name);
}

static dp_status read_frame(dp_error *err, dp_frame_source *r, dp_pixels *out,
                            bool *end, const char *name)
{
    switch (r->format) {
    case DP_FRAMES_Y4M:
        return read_y4m(err, r, out, end, name);
    case DP_FRAMES_PPM:
        return dp_ppm_read(err, out, end, r->stream, name);
    case DP_FRAMES_MJPEG:
        break;
    }
    return read_mjpeg(err, r, out, end, name);
}

dp_status dp_frame_source_next(dp_error *err, dp_frame_source *r, dp_pixels *out,
                               bool *end)
{
    char name[NAME];
    *out = (dp_pixels){0};
    *end = false;
    snprintf(name, sizeof name, "%s: frame %zu", r->name, r->frames);
    dp_status st = read_frame(err, r, out, end, name);
    if (st == DP_OK && *end && r->frames == 0)
        st = dp_fail(err, DP_EFORMAT, "%s: the stream holds no frame", r->name);
    if (st == DP_OK && (int64_t)out->h * out->w > DP_MAX_FRAME_PIXELS)
        st = dp_fail(err, DP_EUNSUPPORTED,
                     "%s: found %d x %d pixels; at most %d in all are read", name,
                     out->w, out->h, DP_MAX_FRAME_PIXELS);
    if (st != DP_OK)
        dp_pixels_done(out);
    else
        r->frames += !*end;
    return st;
}
