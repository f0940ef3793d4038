/* processes.h - a command that mpirun or srun started several times
 */
#ifndef DP_CLI_PROCESSES_H
#define DP_CLI_PROCESSES_H

/* Join the other processes, if a launcher started this one: Open MPI's, one with PMIx, or one
 * with PMI. One process alone does without MPI, which would start helpers of its own. Says on
 * standard error what is wrong; the exit status. */
int dp_cli_join(void);

#endif
