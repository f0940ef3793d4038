/* Several processes, by MPI's collective calls. A call that fails ends all of them, as MPI
 * does unless it is told otherwise.
 */
#include "train/ranks.h"

#include <limits.h>

#include <mpi.h>

enum { MOST = 1 << 24 /* values of a call, whose count is an int */ };

static int ask(int (*what)(MPI_Comm, int *), int alone)
{
    int started = 0, finished = 0, value = alone;
    MPI_Initialized(&started);
    MPI_Finalized(&finished);
    if (started && !finished)
        what(MPI_COMM_WORLD, &value);
    return value;
}

int dp_ranks_count(void)
{
    return ask(MPI_Comm_size, 1);
}

int dp_ranks_own(void)
{
    return ask(MPI_Comm_rank, 0);
}

static void sum(void *values, size_t count, size_t size, MPI_Datatype type)
{
    unsigned char *at = values;
    if (dp_ranks_count() == 1)
        return;
    for (size_t done = 0; done < count; done += MOST) {
        const size_t left = count - done;
        MPI_Allreduce(MPI_IN_PLACE, at + done * size, (int)(left < MOST ? left : MOST),
                      type, MPI_SUM, MPI_COMM_WORLD);
    }
}

void dp_ranks_sum(void *arg, double *values, size_t count)
{
    (void)arg;
    sum(values, count, sizeof *values, MPI_DOUBLE);
}

void dp_ranks_sum_f32(float *values, size_t count)
{
    sum(values, count, sizeof *values, MPI_FLOAT);
}

int dp_ranks_share(int value)
{
    if (dp_ranks_count() > 1)
        MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return value;
}

dp_status dp_ranks_agree(dp_error *err, dp_status st)
{
    if (dp_ranks_count() == 1)
        return st;
    const int own = dp_ranks_own();
    int first = st == DP_OK ? INT_MAX : own;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == INT_MAX)
        return DP_OK;
    MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, first, MPI_COMM_WORLD);
    return err->code;
}
