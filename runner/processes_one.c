/* One process: there are no others to wait for. */
#include "runner/processes.h"

dp_status dp_processes_join(void)
{
    return DP_OK;
}

int dp_processes_rank(void)
{
    return 0;
}

int dp_processes_count(void)
{
    return 1;
}

void dp_processes_begin(void)
{
}

int dp_processes_wait(void)
{
    return 0;
}

dp_status dp_processes_serve(dp_error *err, const dp_queue *queue)
{
    (void)err;
    (void)queue;
    return DP_OK;
}

dp_queue dp_processes_queue(void)
{
    return (dp_queue){0};
}

void dp_processes_finish(void)
{
}

void dp_processes_leave(int status)
{
    (void)status;
}
