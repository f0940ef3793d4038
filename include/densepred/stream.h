/* densepred/stream.h - streams of frames: read one by one, written as Y4M
 *
 *     dp_stream_reader_new(ctx, &reader, stdin, "y4m", "standard input");
 *     while (dp_stream_reader_next(ctx, reader, &image) == DP_OK && image) {
 *         ...
 *         dp_image_free(image);
 *     }
 *     dp_stream_reader_free(reader);
 *
 * A reader or writer belongs to one thread at a time, and takes the context of that thread.
 */
#ifndef DENSEPRED_STREAM_H
#define DENSEPRED_STREAM_H

#include "densepred/image.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_stream_reader dp_stream_reader;
typedef struct dp_stream_writer dp_stream_writer;

/* Start on a stream, which stays the caller's; `name` stands for it in sentences and must
 * stay. Formats:
 *
 *   "y4m"    YUV4MPEG2 of 8 bits: 4:2:0, 4:2:2, 4:4:4 and mono, converted by BT.601 (limited
 *            range, or full range where the header says so; a chroma sample stands for all
 *            pixels that share it)
 *   "ppm"    binary PPM and PGM of 8 bits, one behind another
 *   "mjpeg"  JPEG images, one behind another
 *
 * DP_EARG for another format; DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_stream_reader_new(dp_context *ctx, dp_stream_reader **out,
                                      FILE *stream, const char *format,
                                      const char *name);
DP_API void dp_stream_reader_free(dp_stream_reader *reader);

/* The next frame, the caller's to dp_image_free; NULL after the last. DP_EFORMAT: it is
 * damaged or cut, or the stream holds no frame. DP_EUNSUPPORTED: another kind, or a frame of
 * more than 2^26 pixels. DP_EIO, DP_ENOMEM. *out is NULL then, and the frames before stay good;
 * no further one can be read. */
DP_API dp_status dp_stream_reader_next(dp_context *ctx, dp_stream_reader *reader,
                                       dp_image **out);

/* Frames a second of a Y4M, as a fraction, after its first frame; 0 and 0 when the stream does
 * not tell it. */
DP_API void dp_stream_reader_rate(const dp_stream_reader *reader, int *rate, int *per);

/* Start a Y4M file (4:2:0, BT.601, limited range) at `path`, whole or not there, or on a stream
 * that stays the caller's. DP_EIO, DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_stream_writer_new(dp_context *ctx, dp_stream_writer **out,
                                      const char *path);
DP_API dp_status dp_stream_writer_new_on(dp_context *ctx, dp_stream_writer **out,
                                         FILE *stream, const char *name);

/* Append an image. The first one says the size of all, and `rate` frames in `per` seconds (0:
 * 25 in 1). DP_EARG for another size; DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_stream_writer_add(dp_context *ctx, dp_stream_writer *writer,
                                      const dp_image *image, int rate, int per);

/* Complete the file and put it in its place, or flush the stream. DP_EIO. */
DP_API dp_status dp_stream_writer_close(dp_context *ctx, dp_stream_writer *writer);

/* A file that was not closed goes away. Takes NULL. */
DP_API void dp_stream_writer_free(dp_stream_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
