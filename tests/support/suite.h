/* suite.h - what every test program ends with
 */
#ifndef DP_TESTS_SUPPORT_SUITE_H
#define DP_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdbool.h>

/* Run the suite and free it. What main returns: 0 when all passed, else 1. What is printed
 * follows the environment's CK_VERBOSITY. */
int suite_run(Suite *s);

/* Say that tests are left out here, and why: "skipped: REASON" on standard output, which
 * tools/run-tests.sh counts. To be called by main: a test's own process would repeat it. */
void suite_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether this processor has these features of base/cpu.h, which are called `name`; if not,
 * that is a reason. By main too. */
bool suite_has_cpu(unsigned features, const char *name);

/* Whether the program beside the test program argv0 was built with MPI=1, and there is mpirun;
 * if not, that is a reason. By main too. */
bool suite_has_mpi(const char *argv0);

#endif
