#include "cli/input_names.h"

#include "base/memory.h"
#include "cli/input_image.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEM = 512 };

/* An input with its plain stem and file name. */
typedef struct entry {
    size_t input;
    char *stem; /* owned */
    const char *file;
} entry;

static int by_stem(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = strcmp(x->stem, y->stem);
    if (order != 0)
        return order;
    return x->input < y->input ? -1 : x->input > y->input;
}

static int by_file(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return strcmp(x->file, y->file);
}

static bool is_reserved(const char *const *reserved, const char *stem)
{
    for (; reserved && *reserved; reserved++)
        if (strcmp(*reserved, stem) == 0)
            return true;
    return false;
}

static int compare_stem(const void *key, const void *element)
{
    const entry *e = element;
    return strcmp(key, e->stem);
}

/* The first of STEM-2, STEM-3, ... above *last that no input has as its plain stem. */
static dp_status number_stem(dp_error *err, char **out, const char *stem, size_t *last,
                             const entry *all, size_t count,
                             const char *const *reserved)
{
    char text[STEM + 32];
    do
        snprintf(text, sizeof text, "%s-%zu", stem, ++*last);
    while (bsearch(text, all, count, sizeof *all, compare_stem) ||
           is_reserved(reserved, text));
    return dp_strdup(err, out, text);
}

/* Give every input its stem; `all` is sorted by stem. */
static dp_status take_stems(dp_error *err, dp_input_names *n, const entry *all,
                            const char *const *reserved)
{
    const size_t count = n->inputs->count;
    dp_status st = DP_OK;
    size_t last = 1;

    for (size_t i = 0; st == DP_OK && i < count; i++) {
        const size_t input = all[i].input;
        const bool again = i > 0 && strcmp(all[i].stem, all[i - 1].stem) == 0;
        if (!again)
            last = 1;
        if (!again && !is_reserved(reserved, all[i].stem)) {
            st = dp_strdup(err, &n->stem[input], all[i].stem);
            continue;
        }
        st =
            number_stem(err, &n->stem[input], all[i].stem, &last, all, count, reserved);
        if (n->renamed++ == 0)
            n->first_renamed = input;
    }
    return st;
}

/* Give every input its file name; `all` becomes sorted by it. */
static void take_files(dp_input_names *n, entry *all)
{
    const size_t count = n->inputs->count;

    qsort(all, count, sizeof *all, by_file);
    for (size_t i = 0; i < count; i++) {
        const bool shared = (i > 0 && by_file(&all[i], &all[i - 1]) == 0) ||
                            (i + 1 < count && by_file(&all[i], &all[i + 1]) == 0);
        n->file[all[i].input] = shared ? n->inputs->path[all[i].input] : all[i].file;
    }
}

static dp_status list_entries(dp_error *err, entry *all, const dp_inputs *inputs)
{
    char stem[STEM];
    dp_status st = DP_OK;
    for (size_t i = 0; st == DP_OK && i < inputs->count; i++) {
        dp_input_image_stem(stem, sizeof stem, inputs->path[i]);
        all[i].input = i;
        all[i].file = dp_input_image_name(inputs->path[i]);
        st = dp_strdup(err, &all[i].stem, stem);
    }
    return st;
}

dp_status dp_input_names_init(dp_error *err, dp_input_names *n, const dp_inputs *inputs,
                              const char *const *reserved)
{
    entry *all = NULL;
    *n = (dp_input_names){.inputs = inputs};
    const dp_array arrays[] = {DP_ARRAY(all, inputs->count),
                               DP_ARRAY(n->stem, inputs->count),
                               DP_ARRAY(n->file, inputs->count)};
    dp_status st =
        dp_alloc_arrays(err, arrays, sizeof arrays / sizeof *arrays, "names of inputs");
    if (st == DP_OK)
        st = list_entries(err, all, inputs);
    if (st == DP_OK) {
        qsort(all, inputs->count, sizeof *all, by_stem);
        st = take_stems(err, n, all, reserved);
    }
    if (st == DP_OK)
        take_files(n, all);
    for (size_t i = 0; all && i < inputs->count; i++)
        dp_free(all[i].stem);
    dp_free(all);
    if (st != DP_OK)
        dp_input_names_done(n);
    return st;
}

void dp_input_names_done(dp_input_names *n)
{
    for (size_t i = 0; n->stem && i < n->inputs->count; i++)
        dp_free(n->stem[i]);
    dp_free(n->stem);
    dp_free(n->file);
    *n = (dp_input_names){0};
}
