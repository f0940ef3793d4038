#include "base/channel.h"

#include "base/memory.h"

#include <pthread.h>

struct dp_channel {
    void **items; /* owned; a ring of `room` */
    size_t room, first, count;
    bool ended;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

dp_status dp_channel_new(dp_error *err, dp_channel **out, size_t room)
{
    dp_channel *c;
    *out = NULL;
    dp_status st = dp_alloc(err, &c, 1, sizeof *c, "a queue");
    if (st != DP_OK)
        return st;
    c->room = room;
    st = dp_alloc(err, &c->items, room, sizeof *c->items, "a queue");
    if (st != DP_OK) {
        dp_free(c);
        return st;
    }
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    *out = c;
    return DP_OK;
}

void dp_channel_free(dp_channel *c)
{
    if (!c)
        return;
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    dp_free(c->items);
    dp_free(c);
}

bool dp_channel_put(dp_channel *c, void *item)
{
    pthread_mutex_lock(&c->lock);
    while (c->count == c->room && !c->ended)
        pthread_cond_wait(&c->changed, &c->lock);
    const bool taken = !c->ended;
    if (taken)
        c->items[(c->first + c->count++) % c->room] = item;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return taken;
}

bool dp_channel_wait(dp_channel *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->count == c->room && !c->ended)
        pthread_cond_wait(&c->changed, &c->lock);
    const bool open = !c->ended;
    pthread_mutex_unlock(&c->lock);
    return open;
}

void *dp_channel_take(dp_channel *c)
{
    void *item = NULL;
    pthread_mutex_lock(&c->lock);
    while (c->count == 0 && !c->ended)
        pthread_cond_wait(&c->changed, &c->lock);
    if (c->count > 0) {
        item = c->items[c->first];
        c->first = (c->first + 1) % c->room;
        c->count--;
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return item;
}

void dp_channel_end(dp_channel *c)
{
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}
