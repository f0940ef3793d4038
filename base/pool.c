#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include "base/limits.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct worker {
    struct dp_pool *pool;
    int index;
    pthread_t thread;
};

struct dp_pool {
    int threads;
    int started; /* workers that run, without the calling thread */
    struct worker *workers;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* a new round, or quit        */
    pthread_cond_t idle; /* the last worker is finished */
    unsigned round;
    int busy;
    bool quit;

    dp_pool_fn *fn;
    void *arg;
    int items;
    atomic_int next;
};

static void work(dp_pool *pool, int index)
{
    for (;;) {
        const int item =
            atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (item >= pool->items)
            return;
        pool->fn(pool->arg, item, index);
    }
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    dp_pool *pool = self->pool;
    unsigned seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->quit)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        work(pool, self->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static dp_status start_workers(dp_error *err, dp_pool *pool)
{
    for (int i = 1; i < pool->threads; i++) {
        struct worker *w = &pool->workers[i];
        *w = (struct worker){.pool = pool, .index = i};
        const int failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (failed)
            return dp_fail(err, DP_EIO, "thread %d of %d cannot start: %s", i + 1,
                           pool->threads, strerror(failed));
        pool->started = i;
    }
    return DP_OK;
}

dp_status dp_pool_new(dp_error *err, dp_pool **out, int threads)
{
    *out = NULL;
    if (threads < 1 || threads > DP_MAX_THREADS)
        return dp_fail(err, DP_EARG, "threads: found %d, expected 1 to %d", threads,
                       DP_MAX_THREADS);

    void *memory;
    dp_status st = dp_alloc(err, &memory, 1, sizeof(dp_pool), "a thread pool");
    if (st != DP_OK)
        return st;
    dp_pool *pool = memory;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    atomic_init(&pool->next, 0);

    st =
        dp_alloc(err, &memory, (size_t)threads, sizeof(struct worker), "a thread pool");
    pool->workers = memory;
    if (st == DP_OK)
        st = start_workers(err, pool);
    if (st != DP_OK) {
        dp_pool_free(pool);
        return st;
    }
    *out = pool;
    return DP_OK;
}

void dp_pool_free(dp_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    dp_free(pool->workers);
    dp_free(pool);
}

int dp_pool_threads(const dp_pool *pool)
{
    return pool ? pool->threads : 1;
}

void dp_parallel(dp_pool *pool, int items, dp_pool_fn *fn, void *arg)
{
    if (!pool || pool->started == 0 || items <= 1) {
        for (int i = 0; i < items; i++)
            fn(arg, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->items = items;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->busy = pool->started;
    pool->round++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);

    work(pool, 0);

    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* cgroup v2: "quota period" or "max period"; v1: two files. 0 when there is no limit. */
static int cgroup_cpus(void)
{
    long quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%ld %ld", &quota, &period) != 2)
            quota = period = 0;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r"))) {
        if (fscanf(f, "%ld", &quota) != 1)
            quota = 0;
        fclose(f);
        if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r"))) {
            if (fscanf(f, "%ld", &period) != 1)
                period = 0;
            fclose(f);
        }
    }
    if (quota <= 0 || period <= 0)
        return 0;
    return quota < period ? 1 : (int)(quota / period);
}

int dp_pool_available_cpus(void)
{
    cpu_set_t set;
    int cpus = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = CPU_COUNT(&set);
    const int limit = cgroup_cpus();
    if (limit > 0 && limit < cpus)
        cpus = limit;
    if (cpus > DP_MAX_THREADS)
        cpus = DP_MAX_THREADS;
    return cpus < 1 ? 1 : cpus;
}
