/* Several processes, by MPI: messages between rank 0 and the others.
 *
 *   ASK       other -> 0   (empty)
 *   JOB       0 -> other   item (8), id (8), path without a zero; empty: no more
 *   ANSWER    other -> 0   item (8), state (8), payload
 *   FAREWELL  other -> 0   (empty)
 *
 * Numbers are in the machine's order: the processes are of one build. Rank 0 looks for
 * messages and sleeps between: a blocking receive would take a processor of its own.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/ranks.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

enum { ASK = 1, JOB, ANSWER, FAREWELL, HEAD = 16, NAP_NS = 500000 };

static int me, count = 1;
static bool joined; /* the process was started by a launcher of MPI */

/* Of a rank that is not 0: MPI is used by one thread at a time. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* Whether a launcher started this process: Open MPI's, one with PMIx, or one with PMI. One
 * process alone does without MPI, which would start helpers of its own. */
static bool is_launched(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

bool dp_ranks_start(void)
{
    int provided = MPI_THREAD_SINGLE;
    if (!is_launched())
        return true;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) {
        dp_cli_say("MPI does not start");
        return false;
    }
    joined = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    if (provided >= MPI_THREAD_SERIALIZED)
        return true;
    dp_cli_say("MPI: found thread level %d, expected at least MPI_THREAD_SERIALIZED",
               provided);
    MPI_Finalize();
    return false;
}

void dp_ranks_end(void)
{
    if (joined)
        MPI_Finalize();
}

int dp_ranks_me(void)
{
    return me;
}

int dp_ranks_count(void)
{
    return count;
}

int dp_ranks_share(int value)
{
    if (joined)
        MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return value;
}

void dp_ranks_abort(int status)
{
    if (joined)
        MPI_Abort(MPI_COMM_WORLD, status);
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

/* ---- rank 0 ---------------------------------------------------------------------------- */

typedef struct service {
    const dp_test_desk *desk;
    unsigned char *buffer; /* owned */
    size_t room;
    dp_error err;
} service;

static void give_job(const service *s, int to)
{
    unsigned char message[HEAD + DP_TEST_PATH];
    dp_test_job job;
    size_t size = 0;
    if (s->desk->next(s->desk->arg, &job)) {
        size = strlen(job.path);
        put_head(message, job.item, (uint64_t)job.id);
        memcpy(message + HEAD, job.path, size);
        size += HEAD;
    }
    MPI_Send(message, (int)size, MPI_BYTE, to, JOB, MPI_COMM_WORLD);
}

static dp_status take_answer(service *s, int from, int size)
{
    uint64_t item, state;
    void *memory = s->buffer;
    dp_status st = dp_grow(&s->err, &memory, &s->room, (size_t)size, 1, "an answer");
    s->buffer = memory;
    if (st != DP_OK)
        return st;
    MPI_Recv(s->buffer, size, MPI_BYTE, from, ANSWER, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    get_head(s->buffer, &item, &state);
    return s->desk->answer(&s->err, s->desk->arg,
                           &(dp_test_answer){(size_t)item, (dp_work_state)state,
                                             s->buffer + HEAD, (size_t)size - HEAD});
}

/* Returns how many ranks have said farewell by this message. */
static int serve_message(service *s, const MPI_Status *about)
{
    int size;
    MPI_Get_count(about, MPI_BYTE, &size);
    if (about->MPI_TAG == ANSWER) {
        if (take_answer(s, about->MPI_SOURCE, size) != DP_OK) {
            s->desk->stop(s->desk->arg);
            dp_ranks_abort(dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT));
        }
        return 0;
    }
    MPI_Recv(NULL, 0, MPI_BYTE, about->MPI_SOURCE, about->MPI_TAG, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (about->MPI_TAG == ASK)
        give_job(s, about->MPI_SOURCE);
    return about->MPI_TAG == FAREWELL;
}

void dp_ranks_serve(const dp_test_desk *desk)
{
    service s = {.desk = desk};
    const struct timespec nap = {.tv_nsec = NAP_NS};
    for (int left = count - 1; left > 0;) {
        MPI_Status about;
        int there;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &about);
        if (there)
            left -= serve_message(&s, &about);
        else
            nanosleep(&nap, NULL);
    }
    dp_free(s.buffer);
}

/* ---- the others -------------------------------------------------------------------------- */

static bool ask(void *arg, dp_test_job *job)
{
    unsigned char message[HEAD + DP_TEST_PATH];
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

static dp_status answer(dp_error *err, void *arg, const dp_test_answer *a)
{
    void *memory;
    (void)arg;
    if (a->size > INT_MAX - HEAD)
        return dp_fail(err, DP_ENOMEM, "an answer of %zu bytes, expected at most %d",
                       a->size, INT_MAX - HEAD);
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

/* This rank's other workers end with the process. */
static void stop(void *arg)
{
    (void)arg;
}

dp_test_desk dp_ranks_desk(void)
{
    return (dp_test_desk){NULL, ask, answer, stop};
}

void dp_ranks_farewell(void)
{
    MPI_Send(NULL, 0, MPI_BYTE, 0, FAREWELL, MPI_COMM_WORLD);
}
