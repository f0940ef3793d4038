#include "runner/read_ahead.h"

#include "base/channel.h"
#include "base/memory.h"
#include "io/image/image.h"

#include <pthread.h>
#include <string.h>

struct dp_read_ahead {
    const dp_queue *queue;
    dp_channel *channel; /* of one image */
    pthread_t thread;
    dp_error err; /* why the thread ended early */
};

static void load(dp_read_image *image)
{
    const dp_job *job = &image->job;
    if (!job->path[0])
        (void)dp_fail(&image->err, DP_EFORMAT,
                      "image %lld: its file_name leads out of the folder of images",
                      (long long)job->id);
    else if (dp_pixels_load(&image->err, &image->pixels, job->path) == DP_OK)
        image->err.code = DP_OK;
}

/* Memory for the next image is taken before a job is: one that is handed out is answered. */
static void *read_images(void *arg)
{
    dp_read_ahead *r = arg;
    const dp_queue *queue = r->queue;
    while (dp_channel_wait(r->channel)) {
        dp_read_image *image;
        if (dp_alloc(&r->err, &image, 1, sizeof *image, "an image") != DP_OK)
            break;
        const bool more = queue->next(queue->arg, &image->job);
        if (more)
            load(image);
        if (!more || !dp_channel_put(r->channel, image)) {
            dp_read_image_free(image);
            break;
        }
    }
    dp_channel_end(r->channel);
    return NULL;
}

dp_status dp_read_ahead_new(dp_error *err, dp_read_ahead **out, const dp_queue *queue)
{
    dp_read_ahead *r;
    *out = NULL;
    dp_status st = dp_alloc(err, &r, 1, sizeof *r, "reading ahead");
    if (st != DP_OK)
        return st;
    r->queue = queue;
    st = dp_channel_new(err, &r->channel, 1);
    const int failed =
        st == DP_OK ? pthread_create(&r->thread, NULL, read_images, r) : 0;
    if (failed)
        st = dp_fail(err, DP_EIO, "a thread cannot start: %s", strerror(failed));
    if (st != DP_OK) {
        dp_channel_free(r->channel);
        dp_free(r);
        return st;
    }
    *out = r;
    return DP_OK;
}

dp_read_image *dp_read_ahead_take(dp_read_ahead *r)
{
    dp_read_image *image = dp_channel_take(r->channel);
    if (image && r->queue->stopped(r->queue->arg)) {
        dp_read_image_free(image);
        return NULL;
    }
    return image;
}

void dp_read_image_free(dp_read_image *image)
{
    if (!image)
        return;
    dp_pixels_done(&image->pixels);
    dp_free(image);
}

dp_status dp_read_ahead_end(dp_error *err, dp_read_ahead *r)
{
    if (!r)
        return DP_OK;
    dp_read_image *image;
    dp_channel_end(r->channel);
    while ((image = dp_channel_take(r->channel)))
        dp_read_image_free(image);
    pthread_join(r->thread, NULL);
    const dp_error why = r->err;
    dp_channel_free(r->channel);
    dp_free(r);
    if (why.code != DP_OK)
        *err = why;
    return why.code;
}
