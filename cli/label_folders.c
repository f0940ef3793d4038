#define _POSIX_C_SOURCE 200809L
#include "cli/label_folders.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names of the PNG files of a folder, sorted by bytes. */
typedef struct names {
    char **name;
    size_t count, capacity;
} names;

static void names_done(names *n)
{
    for (size_t i = 0; i < n->count; i++)
        dp_free(n->name[i]);
    dp_free(n->name);
    *n = (names){0};
}

static bool is_png(const char *name)
{
    const size_t size = strlen(name);
    return size > 4 && name[0] != '.' && strcasecmp(name + size - 4, ".png") == 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static dp_status append(dp_error *err, names *n, const char *name)
{
    void *list = n->name;
    dp_status st = dp_grow(err, &list, &n->capacity, n->count + 1, sizeof *n->name,
                           "the list of label maps");
    n->name = list;
    if (st == DP_OK)
        st = dp_strdup(err, &n->name[n->count], name);
    n->count += st == DP_OK;
    return st;
}

static dp_status names_load(dp_error *err, names *n, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return dp_fail(err, DP_EIO, "%s: cannot open: %s", folder, strerror(errno));
    dp_status st = DP_OK;
    struct dirent *entry;
    while (st == DP_OK && (errno = 0, entry = readdir(dir)))
        if (is_png(entry->d_name))
            st = append(err, n, entry->d_name);
    if (st == DP_OK && errno)
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", folder, strerror(errno));
    closedir(dir);
    if (n->count > 0)
        qsort(n->name, n->count, sizeof *n->name, compare_names);
    return st;
}

static dp_status join(dp_error *err, char **path, const char *folder, const char *name)
{
    dp_text t = {.err = err};
    dp_text_add(&t, "%s/%s", folder, name);
    const dp_status st =
        t.status == DP_OK ? dp_strdup(err, path, dp_text_get(&t)) : t.status;
    dp_text_done(&t);
    return st;
}

static dp_status fill(dp_error *err, dp_label_folders *f, const names *truths,
                      const char *truth, const char *prediction)
{
    void *memory;
    dp_status st =
        dp_alloc(err, &memory, truths->count, sizeof *f->pairs, "pairs of label maps");
    f->pairs = memory;
    if (st == DP_OK)
        st = dp_alloc(err, &memory, 2 * truths->count, sizeof(char *),
                      "pairs of label maps");
    if (st != DP_OK)
        return st;
    f->truths = memory;
    f->predictions = f->truths + truths->count;
    for (; f->count < truths->count && st == DP_OK; f->count++) {
        const size_t i = f->count;
        st = join(err, &f->truths[i], truth, truths->name[i]);
        if (st == DP_OK)
            st = join(err, &f->predictions[i], prediction, truths->name[i]);
        f->pairs[i] =
            (dp_semantic_pair){.truth = f->truths[i], .prediction = f->predictions[i]};
    }
    return st;
}

/* Predictions that nothing true has the name of. */
static dp_status find_strays(dp_error *err, dp_label_folders *f, const names *truths,
                             const names *predictions, const char *folder)
{
    for (size_t i = 0; i < predictions->count; i++) {
        if (bsearch(&predictions->name[i], truths->name, truths->count,
                    sizeof *truths->name, compare_names))
            continue;
        if (f->strays++ > 0)
            continue;
        const dp_status st = join(err, &f->first_stray, folder, predictions->name[i]);
        if (st != DP_OK)
            return st;
    }
    return DP_OK;
}

dp_status dp_label_folders_load(dp_error *err, dp_label_folders *f, const char *truth,
                                const char *prediction)
{
    names truths = {0}, predictions = {0};
    *f = (dp_label_folders){0};
    dp_status st = names_load(err, &truths, truth);
    if (st == DP_OK && truths.count == 0)
        st = dp_fail(err, DP_EFORMAT, "%s: found no label map, expected .png files",
                     truth);
    if (st == DP_OK)
        st = names_load(err, &predictions, prediction);
    if (st == DP_OK)
        st = fill(err, f, &truths, truth, prediction);
    if (st == DP_OK)
        st = find_strays(err, f, &truths, &predictions, prediction);
    names_done(&truths);
    names_done(&predictions);
    if (st != DP_OK)
        dp_label_folders_done(f);
    return st;
}

void dp_label_folders_done(dp_label_folders *f)
{
    dp_semantic_pairs_done(f->pairs, f->count);
    for (size_t i = 0; i < f->count; i++) {
        dp_free(f->truths[i]);
        dp_free(f->predictions[i]);
    }
    dp_free(f->pairs);
    dp_free(f->truths);
    dp_free(f->first_stray);
    *f = (dp_label_folders){0};
}
