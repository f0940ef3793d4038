/* processes.h - one run spread over processes, by MPI or not at all
 *
 * What include/densepred/runner.h does not show. Built with MPI=1 this is processes_mpi.c;
 * else processes_one.c, where there is one process and nothing of MPI. A process that dies
 * takes the others along; the run directory has what was done.
 */
#ifndef DP_RUNNER_PROCESSES_H
#define DP_RUNNER_PROCESSES_H

#include "runner/queue.h"

int dp_processes_count(void);

/* In process 0: let the others help. dp_processes_serve must follow. */
void dp_processes_begin(void);

/* In process 0, and no other thread may use these functions meanwhile: answer the others
 * until each has said that it needs no more. DP_ENOMEM, and what the queue returns: the
 * others wait in vain then, until dp_processes_leave. */
dp_status dp_processes_serve(dp_error *err, const dp_queue *queue) DP_MUST_CHECK;

/* In the others: a queue that asks process 0's. */
dp_queue dp_processes_queue(void);

/* In the others: no more will be asked. */
void dp_processes_finish(void);

#endif
