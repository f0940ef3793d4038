#include "tests/support/suite.h"

#include "base/cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int suite_run(Suite *s)
{
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

void suite_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("skipped: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout); /* or the tests' processes print it once more */
}

bool suite_has_cpu(unsigned features, const char *name)
{
    if ((dp_cpu_detect() & features) == features)
        return true;
    suite_skip("this processor has no %s", name);
    return false;
}

bool suite_has_mpi(const char *argv0)
{
    char command[5000];
    snprintf(command, sizeof command,
             "ldd \"$(dirname '%s')/../../densepred\" | grep -q libmpi && "
             "command -v mpirun > /dev/null",
             argv0);
    const bool has = system(command) == 0;
    if (!has)
        suite_skip("runs under mpirun; build with MPI=1 for them");
    return has;
}
