#include "cli/processes.h"

#include "cli/cli.h"
#include "densepred.h"

#include <stdlib.h>

int dp_cli_join(void)
{
    const char *launched = getenv("OMPI_COMM_WORLD_SIZE");
    if (!launched)
        launched = getenv("PMIX_RANK");
    if (!launched)
        launched = getenv("PMI_RANK");
    if (!launched || dp_processes_join() == DP_OK)
        return DP_EXIT_OK;
    dp_cli_say("MPI does not start, or not with threads");
    return DP_EXIT_MACHINE;
}
