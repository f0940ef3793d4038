/* One process: there are no others to wait for. */
#include "cli/ranks.h"

bool dp_ranks_start(void)
{
    return true;
}

void dp_ranks_end(void)
{
}

int dp_ranks_me(void)
{
    return 0;
}

int dp_ranks_count(void)
{
    return 1;
}

int dp_ranks_share(int value)
{
    return value;
}

void dp_ranks_serve(const dp_test_desk *desk)
{
    (void)desk;
}

dp_test_desk dp_ranks_desk(void)
{
    return (dp_test_desk){0};
}

void dp_ranks_farewell(void)
{
}

void dp_ranks_abort(int status)
{
    (void)status;
}
