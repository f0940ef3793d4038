/* scratch.h - a folder of its own for each test, gone afterwards
 *
 * Use scratch_setup and scratch_teardown as a checked fixture.
 */
#ifndef DP_TESTS_SCRATCH_H
#define DP_TESTS_SCRATCH_H

#include <stddef.h>

void scratch_setup(void);
void scratch_teardown(void);

/* The path of `name` in the folder; good until four more calls. */
const char *scratch_path(const char *name);

/* Make the file `name` with these bytes, and return its path. */
const char *scratch_file(const char *name, const void *bytes, size_t size);

/* The same for a text, with the folders on its way: "inside/name". */
const char *scratch_text(const char *name, const char *text);

/* From now on this process may write `bytes` into a file at most, and a write beyond
 * fails with "File too large": a disk that is full, without one. */
void scratch_limit_writes(size_t bytes);

/* How many files and folders the folder holds, not counting those deeper inside. */
int scratch_count(void);

#endif
