/* frame_sink.h - images as the frames of a Y4M file
 */
#ifndef DP_IO_IMAGE_FRAME_SINK_H
#define DP_IO_IMAGE_FRAME_SINK_H

#include "base/atomic_file.h"
#include "io/image/y4m.h"

typedef struct dp_frame_sink {
    dp_atomic_file file; /* not open on a stream of the caller's */
    FILE *stream;
    const char *name; /* for sentences */
    size_t frames;
    dp_y4m y4m;
    uint8_t *planes; /* owned */
} dp_frame_sink;

/* Start the file at `path`, whole or not there (base/atomic_file.h); `path` stays the
 * caller's. DP_EIO, DP_ENOMEM. */
dp_status dp_frame_sink_open(dp_error *err, dp_frame_sink *w,
                             const char *path) DP_MUST_CHECK;

/* The same on an open stream, which stays the caller's. */
void dp_frame_sink_init(dp_frame_sink *w, FILE *stream, const char *name);

/* Append a frame. The first says the size of all, and with it `rate` frames in `per` seconds
 * (0: 25 in 1). DP_EARG: another size. DP_EIO, DP_ENOMEM. */
dp_status dp_frame_sink_add(dp_error *err, dp_frame_sink *w, const dp_pixels *p,
                            int rate, int per) DP_MUST_CHECK;

/* Complete the file and put it in its place. DP_EIO. */
dp_status dp_frame_sink_close(dp_error *err, dp_frame_sink *w) DP_MUST_CHECK;

/* Release; a file that was not closed goes away. A zeroed w is allowed. */
void dp_frame_sink_done(dp_frame_sink *w);

#endif
