/* read_ahead.h - a queue's images decoded on a thread, while the one before is run
 */
#ifndef DP_RUNNER_READ_AHEAD_H
#define DP_RUNNER_READ_AHEAD_H

#include "core/pixels.h"
#include "runner/queue.h"

typedef struct dp_read_ahead dp_read_ahead;

/* An image that was read, or why it was not. */
typedef struct dp_read_image {
    dp_job job;
    dp_pixels pixels;
    dp_error err; /* its code is DP_OK for an image */
} dp_read_image;

/* Start to take images of the queue, which outlives it, and decode them: one ahead of the one
 * that was taken last. DP_ENOMEM, DP_EIO (threads); *out is NULL then. */
dp_status dp_read_ahead_new(dp_error *err, dp_read_ahead **out,
                            const dp_queue *queue) DP_MUST_CHECK;

/* The next one, for dp_read_image_free; NULL: there are no more, or the queue is stopped. */
dp_read_image *dp_read_ahead_take(dp_read_ahead *r);

/* Takes NULL. */
void dp_read_image_free(dp_read_image *image);

/* End the thread, and free r; an image that it holds has no result then. DP_ENOMEM: images are
 * left because there was no memory for one. NULL is allowed. */
dp_status dp_read_ahead_end(dp_error *err, dp_read_ahead *r) DP_MUST_CHECK;

#endif
