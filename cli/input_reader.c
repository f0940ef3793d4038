#include "cli/input_reader.h"

#include "base/channel.h"
#include "base/memory.h"
#include "cli/input_image.h"

#include <pthread.h>
#include <string.h>

/* An image, or why there is none. */
typedef struct item {
    dp_image *image;
    dp_error err;
} item;

struct dp_input_reader {
    const dp_inputs *inputs;
    dp_context *ctx;     /* the thread's */
    dp_channel *channel; /* of one item  */
    pthread_t thread;
    bool started;
};

static void release(item *one)
{
    if (!one)
        return;
    dp_image_free(one->image);
    dp_free(one);
}

static void *read_images(void *arg)
{
    dp_input_reader *r = arg;
    for (size_t i = 0; i < r->inputs->count && dp_channel_wait(r->channel); i++) {
        item *one;
        dp_error err = {0};
        if (dp_alloc(&err, &one, 1, sizeof *one, "an image") != DP_OK)
            break;
        if (dp_input_image_load(&one->err, r->ctx, &one->image, r->inputs->path[i]) ==
            DP_OK)
            one->err.code = DP_OK;
        if (!dp_channel_put(r->channel, one)) {
            release(one);
            break;
        }
    }
    dp_channel_end(r->channel);
    return NULL;
}

static dp_status start(dp_error *err, dp_input_reader *r)
{
    dp_status st = dp_context_new(&r->ctx, &(dp_options){.threads = 1});
    if (st != DP_OK)
        return dp_fail(err, st, "reading images: %s", dp_status_text(st));
    st = dp_channel_new(err, &r->channel, 1);
    if (st != DP_OK)
        return st;
    const int failed = pthread_create(&r->thread, NULL, read_images, r);
    if (failed)
        return dp_fail(err, DP_EIO, "a thread cannot start: %s", strerror(failed));
    r->started = true;
    return DP_OK;
}

dp_status dp_input_reader_new(dp_error *err, dp_input_reader **out,
                              const dp_inputs *inputs)
{
    dp_status st = dp_alloc(err, out, 1, sizeof **out, "reading images");
    if (st != DP_OK)
        return st;
    (*out)->inputs = inputs;
    st = start(err, *out);
    if (st != DP_OK) {
        dp_input_reader_free(*out);
        *out = NULL;
    }
    return st;
}

dp_status dp_input_reader_next(dp_error *err, dp_input_reader *r, dp_image **image)
{
    item *one = dp_channel_take(r->channel);
    *image = NULL;
    if (!one)
        return dp_fail(err, DP_ENOMEM, "out of memory: an image");
    *image = one->image;
    one->image = NULL;
    const dp_status st = one->err.code;
    if (st != DP_OK)
        *err = one->err;
    release(one);
    return st;
}

void dp_input_reader_free(dp_input_reader *r)
{
    if (!r)
        return;
    if (r->started) {
        item *one;
        dp_channel_end(r->channel);
        while ((one = dp_channel_take(r->channel)))
            release(one);
        pthread_join(r->thread, NULL);
    }
    dp_channel_free(r->channel);
    dp_context_free(r->ctx);
    dp_free(r);
}
