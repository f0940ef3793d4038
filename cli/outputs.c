#define _POSIX_C_SOURCE 200809L
#include "cli/outputs.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* An input that is a file. */
typedef struct dp_output_file {
    dev_t device;
    ino_t number;
    size_t input;
} file;

static int by_number(const void *a, const void *b)
{
    const file *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

dp_status dp_outputs_init(dp_error *err, dp_outputs *o, const char *folder,
                          const dp_input_names *names)
{
    const dp_inputs *inputs = names->inputs;
    *o = (dp_outputs){.folder = folder, .names = names};
    dp_status st = dp_path_make_folders(err, folder);
    if (st == DP_OK)
        st = dp_alloc(err, &o->files, inputs->count, sizeof *o->files,
                      "a list of inputs");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < inputs->count; i++) {
        struct stat about;
        if (stat(inputs->path[i], &about) == 0)
            o->files[o->file_count++] = (file){about.st_dev, about.st_ino, i};
    }
    qsort(o->files, o->file_count, sizeof *o->files, by_number);
    return DP_OK;
}

void dp_outputs_done(dp_outputs *o)
{
    dp_free(o->files);
    *o = (dp_outputs){0};
}

/* Refuse a path that is an input. */
static dp_status check_free(dp_error *err, const dp_outputs *o, const char *path,
                            size_t i)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return DP_OK;
    const file key = {about.st_dev, about.st_ino, 0};
    const file *found =
        bsearch(&key, o->files, o->file_count, sizeof *o->files, by_number);
    if (!found)
        return DP_OK;
    const char *input = o->names->inputs->path[i];
    if (found->input == i)
        return dp_fail(err, DP_EFORMAT,
                       "%s: its own output would replace it; give another --out",
                       input);
    return dp_fail(err, DP_EFORMAT,
                   "%s: its output would replace the input %s; give another --out",
                   input, o->names->inputs->path[found->input]);
}

dp_status dp_outputs_path(dp_error *err, const dp_outputs *o, char **path, size_t i,
                          const char *suffix)
{
    const size_t length = strlen(o->folder);
    dp_text text = {.err = err};
    *path = NULL;
    dp_text_add(&text, "%s%s%s%s", o->folder,
                length && o->folder[length - 1] == '/' ? "" : "/", o->names->stem[i],
                suffix);
    dp_status st = text.status;
    if (st == DP_OK)
        st = check_free(err, o, dp_text_get(&text), i);
    if (st == DP_OK)
        st = dp_strdup(err, path, dp_text_get(&text));
    dp_text_done(&text);
    return st;
}

bool dp_outputs_are_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

bool dp_outputs_is_image(const char *path)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png"};
    struct stat about;
    const char *dot = strrchr(path, '.');
    if (!dot || (stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}
