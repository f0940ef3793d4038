/* frame_source.h - frames of a stream, one after another
 */
#ifndef DP_IO_IMAGE_FRAME_SOURCE_H
#define DP_IO_IMAGE_FRAME_SOURCE_H

#include "io/image/mjpeg.h"
#include "io/image/y4m.h"

typedef enum dp_frame_format {
    DP_FRAMES_Y4M,  /* io/image/y4m.h   */
    DP_FRAMES_PPM,  /* io/image/ppm.h   */
    DP_FRAMES_MJPEG /* io/image/mjpeg.h */
} dp_frame_format;

typedef struct dp_frame_source {
    dp_frame_format format;
    FILE *stream;     /* borrowed */
    const char *name; /* borrowed; for sentences */
    size_t frames;    /* read so far */
    dp_y4m y4m;       /* of a Y4M, after the first frame */
    uint8_t *planes;  /* owned; of a Y4M's frame */
    dp_mjpeg mjpeg;
} dp_frame_source;

/* Start on a stream; nothing is read yet. */
void dp_frame_source_init(dp_frame_source *r, dp_frame_format format, FILE *stream,
                          const char *name);

/* Release. A zeroed r is allowed. */
void dp_frame_source_done(dp_frame_source *r);

/* The next frame into *out, the caller's to release. *end: there is none, and *out is empty.
 * Sentences name the frame, from 0 on. DP_EFORMAT: damaged, cut, or a stream without frames.
 * DP_EUNSUPPORTED: another kind, beyond the limits of images, more than DP_MAX_FRAME_PIXELS.
 * DP_EIO, DP_ENOMEM. *out is empty then, and no further frame can be read. */
dp_status dp_frame_source_next(dp_error *err, dp_frame_source *r, dp_pixels *out,
                               bool *end) DP_MUST_CHECK;

#endif
