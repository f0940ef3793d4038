/* Several processes, by MPI: messages between process 0 and the others.
 *
 *   CALL    0 -> other   1: a run begins; 0: process 0 leaves
 *   ASK     other -> 0   (empty)
 *   JOB     0 -> other   item (8), id (8), path without a zero; empty: no more
 *   ANSWER  other -> 0   item (8), state (8), payload
 *   FINISH  other -> 0   (empty)
 *
 * Numbers are in the machine's order: the processes are of one build. Who waits looks for
 * messages and sleeps between: a blocking receive would take a processor of its own. Only a
 * process that has asked receives at once.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "base/memory.h"
#include "runner/processes.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

enum { CALL = 1, ASK, JOB, ANSWER, FINISH, HEAD = 16, NAP_NS = 500000 };

static int me, count = 1;
static bool joined;
static bool running; /* a run that other processes take part in is not finished */

/* Of a process that is not 0: MPI is used by one thread at a time. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

dp_status dp_processes_join(void)
{
    int provided = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS)
        return DP_EIO;
    if (provided < MPI_THREAD_SERIALIZED) {
        MPI_Finalize();
        return DP_EUNSUPPORTED;
    }
    joined = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    return DP_OK;
}

int dp_processes_rank(void)
{
    return me;
}

int dp_processes_count(void)
{
    return count;
}

/* Sleep until a message is there. */
static void await(MPI_Status *about, int from, int tag)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    int there = 0;
    while (MPI_Iprobe(from, tag, MPI_COMM_WORLD, &there, about), !there)
        nanosleep(&nap, NULL);
}

static void call(unsigned char begins)
{
    for (int to = 1; to < count; to++)
        MPI_Send(&begins, 1, MPI_BYTE, to, CALL, MPI_COMM_WORLD);
    running = begins;
}

void dp_processes_begin(void)
{
    call(1);
}

int dp_processes_wait(void)
{
    unsigned char begins = 0;
    MPI_Status about;
    if (me == 0)
        return 0;
    await(&about, 0, CALL);
    MPI_Recv(&begins, 1, MPI_BYTE, 0, CALL, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    running = begins;
    return begins;
}

void dp_processes_leave(int status)
{
    if (!joined)
        return;
    if (running)
        MPI_Abort(MPI_COMM_WORLD, status);
    if (me == 0)
        call(0);
    MPI_Finalize();
    joined = false;
}

static void put_head(unsigned char *to, uint64_t first, uint64_t second)
{
    memcpy(to, &first, 8);
    memcpy(to + 8, &second, 8);
}

static void get_head(const unsigned char *from, uint64_t *first, uint64_t *second)
{
    memcpy(first, from, 8);
    memcpy(second, from + 8, 8);
}

/* ---- process 0 ------------------------------------------------------------------------- */

typedef struct service {
    const dp_queue *queue;
    unsigned char *buffer; /* owned */
    size_t room;
    int left; /* processes that have not finished */
} service;

static void give_job(const service *s, int to)
{
    unsigned char message[HEAD + DP_JOB_PATH];
    dp_job job;
    size_t size = 0;
    if (s->queue->next(s->queue->arg, &job)) {
        size = strlen(job.path);
        put_head(message, job.item, (uint64_t)job.id);
        memcpy(message + HEAD, job.path, size);
        size += HEAD;
    }
    MPI_Send(message, (int)size, MPI_BYTE, to, JOB, MPI_COMM_WORLD);
}

static dp_status take_answer(dp_error *err, service *s, int from, int size)
{
    uint64_t item, state;
    dp_status st = dp_grow(err, &s->buffer, &s->room, (size_t)size, 1, "an answer");
    if (st != DP_OK)
        return st;
    MPI_Recv(s->buffer, size, MPI_BYTE, from, ANSWER, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    get_head(s->buffer, &item, &state);
    return s->queue->answer(err, s->queue->arg,
                            &(dp_answer){(size_t)item, (dp_item_state)state,
                                         s->buffer + HEAD, (size_t)size - HEAD});
}

static dp_status serve_message(dp_error *err, service *s)
{
    MPI_Status about;
    int size;
    await(&about, MPI_ANY_SOURCE, MPI_ANY_TAG);
    MPI_Get_count(&about, MPI_BYTE, &size);
    if (about.MPI_TAG == ANSWER)
        return take_answer(err, s, about.MPI_SOURCE, size);
    MPI_Recv(NULL, 0, MPI_BYTE, about.MPI_SOURCE, about.MPI_TAG, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (about.MPI_TAG == ASK)
        give_job(s, about.MPI_SOURCE);
    s->left -= about.MPI_TAG == FINISH;
    return DP_OK;
}

dp_status dp_processes_serve(dp_error *err, const dp_queue *queue)
{
    service s = {.queue = queue, .left = count - 1};
    dp_status st = DP_OK;
    while (st == DP_OK && s.left > 0)
        st = serve_message(err, &s);
    running = st != DP_OK;
    dp_free(s.buffer);
    return st;
}

/* ---- the others -------------------------------------------------------------------------- */

static bool ask(void *arg, dp_job *job)
{
    unsigned char message[HEAD + DP_JOB_PATH];
    MPI_Status about;
    int size;
    (void)arg;
    pthread_mutex_lock(&turn);
    MPI_Send(NULL, 0, MPI_BYTE, 0, ASK, MPI_COMM_WORLD);
    MPI_Recv(message, (int)sizeof message, MPI_BYTE, 0, JOB, MPI_COMM_WORLD, &about);
    MPI_Get_count(&about, MPI_BYTE, &size);
    pthread_mutex_unlock(&turn);
    if (size < HEAD)
        return false;
    uint64_t item, id;
    get_head(message, &item, &id);
    job->item = (size_t)item;
    job->id = (int64_t)id;
    memcpy(job->path, message + HEAD, (size_t)size - HEAD);
    job->path[size - HEAD] = '\0';
    return true;
}

static dp_status answer(dp_error *err, void *arg, const dp_answer *a)
{
    void *memory;
    (void)arg;
    if (a->size > INT_MAX - HEAD)
        return dp_fail(err, DP_ENOMEM,
                       "an image's result: found %zu bytes, expected %d", a->size,
                       INT_MAX - HEAD);
    const dp_status st = dp_alloc(err, &memory, HEAD + a->size, 1, "an answer");
    if (st != DP_OK)
        return st;
    unsigned char *message = memory;
    put_head(message, a->item, (uint64_t)a->state);
    if (a->size > 0)
        memcpy(message + HEAD, a->payload, a->size);
    pthread_mutex_lock(&turn);
    MPI_Send(message, (int)(HEAD + a->size), MPI_BYTE, 0, ANSWER, MPI_COMM_WORLD);
    pthread_mutex_unlock(&turn);
    dp_free(message);
    return DP_OK;
}

/* This process's other workers end with the process. */
static void stop(void *arg)
{
    (void)arg;
}

static bool stopped(void *arg)
{
    (void)arg;
    return false;
}

dp_queue dp_processes_queue(void)
{
    return (dp_queue){NULL, ask, answer, stop, stopped};
}

void dp_processes_finish(void)
{
    MPI_Send(NULL, 0, MPI_BYTE, 0, FINISH, MPI_COMM_WORLD);
    running = false;
}
