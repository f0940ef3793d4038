/* file.h - a file's bytes: read whole with a limit, or mapped
 */
#ifndef DP_BASE_FILE_H
#define DP_BASE_FILE_H

#include "base/status.h"

#include <stdio.h>

/* The bytes of a regular file, mapped read-only. */
typedef struct dp_file_map {
    const unsigned char *data; /* NULL when the file is empty */
    size_t size;
    void *base; /* private: what is unmapped */
} dp_file_map;

/* Map the file at `path`; an empty file gives size 0. DP_EIO when the system refuses,
 * or when it is a directory, a pipe or a device; *map is empty then. Close it with
 * dp_file_map_close. A file that another process cuts shorter while it is mapped
 * raises SIGBUS at the missing bytes, as every mapping does. Threads may read a map
 * together. */
dp_status dp_file_map_open(dp_error *err, dp_file_map *map,
                           const char *path) DP_MUST_CHECK;

/* Unmap. A zeroed or failed map is allowed. */
void dp_file_map_close(dp_file_map *map);

/* Say that the bytes from `from` to `to` are not needed soon: their memory may go to
 * others. They can still be read, and come from the file again then. */
void dp_file_map_forget(const dp_file_map *map, size_t from, size_t to);

/* Read all of the file at `path`: a regular file, a pipe or a device. *data is the
 * caller's to dp_free; a zero byte that *size does not count follows the last one.
 * DP_EIO (missing, a directory, a read error), DP_EFORMAT (more than `limit` bytes),
 * DP_ENOMEM; *data is NULL then. */
dp_status dp_file_load(dp_error *err, unsigned char **data, size_t *size,
                       const char *path, size_t limit) DP_MUST_CHECK;

/* The same from where `stream` stands to its end; `name` is for the sentence. */
dp_status dp_file_load_stream(dp_error *err, unsigned char **data, size_t *size,
                              FILE *stream, const char *name,
                              size_t limit) DP_MUST_CHECK;

#endif
