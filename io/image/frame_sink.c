#include "io/image/frame_sink.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

dp_status dp_frame_sink_open(dp_error *err, dp_frame_sink *w, const char *path)
{
    *w = (dp_frame_sink){.name = path};
    const dp_status st = dp_atomic_file_open(err, &w->file, path);
    w->stream = w->file.stream;
    return st;
}

void dp_frame_sink_init(dp_frame_sink *w, FILE *stream, const char *name)
{
    *w = (dp_frame_sink){.stream = stream, .name = name};
}

static dp_status refused(dp_error *err, const dp_frame_sink *w)
{
    return dp_fail(err, DP_EIO, "%s: cannot write: %s", w->name,
                   errno ? strerror(errno) : "unknown reason");
}

static dp_status start(dp_error *err, dp_frame_sink *w, const dp_pixels *p, int rate,
                       int per)
{
    w->y4m = (dp_y4m){.yuv = {.h = p->h, .w = p->w, .shift_y = 1, .shift_x = 1},
                      .rate = rate,
                      .per = per};
    const dp_status st =
        dp_alloc(err, &w->planes, dp_yuv_size(&w->y4m.yuv), 1, "a frame of a stream");
    if (st != DP_OK)
        return st;
    return dp_y4m_write_header(&w->y4m, w->stream) ? DP_OK : refused(err, w);
}

dp_status dp_frame_sink_add(dp_error *err, dp_frame_sink *w, const dp_pixels *p,
                            int rate, int per)
{
    errno = 0;
    const dp_status st = w->planes ? DP_OK : start(err, w, p, rate, per);
    if (st != DP_OK)
        return st;
    if (p->h != w->y4m.yuv.h || p->w != w->y4m.yuv.w)
        return dp_fail(err, DP_EARG,
                       "%s: frame %zu: found %d x %d pixels, expected %d x %d", w->name,
                       w->frames, p->w, p->h, w->y4m.yuv.w, w->y4m.yuv.h);
    dp_yuv_from_pixels(&w->y4m.yuv, w->planes, p);
    if (!dp_y4m_write_frame(&w->y4m, w->planes, w->stream))
        return refused(err, w);
    w->frames++;
    return DP_OK;
}

dp_status dp_frame_sink_close(dp_error *err, dp_frame_sink *w)
{
    errno = 0;
    if (w->file.stream)
        return dp_atomic_file_commit(err, &w->file);
    return fflush(w->stream) == 0 ? DP_OK : refused(err, w);
}

void dp_frame_sink_done(dp_frame_sink *w)
{
    dp_atomic_file_abandon(&w->file);
    dp_free(w->planes);
    *w = (dp_frame_sink){0};
}
