#define _POSIX_C_SOURCE 200809L
#include "train/loader.h"

#include "base/memory.h"
#include "io/image/image.h"
#include "io/image/stored_pixels.h"

#include <pthread.h>
#include <string.h>

enum { CHANNELS = 3 };

/* A batch that is filled. */
typedef struct slot {
    float *images; /* owned */
    int *labels;   /* owned */
    size_t batch;  /* its number in the order */
    size_t count, left;
    size_t failed; /* place of the first image that failed */
    dp_error failure;
} slot;

typedef struct worker {
    dp_loader *loader;
    pthread_t thread;
    dp_arena arena;
    dp_error err;
} worker;

struct dp_loader {
    dp_loader_options options;
    worker *workers; /* owned */
    int started;
    slot slots[DP_LOADER_AHEAD];

    pthread_mutex_t lock; /* of all that follows, and of the slots' counts */
    pthread_cond_t work, ready;
    const int *order;
    size_t count;
    uint32_t epoch;
    size_t next;           /* place in the order of the next image to read */
    size_t handed, passed; /* batches handed out, and of these done with   */
    int busy;              /* workers that read an image                   */
    bool quit;
};

/* ---- one image ------------------------------------------------------------------- */

static dp_status prepare(worker *w, const dp_pixels *image, uint32_t epoch, int index,
                         float *out)
{
    const dp_loader_options *o = &w->loader->options;
    dp_arena_dry(&w->arena);
    dp_run r = {.arena = &w->arena, .kernels = o->kernels, .dry = true, .err = &w->err};
    const dp_tensor shape = o->prepare(o->arg, &r, epoch, index, image);
    if (r.status == DP_OK && (shape.H != o->size.h || shape.W != o->size.w))
        dp_run_fail(&r, DP_ESHAPE, "the input is %d x %d, expected %d x %d", shape.W,
                    shape.H, o->size.w, o->size.h);
    if (r.status == DP_OK)
        r.status = dp_arena_reserve(&w->err, &w->arena, w->arena.peak);
    if (r.status != DP_OK)
        return r.status;
    r.dry = false;
    const dp_tensor input = o->prepare(o->arg, &r, epoch, index, image);
    memcpy(out, input.data, dp_tensor_size(input) * sizeof *out);
    return DP_OK;
}

static dp_status read_image(worker *w, uint32_t epoch, int index, float *out)
{
    const char *path = w->loader->options.images->list[index].path;
    dp_pixels pixels = {0};
    dp_stored_pixels stored = {0};
    dp_status st = dp_pixels_load(&w->err, &pixels, path);
    if (st != DP_OK)
        return st;
    st = dp_stored_pixels_init(&w->err, &stored, &pixels);
    if (st == DP_OK)
        st = prepare(w, &stored.pixels, epoch, index, out);
    dp_stored_pixels_done(&stored);
    dp_pixels_done(&pixels);
    return st == DP_OK ? DP_OK : dp_fail_while(&w->err, "%s", path);
}

/* ---- threads --------------------------------------------------------------------- */

static size_t size_of(const dp_loader *l)
{
    return (size_t)l->options.size.h * (size_t)l->options.size.w * CHANNELS;
}

/* Claim the next image; `lock` is held. */
static slot *claim(dp_loader *l, size_t *place)
{
    const size_t most = (size_t)l->options.batch;
    *place = l->next++;
    slot *s = &l->slots[*place / most % DP_LOADER_AHEAD];
    if (*place % most == 0) {
        s->batch = *place / most;
        s->count = l->count - *place < most ? l->count - *place : most;
        s->left = s->count;
        s->failure.code = DP_OK;
    }
    l->busy++;
    return s;
}

/* Note what became of an image; `lock` is held. */
static void finish(worker *w, slot *s, size_t place, dp_status st)
{
    dp_loader *l = w->loader;
    if (st != DP_OK && (s->failure.code == DP_OK || place < s->failed)) {
        s->failure = w->err;
        s->failed = place;
    }
    s->left--;
    if (--l->busy == 0 || s->left == 0)
        pthread_cond_broadcast(&l->ready);
}

static void *work(void *arg)
{
    worker *w = arg;
    dp_loader *l = w->loader;
    const size_t most = (size_t)l->options.batch;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->quit &&
               (l->next >= l->count || l->next / most >= l->passed + DP_LOADER_AHEAD))
            pthread_cond_wait(&l->work, &l->lock);
        if (l->quit)
            break;
        size_t place;
        slot *s = claim(l, &place);
        const int index = l->order[place];
        const uint32_t epoch = l->epoch;
        pthread_mutex_unlock(&l->lock);
        s->labels[place % most] = l->options.images->list[index].label;
        const dp_status st =
            read_image(w, epoch, index, s->images + place % most * size_of(l));
        pthread_mutex_lock(&l->lock);
        finish(w, s, place, st);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Let go of what was begun, and wait for images under way; `lock` is held. */
static void drop(dp_loader *l)
{
    l->count = l->next = 0;
    while (l->busy > 0)
        pthread_cond_wait(&l->ready, &l->lock);
}

/* ---- the caller's side ----------------------------------------------------------- */

static dp_status start_workers(dp_error *err, dp_loader *l)
{
    dp_status st = dp_alloc(err, &l->workers, (size_t)l->options.workers,
                            sizeof *l->workers, "threads that read images");
    while (st == DP_OK && l->started < l->options.workers) {
        worker *w = &l->workers[l->started];
        w->loader = l;
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            st = dp_fail(err, DP_EIO, "cannot start %d threads to read images",
                         l->options.workers);
        else
            l->started++;
    }
    return st;
}

dp_status dp_loader_new(dp_error *err, dp_loader **out,
                        const dp_loader_options *options)
{
    dp_loader *l;
    *out = NULL;
    dp_status st = dp_alloc(err, &l, 1, sizeof *l, "a loader of images");
    if (st != DP_OK)
        return st;
    l->options = *options;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    const size_t batch = (size_t)options->batch;
    for (int i = 0; i < DP_LOADER_AHEAD && st == DP_OK; i++) {
        st = dp_alloc(err, &l->slots[i].images, batch, size_of(l) * sizeof(float),
                      "batches of images");
        if (st == DP_OK)
            st = dp_alloc(err, &l->slots[i].labels, batch, sizeof(int),
                          "batches of images");
    }
    if (st == DP_OK)
        st = start_workers(err, l);
    if (st == DP_OK)
        *out = l;
    else
        dp_loader_free(l);
    return st;
}

void dp_loader_free(dp_loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    drop(l);
    l->quit = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->started; i++) {
        pthread_join(l->workers[i].thread, NULL);
        dp_arena_done(&l->workers[i].arena);
    }
    for (int i = 0; i < DP_LOADER_AHEAD; i++) {
        dp_free(l->slots[i].images);
        dp_free(l->slots[i].labels);
    }
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    dp_free(l->workers);
    dp_free(l);
}

void dp_loader_start(dp_loader *l, const int *order, size_t count, uint32_t epoch)
{
    pthread_mutex_lock(&l->lock);
    drop(l);
    l->order = order;
    l->count = count;
    l->epoch = epoch;
    l->handed = l->passed = 0;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

/* Whether the slot holds the whole of that batch; `lock` is held. */
static bool is_ready(const dp_loader *l, const slot *s, size_t batch)
{
    return l->next > batch * (size_t)l->options.batch && s->batch == batch &&
           s->left == 0;
}

dp_status dp_loader_next(dp_error *err, dp_loader *l, dp_batch *batch)
{
    dp_status st = DP_OK;
    const dp_size size = l->options.size;
    *batch = (dp_batch){{NULL, 0, size.h, size.w, CHANNELS}, NULL};
    pthread_mutex_lock(&l->lock);
    l->passed = l->handed;
    pthread_cond_broadcast(&l->work);
    if (l->handed * (size_t)l->options.batch < l->count) {
        slot *s = &l->slots[l->handed % DP_LOADER_AHEAD];
        while (!is_ready(l, s, l->handed))
            pthread_cond_wait(&l->ready, &l->lock);
        l->handed++;
        batch->images.data = s->images;
        batch->images.N = (int)s->count;
        batch->labels = s->labels;
        st = s->failure.code;
        if (st != DP_OK)
            *err = s->failure;
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}
