#define _POSIX_C_SOURCE 200809L
#include "base/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_wanted(const char *name, const char *suffix)
{
    const size_t size = strlen(name), tail = strlen(suffix);
    return name[0] != '.' && size > tail && strcasecmp(name + size - tail, suffix) == 0;
}

static dp_status append(dp_error *err, dp_folder_names *names, const char *name)
{
    dp_status st = dp_grow(err, &names->name, &names->capacity, names->count + 1,
                           sizeof *names->name, "the names in a folder");
    if (st == DP_OK)
        st = dp_strdup(err, &names->name[names->count], name);
    names->count += st == DP_OK;
    return st;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

dp_status dp_folder_list(dp_error *err, dp_folder_names *names, const char *folder,
                         const char *suffix)
{
    *names = (dp_folder_names){0};
    DIR *dir = opendir(folder);
    if (!dir)
        return dp_fail(err, DP_EIO, "%s: cannot open: %s", folder, strerror(errno));
    dp_status st = DP_OK;
    struct dirent *entry;
    while (st == DP_OK && (errno = 0, entry = readdir(dir)))
        if (is_wanted(entry->d_name, suffix))
            st = append(err, names, entry->d_name);
    if (st == DP_OK && errno)
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", folder, strerror(errno));
    closedir(dir);
    if (st != DP_OK)
        dp_folder_names_done(names);
    else if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, compare_names);
    return st;
}

bool dp_folder_names_have(const dp_folder_names *names, const char *name)
{
    return names->count > 0 && bsearch(&name, names->name, names->count,
                                       sizeof *names->name, compare_names);
}

void dp_folder_names_done(dp_folder_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        dp_free(names->name[i]);
    dp_free(names->name);
    *names = (dp_folder_names){0};
}
