/* shared.h - the reference data beside the repository
 *
 * Tests run in the repository's root; the data are in ../shared. Where they are
 * missing, tests that need them are left out and one line says so.
 */
#ifndef DP_TESTS_SUPPORT_SHARED_H
#define DP_TESTS_SUPPORT_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/* Whether ../shared/NAME is there; a line on standard output says when it is not. To
 * be asked by main, which leaves the tests out then: a test's own process would
 * repeat it. */
bool shared_has(const char *name);

/* "../shared/NAME" in a buffer of its own; good until the fourth call after. */
const char *shared_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A .npy array of float32, float64, int64, int32 or uint8, as doubles. */
typedef struct npy {
    int rank, shape[8];
    size_t count;
    double *values; /* the caller's to free */
} npy;

/* Fails the test when it cannot be read. */
npy npy_load(const char *path);

/* The whole file and a NUL; the caller's to free. Fails the test when it cannot. */
char *file_load(const char *path, size_t *size);

#endif
