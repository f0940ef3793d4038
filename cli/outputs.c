#define _POSIX_C_SOURCE 200809L
#include "cli/outputs.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/input_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STEM = 512 };

static int compare_stems(const dp_inputs *in, size_t i, size_t j)
{
    char a[STEM], b[STEM];
    dp_input_image_stem(a, sizeof a, in->path[i]);
    dp_input_image_stem(b, sizeof b, in->path[j]);
    return strcmp(a, b);
}

/* By stem, then as given. Merge sort: stable, and its order needs no global. */
static void sort_stems(const dp_inputs *in, size_t *order, size_t *spare, size_t n)
{
    if (n < 2)
        return;
    const size_t half = n / 2;
    sort_stems(in, order, spare, half);
    sort_stems(in, order + half, spare, n - half);
    memcpy(spare, order, half * sizeof *order);
    size_t i = 0, j = half, to = 0;
    while (i < half)
        if (j < n && compare_stems(in, order[j], spare[i]) < 0)
            order[to++] = order[j++];
        else
            order[to++] = spare[i++];
}

dp_status dp_outputs_init(dp_error *err, dp_outputs *o, const char *folder,
                          const dp_inputs *inputs)
{
    *o = (dp_outputs){folder, inputs, NULL};
    dp_status st = dp_path_make_folders(err, folder);
    void *memory = NULL;
    if (st == DP_OK)
        st = dp_alloc(err, &memory, 2 * inputs->count, sizeof *o->order,
                      "the order of outputs");
    if (st != DP_OK)
        return st;
    o->order = memory;
    for (size_t i = 0; i < inputs->count; i++)
        o->order[i] = i;
    sort_stems(inputs, o->order, o->order + inputs->count, inputs->count);
    return DP_OK;
}

void dp_outputs_done(dp_outputs *o)
{
    dp_free(o->order);
    *o = (dp_outputs){0};
}

/* The first input with the stem of input i. */
static size_t find_first(const dp_outputs *o, size_t i)
{
    size_t low = 0, high = o->inputs->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_stems(o->inputs, o->order[middle], i) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return o->order[low];
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

dp_status dp_outputs_path(dp_error *err, const dp_outputs *o, char **path, size_t i,
                          const char *suffix)
{
    char stem[STEM];
    const char *input = o->inputs->path[i];
    const size_t first = find_first(o, i), length = strlen(o->folder);
    dp_input_image_stem(stem, sizeof stem, input);
    *path = NULL;
    if (first != i)
        return dp_fail(err, DP_EFORMAT,
                       "%s: %s%s is already the output of %s; rename one of them",
                       input, stem, suffix, o->inputs->path[first]);
    dp_text text = {.err = err};
    dp_text_add(&text, "%s%s%s%s", o->folder,
                length && o->folder[length - 1] == '/' ? "" : "/", stem, suffix);
    dp_status st = text.status;
    if (st == DP_OK && is_same_file(dp_text_get(&text), input))
        st = dp_fail(err, DP_EFORMAT,
                     "%s: its own output would replace it; give another --out", input);
    if (st == DP_OK)
        st = dp_strdup(err, path, dp_text_get(&text));
    dp_text_done(&text);
    return st;
}
