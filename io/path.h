/* path.h - names of files that come from other files
 */
#ifndef DP_IO_PATH_H
#define DP_IO_PATH_H

#include <stdbool.h>

/* Whether the name, looked up in a folder, stays inside it: neither empty nor absolute, and
 * no part of it is "..". What links on the disk do is not asked. */
bool dp_path_stays_inside(const char *name);

#endif
