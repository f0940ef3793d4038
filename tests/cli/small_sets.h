/* small_sets.h - small data sets for densepred test, and what is asked of its runs
 */
#ifndef DP_TESTS_CLI_SMALL_SETS_H
#define DP_TESTS_CLI_SMALL_SETS_H

#include "tests/support/program.h"

enum { IMAGES = 24 };

/* Fail the test unless the text has this part; unless the command ends well. */
void expect_in(const char *text, const char *part);
void run_ok(const char *command);

/* COCO: IMAGES images, in the order of falling names, each with an object. */
void make_coco(void);

/* ADE20K: two images, whose truth is what another way of running says of them. */
void make_ade(void);

/* Run `densepred test` of a small model on one of these sets; `rest` are further options. */
const program_result *test_coco(const char *rest);
const program_result *test_ade(const char *rest);

/* Fail the test unless a run ended well; unless two files are equal. */
void expect_ok(const program_result *r);
void expect_same(const char *a, const char *b);

#endif
