/* folder.h - the names in a folder
 */
#ifndef DP_BASE_FOLDER_H
#define DP_BASE_FOLDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_folder_names {
    char **name; /* owned; sorted by bytes */
    size_t count, capacity;
} dp_folder_names;

/* List the entries whose name ends with `suffix` (".png"; letters of either case match) and
 * has more than that; names that begin with a point are left out. DP_EIO when the folder
 * cannot be read, DP_ENOMEM; empty then. */
dp_status dp_folder_list(dp_error *err, dp_folder_names *names, const char *folder,
                         const char *suffix) DP_MUST_CHECK;

/* Whether a name is in the list. */
bool dp_folder_names_have(const dp_folder_names *names, const char *name);

/* A zeroed list is allowed. */
void dp_folder_names_done(dp_folder_names *names);

#endif
