/* path.h - names of files that come from other files, and folders made on the way
 */
#ifndef DP_BASE_PATH_H
#define DP_BASE_PATH_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the name, looked up in a folder, stays inside it: neither empty nor absolute, and
 * no part of it is "..". What links on the disk do is not asked. */
bool dp_path_stays_inside(const char *name);

/* Make the folder and those on its way, where they are not there yet. DP_EIO, DP_ENOMEM. */
dp_status dp_path_make_folders(dp_error *err, const char *folder) DP_MUST_CHECK;

/* FOLDER/NAME, the caller's to dp_free. DP_ENOMEM; *path is NULL then. */
dp_status dp_path_join(dp_error *err, char **path, const char *folder,
                       const char *name) DP_MUST_CHECK;

/* How a program in `folder` finds the file: "../in/photo.jpg", the caller's to dp_free.
 * Links in both paths are followed, but not the file itself. DP_EIO when the folder or the
 * file's own folder is not there, DP_ENOMEM; *path is NULL then. */
dp_status dp_path_relative(dp_error *err, char **path, const char *folder,
                           const char *file) DP_MUST_CHECK;

/* "photo" of "some/photo.jpg", cut to fit. */
void dp_path_stem(char *stem, size_t size, const char *path);

#endif
