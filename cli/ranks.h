/* ranks.h - one run spread over processes, by MPI or not at all
 *
 * Rank 0 keeps the work folder, works itself, and hands images to the others as they ask.
 * Built with MPI=1 this is ranks_mpi.c, which joins the others when a launcher (mpirun,
 * srun) started it; else ranks_one.c, where there is one process and nothing of MPI. A
 * process that dies takes the others along; the work folder has what was done.
 */
#ifndef DP_CLI_RANKS_H
#define DP_CLI_RANKS_H

#include "cli/test_desk.h"

/* Join the other processes; once, before anything else here. False: MPI does not start, and
 * why is said. */
bool dp_ranks_start(void);

/* Leave them. Waits for those that are still there. */
void dp_ranks_end(void);

int dp_ranks_me(void); /* 0: the one that keeps the work folder */
int dp_ranks_count(void);

/* Rank 0's value, in every rank: all must call it. */
int dp_ranks_share(int value);

/* In rank 0, on a thread of its own: answer the others until each has said farewell. Only
 * this thread may use the other functions meanwhile. */
void dp_ranks_serve(const dp_test_desk *desk);

/* In the other ranks: a desk that asks rank 0's; any thread may use it. */
dp_test_desk dp_ranks_desk(void);

/* In the other ranks: no more will be asked. */
void dp_ranks_farewell(void);

/* End all processes with this exit status, at once. Only where there are several. */
void dp_ranks_abort(int status);

#endif
