#define _XOPEN_SOURCE 700 /* realpath */
#include "base/path.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool dp_path_stays_inside(const char *name)
{
    if (*name == '\0' || *name == '/')
        return false;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
            return false;
    }
    return true;
}

static dp_status make_folder(dp_error *err, const char *path)
{
    struct stat about;
    if (mkdir(path, 0777) == 0)
        return DP_OK;
    const int reason = errno;
    if (reason == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return DP_OK;
    return dp_fail(err, DP_EIO, "%s: cannot be made a folder: %s", path,
                   strerror(reason));
}

dp_status dp_path_make_folders(dp_error *err, const char *folder)
{
    char *path;
    dp_status st = dp_strdup(err, &path, folder);
    for (char *slash = path;
         st == DP_OK && *slash && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        st = make_folder(err, path);
        *slash = '/';
    }
    dp_free(path);
    return st == DP_OK ? make_folder(err, folder) : st;
}

dp_status dp_path_join(dp_error *err, char **path, const char *folder, const char *name)
{
    dp_text t = {.err = err};
    *path = NULL;
    dp_text_add(&t, "%s/%s", folder, name);
    const dp_status st =
        t.status == DP_OK ? dp_strdup(err, path, dp_text_get(&t)) : t.status;
    dp_text_done(&t);
    return st;
}

/* The folder's path from the root without links, "" for the root; the caller's to free. */
static dp_status find_folder(dp_error *err, char **out, const char *folder)
{
    *out = realpath(folder, NULL);
    if (!*out)
        return errno == ENOMEM
                   ? dp_fail(err, DP_ENOMEM, "out of memory: a path")
                   : dp_fail(err, DP_EIO, "%s: %s", folder, strerror(errno));
    if (strcmp(*out, "/") == 0)
        **out = '\0';
    return DP_OK;
}

/* `to` as seen from `from`, both from the root; then /NAME. */
static void add_way(dp_text *t, const char *from, const char *to, const char *name)
{
    size_t same = 0; /* what both begin with, whole folders */
    for (size_t i = 0;; i++) {
        if ((from[i] == '/' || !from[i]) && (to[i] == '/' || !to[i]))
            same = i;
        if (!from[i] || from[i] != to[i])
            break;
    }
    for (const char *p = from + same; *p; p++)
        if (*p == '/')
            dp_text_add(t, "../");
    if (to[same])
        dp_text_add(t, "%s/", to + same + 1);
    dp_text_add(t, "%s", name);
}

dp_status dp_path_relative(dp_error *err, char **path, const char *folder,
                           const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    char *from = NULL, *to = NULL, *own = NULL;
    dp_text t = {.err = err};
    *path = NULL;
    dp_status st = dp_strdup(err, &own, slash == file ? "/" : slash ? file : ".");
    if (st == DP_OK && slash && slash != file)
        own[slash - file] = '\0';
    if (st == DP_OK)
        st = find_folder(err, &from, folder);
    if (st == DP_OK)
        st = find_folder(err, &to, own);
    if (st == DP_OK) {
        add_way(&t, from, to, name);
        st = t.status;
    }
    if (st == DP_OK)
        st = dp_strdup(err, path, dp_text_get(&t));
    free(from); /* realpath's own */
    free(to);
    dp_free(own);
    dp_text_done(&t);
    return st;
}

void dp_path_stem(char *stem, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(stem, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem)
        *dot = '\0';
}
