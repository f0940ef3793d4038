/* suite.h - what every test program ends with
 */
#ifndef DP_TESTS_SUPPORT_SUITE_H
#define DP_TESTS_SUPPORT_SUITE_H

#include <check.h>

/* Run the suite and free it. What main returns: 0 when all passed, else 1. What is printed
 * follows the environment's CK_VERBOSITY. */
int suite_run(Suite *s);

#endif
