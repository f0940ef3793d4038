/* ranks.h - the processes that train one network together
 *
 * All run the same code on shares of each batch, and meet in the functions below: every process
 * calls the same ones in the same order. Built with MPI=1 this is ranks_mpi.c, which counts
 * the processes of a program that has started MPI; else ranks_one.c, where there is one
 * process. Used by one thread at a time.
 */
#ifndef DP_TRAIN_RANKS_H
#define DP_TRAIN_RANKS_H

#include "base/status.h"

#include <stddef.h>

/* How many there are, and which this one is, from 0. */
int dp_ranks_count(void);
int dp_ranks_own(void);

/* Replace values by their sums over the processes, the same bits in each. arg is not used. */
void dp_ranks_sum(void *arg, double *values, size_t count);
void dp_ranks_sum_f32(float *values, size_t count);

/* What process 0 gave. */
int dp_ranks_share(int value);

/* DP_OK when all gave that. Else what the first process gave that did not, with its sentence
 * in every err. */
dp_status dp_ranks_agree(dp_error *err, dp_status st) DP_MUST_CHECK;

#endif
