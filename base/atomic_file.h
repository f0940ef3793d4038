/* atomic_file.h - an output file that is whole or not there
 *
 * What is written goes to a temporary file beside the place; committing renames it. A
 * crash between the two leaves the temporary and never half a file. The disk is only told
 * to sync where `durable` says so; else a machine that loses power may lose the file.
 *
 * A symbolic link stays, and the file it points to is replaced. A path that is there
 * and is no regular file (a pipe, /dev/stdout) is written directly instead.
 */
#ifndef DP_BASE_ATOMIC_FILE_H
#define DP_BASE_ATOMIC_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* Zero-initialised, it is not open. One thread at a time. */
typedef struct dp_atomic_file {
    FILE *stream;    /* to write to; with dp_atomic_file_write, or freely            */
    char *path;      /* owned; what is replaced                                      */
    char *temporary; /* owned; NULL when written directly                            */
    int fault;       /* errno of the first write that failed, 0 for none             */
    bool durable;    /* to be set before committing: on the disk when that returns   */
} dp_atomic_file;

/* Start a file for `path`. DP_EIO when the temporary cannot be made or `path` is a
 * directory, DP_ENOMEM; f is not open then. */
dp_status dp_atomic_file_open(dp_error *err, dp_atomic_file *f,
                              const char *path) DP_MUST_CHECK;

/* Append. A failure is kept too: commit will refuse, so that a caller may look once, at
 * the end. DP_EIO with the system's reason. */
dp_status dp_atomic_file_write(dp_error *err, dp_atomic_file *f, const void *bytes,
                               size_t size);

/* Close, and put the file in its place. DP_EIO when any write failed, also one that
 * only closing shows (disk full); the temporary is removed then and the old file is
 * untouched. f is not open afterwards. */
dp_status dp_atomic_file_commit(dp_error *err, dp_atomic_file *f) DP_MUST_CHECK;

/* Close and remove the temporary. Allowed on a file that is not open, so it serves as
 * clean-up after a commit too. */
void dp_atomic_file_abandon(dp_atomic_file *f);

/* Remove the temporaries of all files of this process. It must end then: a thread that opens,
 * commits or abandons a file waits for ever. */
void dp_atomic_file_abandon_all(void);

/* Remove the temporaries that killed processes left in a folder. The caller makes sure
 * that no other process writes files in it now. A folder that is not there has none.
 * DP_EIO when it cannot be read; a file that cannot be removed stays. */
dp_status dp_atomic_file_tidy(dp_error *err, const char *folder) DP_MUST_CHECK;

#endif
