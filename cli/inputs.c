#define _POSIX_C_SOURCE 200809L
#include "cli/inputs.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "densepred/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static dp_status append(dp_error *err, dp_inputs *in, const char *path)
{
    if (strcmp(path, "-") == 0)
        for (size_t i = 0; i < in->count; i++)
            if (strcmp(in->path[i], "-") == 0)
                return dp_fail(err, DP_EARG,
                               "-: standard input holds one image; give - once");
    void *list = in->path;
    dp_status st = dp_grow(err, &list, &in->capacity, in->count + 1, sizeof *in->path,
                           "the list of inputs");
    in->path = list;
    if (st == DP_OK)
        st = dp_strdup(err, &in->path[in->count], path);
    if (st == DP_OK)
        in->count++;
    return st;
}

/* ---- directories ----------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static dp_status append_in(dp_error *err, dp_inputs *in, const char *folder,
                           const char *name)
{
    dp_text path = {.err = err};
    const size_t length = strlen(folder);
    dp_text_add(&path, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    const dp_status st =
        path.status == DP_OK ? append(err, in, dp_text_get(&path)) : path.status;
    dp_text_done(&path);
    return st;
}

static dp_status add_directory(dp_error *err, dp_inputs *in, const char *folder)
{
    const size_t first = in->count;
    DIR *dir = opendir(folder);
    if (!dir)
        return dp_fail(err, DP_EIO, "%s: cannot open: %s", folder, strerror(errno));

    dp_status st = DP_OK;
    struct dirent *entry;
    while (st == DP_OK && (errno = 0, entry = readdir(dir)))
        if (entry->d_name[0] != '.' && dp_image_is_named(entry->d_name))
            st = append_in(err, in, folder, entry->d_name);
    if (st == DP_OK && errno)
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", folder, strerror(errno));
    closedir(dir);
    if (st == DP_OK && in->count == first)
        st = dp_fail(
            err, DP_EFORMAT,
            "%s: the folder has no images (.jpg, .jpeg, .png, .bmp, .gif, .pgm, "
            ".ppm, .tif, .tiff, .webp)",
            folder);
    if (in->count > first)
        qsort(in->path + first, in->count - first, sizeof *in->path, compare_paths);
    return st;
}

/* ---- lists ----------------------------------------------------------------- */

/* One path a line; blank lines are passed over, and so is a carriage return at its end. */
static dp_status add_list(dp_error *err, dp_inputs *in, const char *list)
{
    const size_t first = in->count;
    FILE *f = fopen(list, "r");
    if (!f)
        return dp_fail(err, DP_EIO, "%s: cannot open: %s", list, strerror(errno));

    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    dp_status st = DP_OK;
    while (st == DP_OK && (length = getline(&line, &size, f)) >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = '\0';
        if (length > 0)
            st = append(err, in, line);
    }
    if (st == DP_OK && ferror(f))
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", list, strerror(errno));
    free(line); /* getline's own */
    fclose(f);
    if (st == DP_OK && in->count == first)
        st = dp_fail(err, DP_EFORMAT, "%s: the list has no paths; write one a line",
                     list);
    return st;
}

/* ---- arguments ------------------------------------------------------------- */

static bool is_directory(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

dp_status dp_inputs_add(dp_error *err, dp_inputs *in, const char *argument)
{
    if (argument[0] == '@')
        return add_list(err, in, argument + 1);
    if (is_directory(argument))
        return add_directory(err, in, argument);
    return append(err, in, argument);
}

int dp_inputs_add_all(dp_inputs *in, char *const *arguments, int count)
{
    int status = DP_EXIT_OK;
    for (int i = 0; i < count; i++) {
        dp_error err = {0};
        if (dp_inputs_add(&err, in, arguments[i]) == DP_OK)
            continue;
        status = dp_cli_fail(&err, DP_SUBJECT_INPUT);
        if (status != DP_EXIT_SOME)
            return status;
    }
    return status;
}

void dp_inputs_done(dp_inputs *in)
{
    for (size_t i = 0; i < in->count; i++)
        dp_free(in->path[i]);
    dp_free(in->path);
    *in = (dp_inputs){0};
}
