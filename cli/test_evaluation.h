/* test_evaluation.h - the results of a test, evaluated as `densepred eval` does
 */
#ifndef DP_CLI_TEST_EVALUATION_H
#define DP_CLI_TEST_EVALUATION_H

#include "densepred.h"

#include <stdbool.h>

/* What is shown of it. */
typedef struct dp_test_report {
    const char *page; /* folder; NULL: none          */
    bool classwise;   /* detectors: a table          */
    int threads;      /* 0: the processors available */
} dp_test_report;

/* Evaluate the results, print the tables, and write metrics.json. *scored: whether it was
 * written. Returns an exit status. */
int dp_test_evaluate(bool *scored, const dp_test *test, const dp_test_report *report);

#endif
