/* y4m.h - YUV4MPEG2 streams, as ffmpeg's yuv4mpegpipe and mjpegtools write and read them
 *
 * Read are 8 bits of 4:2:0 (420, 420jpeg, 420mpeg2, 420paldv; also where nothing is said),
 * 4:2:2, 4:4:4 and mono, by BT.601 (io/image/yuv.h). The range is limited, unless the header says
 * XCOLORRANGE=FULL. Where chroma samples sit is not heeded, nor interlacing. Written is 420jpeg
 * of limited range.
 * Source: the manual page yuv4mpeg(5) of mjpegtools.
 */
#ifndef DP_IO_IMAGE_Y4M_H
#define DP_IO_IMAGE_Y4M_H

#include "io/image/yuv.h"

#include <stdio.h>

/* What a header says. */
typedef struct dp_y4m {
    dp_yuv yuv;
    int rate, per; /* frames: `rate` in `per` seconds; 0 in 0: not said */
} dp_y4m;

/* Read the line before the first frame; `name` is for the sentence. DP_EFORMAT: no Y4M, or
 * incomplete. DP_EUNSUPPORTED: another colour space, or larger than `most` pixels. DP_EIO. */
dp_status dp_y4m_read_header(dp_error *err, dp_y4m *y, FILE *stream, const char *name,
                             int most) DP_MUST_CHECK;

/* Read the planes of the next frame, of dp_yuv_size bytes. *end: there is none. DP_EFORMAT: it
 * is cut or has no FRAME line. DP_EIO. */
dp_status dp_y4m_read_frame(dp_error *err, const dp_y4m *y, uint8_t *planes, bool *end,
                            FILE *stream, const char *name) DP_MUST_CHECK;

/* Write the line, or a frame. False: the stream refuses. */
bool dp_y4m_write_header(const dp_y4m *y, FILE *stream);
bool dp_y4m_write_frame(const dp_y4m *y, const uint8_t *planes, FILE *stream);

#endif
