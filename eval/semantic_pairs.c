#define _POSIX_C_SOURCE 200809L
#include "eval/semantic_pairs.h"

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

/* "FOLDER/NAME"; *path is the caller's to dp_free. */
static dp_status join(dp_error *err, char **path, const char *folder, const char *name)
{
    dp_text t = {.err = err};
    dp_text_add(&t, "%s/%s", folder, name);
    *path = t.data;
    return t.status;
}

/* Take over two owned paths, either of which may be NULL after a failure. */
static dp_status take(dp_error *err, dp_semantic_pairs *p, char *truth,
                      char *prediction, dp_status st)
{
    void *list = p->list;
    if (st == DP_OK)
        st = dp_grow(err, &list, &p->capacity, p->count + 1, sizeof *p->list,
                     "pairs of label maps");
    p->list = list;
    if (st == DP_OK) {
        p->list[p->count++] =
            (dp_semantic_pair){.truth = truth, .prediction = prediction};
    } else {
        dp_free(truth);
        dp_free(prediction);
    }
    return st;
}

dp_status dp_semantic_pairs_add(dp_error *err, dp_semantic_pairs *pairs,
                                const char *truth, const char *prediction)
{
    char *t = NULL, *p = NULL;
    dp_status st = dp_strdup(err, &t, truth);
    if (st == DP_OK)
        st = dp_strdup(err, &p, prediction);
    return take(err, pairs, t, p, st);
}

static dp_status add_names(dp_error *err, dp_semantic_pairs *pairs, const names *truths,
                           const char *truth, const char *prediction)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < truths->count && st == DP_OK; i++) {
        char *t = NULL, *p = NULL;
        st = join(err, &t, truth, truths->name[i]);
        if (st == DP_OK)
            st = join(err, &p, prediction, truths->name[i]);
        st = take(err, pairs, t, p, st);
    }
    return st;
}

static dp_status find_unpaired(dp_error *err, dp_semantic_pairs *p, const names *truths,
                               const names *predictions, const char *folder)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < predictions->count && st == DP_OK; i++)
        if (!bsearch(&predictions->name[i], truths->name, truths->count,
                     sizeof *truths->name, compare_names) &&
            p->unpaired++ == 0)
            st = join(err, &p->first_unpaired, folder, predictions->name[i]);
    return st;
}

dp_status dp_semantic_pairs_load(dp_error *err, dp_semantic_pairs *pairs,
                                 const char *truth, const char *prediction)
{
    names truths = {0}, predictions = {0};
    dp_status st = names_load(err, &truths, truth);
    if (st == DP_OK && truths.count == 0)
        st =
            dp_fail(err, DP_EFORMAT, "%s: there is no .png file in this folder", truth);
    if (st == DP_OK)
        st = names_load(err, &predictions, prediction);
    if (st == DP_OK)
        st = add_names(err, pairs, &truths, truth, prediction);
    if (st == DP_OK)
        st = find_unpaired(err, pairs, &truths, &predictions, prediction);
    names_done(&truths);
    names_done(&predictions);
    return st;
}

void dp_semantic_pairs_done(dp_semantic_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dp_free(pairs->list[i].truth);
        dp_free(pairs->list[i].prediction);
        dp_free(pairs->list[i].problem);
    }
    dp_free(pairs->list);
    dp_free(pairs->first_unpaired);
    *pairs = (dp_semantic_pairs){0};
}
