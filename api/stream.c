/* include/densepred/stream.h: streams of frames. */
#include "densepred/stream.h"

#include "api/image.h"
#include "base/memory.h"
#include "io/image/frame_sink.h"
#include "io/image/frame_source.h"

#include <string.h>

struct dp_stream_reader {
    dp_frame_source source;
};

struct dp_stream_writer {
    dp_frame_sink sink;
};

/* ---- reading ------------------------------------------------------------------------ */

dp_status dp_stream_reader_new(dp_context *ctx, dp_stream_reader **out, FILE *stream,
                               const char *format, const char *name)
{
    static const char *const names[] = {
        [DP_FRAMES_Y4M] = "y4m", [DP_FRAMES_PPM] = "ppm", [DP_FRAMES_MJPEG] = "mjpeg"};
    const size_t count = sizeof names / sizeof *names;
    size_t i = 0;
    *out = NULL;
    while (i < count && strcmp(names[i], format) != 0)
        i++;
    if (i == count)
        return dp_fail(&ctx->err, DP_EARG,
                       "stream: found format \"%s\", expected y4m, ppm or mjpeg",
                       format);
    const dp_status st = dp_alloc(&ctx->err, out, 1, sizeof **out, "a stream");
    if (st == DP_OK)
        dp_frame_source_init(&(*out)->source, (dp_frame_format)i, stream, name);
    return st;
}

void dp_stream_reader_free(dp_stream_reader *reader)
{
    if (!reader)
        return;
    dp_frame_source_done(&reader->source);
    dp_free(reader);
}

dp_status dp_stream_reader_next(dp_context *ctx, dp_stream_reader *reader,
                                dp_image **out)
{
    bool end = false;
    dp_status st = dp_image_new(ctx, out);
    if (st != DP_OK)
        return st;
    st = dp_frame_source_next(&ctx->err, &reader->source, &(*out)->pixels, &end);
    if (st == DP_OK && end) {
        dp_image_free(*out);
        *out = NULL;
    }
    return dp_image_finish(out, st);
}

void dp_stream_reader_rate(const dp_stream_reader *reader, int *rate, int *per)
{
    *rate = reader->source.y4m.rate;
    *per = reader->source.y4m.per;
}

/* ---- writing ------------------------------------------------------------------------ */

dp_status dp_stream_writer_new(dp_context *ctx, dp_stream_writer **out,
                               const char *path)
{
    dp_status st = dp_alloc(&ctx->err, out, 1, sizeof **out, "a stream");
    if (st == DP_OK)
        st = dp_frame_sink_open(&ctx->err, &(*out)->sink, path);
    if (st != DP_OK) {
        dp_free(*out);
        *out = NULL;
    }
    return st;
}

dp_status dp_stream_writer_new_on(dp_context *ctx, dp_stream_writer **out, FILE *stream,
                                  const char *name)
{
    const dp_status st = dp_alloc(&ctx->err, out, 1, sizeof **out, "a stream");
    if (st == DP_OK)
        dp_frame_sink_init(&(*out)->sink, stream, name);
    return st;
}

dp_status dp_stream_writer_add(dp_context *ctx, dp_stream_writer *writer,
                               const dp_image *image, int rate, int per)
{
    return dp_frame_sink_add(&ctx->err, &writer->sink, &image->pixels, rate, per);
}

dp_status dp_stream_writer_close(dp_context *ctx, dp_stream_writer *writer)
{
    return dp_frame_sink_close(&ctx->err, &writer->sink);
}

void dp_stream_writer_free(dp_stream_writer *writer)
{
    if (!writer)
        return;
    dp_frame_sink_done(&writer->sink);
    dp_free(writer);
}
