/* program.h - the program of this build, run as a user runs it
 *
 * It runs under the shell in the scratch folder (scratch.h), where its output is left in
 * the files .out and .err.
 */
#ifndef DP_TESTS_SUPPORT_PROGRAM_H
#define DP_TESTS_SUPPORT_PROGRAM_H

typedef struct program_result {
    int status; /* of exit, as the shell tells it: 128 + signal when it was killed */
    char out[1 << 17], err[1 << 16]; /* cut when longer */
} program_result;

/* Run a command line in which the word "densepred" is the program; static, until the
 * next call. */
const program_result *program_run(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The repository's root, absolute; where tests run. */
const char *program_root(void);

#endif
