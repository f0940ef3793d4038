#define _POSIX_C_SOURCE 200809L /* stat */
#include "train/image_list.h"

#include "base/memory.h"
#include "base/name_index.h"
#include "base/path.h"
#include "base/random.h"
#include "base/utf8.h"
#include "core/limits.h"
#include "train/image_csv.h"
#include "train/image_folders.h"
#include "train/purpose.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* ---- for the readers ------------------------------------------------------------- */

static dp_status find_file(dp_error *err, const char *path, int64_t *size)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return dp_fail(err, DP_EFORMAT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return dp_fail(err, DP_EFORMAT, "%s: not a file", path);
    *size = (int64_t)about.st_size;
    return DP_OK;
}

dp_status dp_image_list_add(dp_error *err, dp_image_list *list, const char *folder,
                            const char *name, size_t root, int label)
{
    dp_labelled_image image = {.name = root, .label = label};
    dp_status st = folder ? dp_path_join(err, &image.path, folder, name)
                          : dp_strdup(err, &image.path, name);
    if (st == DP_OK)
        st = find_file(err, image.path, &image.size);
    if (st == DP_OK)
        st = dp_grow(err, &list->list, &list->capacity, list->count + 1,
                     sizeof *list->list, "the list of images");
    if (st == DP_OK)
        list->list[list->count++] = image;
    else
        dp_free(image.path);
    return st;
}

dp_status dp_image_lists_name(dp_error *err, dp_image_lists *lists,
                              const char *const *names, size_t count)
{
    dp_dataset *d = &lists->classes;
    if (count < 2)
        return dp_fail(err, DP_EFORMAT, "found %s, expected two classes or more",
                       count ? "one class" : "no classes");
    if (count > DP_MAX_CLASSES)
        return dp_fail(err, DP_EFORMAT, "found %zu classes, expected at most %d", count,
                       DP_MAX_CLASSES);
    dp_status st = dp_alloc(err, &d->list, count, sizeof *d->list, "classes");
    for (size_t i = 0; i < count && st == DP_OK; i++) {
        const size_t size = strlen(names[i]);
        if (size > DP_MAX_CLASS_NAME || !dp_utf8_is_name(names[i], size))
            return dp_fail(err, DP_EFORMAT,
                           "class %s: its name is no UTF-8 of at most %d bytes",
                           names[i], DP_MAX_CLASS_NAME);
        d->list[i] = (dp_class){.id = (int)i, .colour = {128, 128, 128}};
        st = dp_strdup(err, &d->list[i].name, names[i]);
        d->count += st == DP_OK;
    }
    return st;
}

/* ---- images that are set aside --------------------------------------------------- */

static size_t count_aside(size_t count, double part)
{
    const double wanted = nearbyint((double)count * part);
    const double most = (double)count - 1;
    return (size_t)(wanted < 1 ? 1 : wanted > most ? most : wanted);
}

/* Sort the places of images by class, each in order; ends[c] is where class c ends. */
static void group(size_t *places, size_t *ends, const dp_image_list *images,
                  int classes)
{
    for (size_t i = 0; i < images->count; i++)
        ends[images->list[i].label]++;
    for (int c = 1; c < classes; c++)
        ends[c] += ends[c - 1];
    for (size_t i = images->count; i-- > 0;)
        places[--ends[images->list[i].label]] = i;
    for (int c = 0; c < classes; c++) /* back from where each begins */
        ends[c] = c + 1 < classes ? ends[c + 1] : images->count;
}

/* Mark the images of a class that are set aside; order has room for all of them. */
static dp_status choose(dp_error *err, bool *aside, int *order, const size_t *places,
                        size_t count, const char *name, uint32_t label,
                        const dp_image_lists_options *options)
{
    if (count < 2)
        return dp_fail(
            err, DP_EFORMAT,
            "class %s: found %s, expected two or more: one to train on, one to "
            "evaluate on",
            name, count ? "one image" : "no images");
    dp_random random;
    dp_random_init(&random, options->seed, 0, label, DP_PURPOSE_SET_ASIDE);
    dp_random_permutation(&random, order, (int)count);
    const size_t wanted = count_aside(count, options->set_aside);
    for (size_t i = 0; i < wanted; i++)
        aside[places[order[i]]] = true;
    return DP_OK;
}

static dp_status move_aside(dp_error *err, dp_image_lists *lists, const bool *aside)
{
    dp_image_list *train = &lists->split[DP_SPLIT_TRAIN];
    dp_image_list *val = &lists->split[DP_SPLIT_VAL];
    size_t kept = 0;
    const dp_status st = dp_grow(err, &val->list, &val->capacity, train->count,
                                 sizeof *val->list, "the list of images");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < train->count; i++) {
        if (aside[i])
            val->list[val->count++] = train->list[i];
        else
            train->list[kept++] = train->list[i];
    }
    train->count = kept;
    return DP_OK;
}

static dp_status set_aside(dp_error *err, dp_image_lists *lists,
                           const dp_image_lists_options *options)
{
    const dp_image_list *train = &lists->split[DP_SPLIT_TRAIN];
    const int classes = lists->classes.count;
    bool *aside = NULL;
    int *order = NULL;
    size_t *places = NULL, *ends = NULL;
    const dp_array arrays[] = {
        DP_ARRAY(aside, train->count), DP_ARRAY(order, train->count),
        DP_ARRAY(places, train->count), DP_ARRAY(ends, (size_t)classes)};
    dp_status st = dp_alloc_arrays(err, arrays, 4, "images to set aside");
    if (st == DP_OK)
        group(places, ends, train, classes);
    for (int c = 0; c < classes && st == DP_OK; c++) {
        const size_t begin = c > 0 ? ends[c - 1] : 0;
        st = choose(err, aside, order, places + begin, ends[c] - begin,
                    lists->classes.list[c].name, (uint32_t)c, options);
    }
    if (st == DP_OK)
        st = move_aside(err, lists, aside);
    dp_free(aside);
    dp_free(order);
    dp_free(places);
    dp_free(ends);
    return st;
}

/* ---- what all layouts must be ---------------------------------------------------- */

static dp_status check_twice(dp_error *err, const dp_image_lists *lists)
{
    const size_t before = lists->split[DP_SPLIT_TRAIN].count;
    const size_t count = before + lists->split[DP_SPLIT_VAL].count;
    dp_name *names = NULL;
    dp_name_index index = {NULL, NULL, 0};
    dp_status st = dp_alloc(err, &names, count, sizeof *names, "names of images");
    for (size_t i = 0; i < count && st == DP_OK; i++)
        names[i] =
            dp_name_from(i < before ? lists->split[DP_SPLIT_TRAIN].list[i].path
                                    : lists->split[DP_SPLIT_VAL].list[i - before].path);
    if (st == DP_OK)
        st = dp_name_index_init(err, &index, names, count);
    if (st == DP_OK) {
        const ptrdiff_t twice = dp_name_index_find_twice(&index);
        if (twice != DP_NAME_NONE)
            st = dp_fail(err, DP_EFORMAT, "%s stands in the list twice",
                         names[twice].text);
    }
    dp_name_index_done(&index);
    dp_free(names);
    return st;
}

static dp_status check_classes(dp_error *err, const dp_image_lists *lists)
{
    const dp_image_list *train = &lists->split[DP_SPLIT_TRAIN];
    size_t *counts = NULL;
    dp_status st = dp_alloc(err, &counts, (size_t)lists->classes.count, sizeof *counts,
                            "counts of images");
    for (size_t i = 0; i < train->count && st == DP_OK; i++)
        counts[train->list[i].label]++;
    for (int c = 0; c < lists->classes.count && st == DP_OK; c++)
        if (counts[c] == 0)
            st = dp_fail(err, DP_EFORMAT, "class %s: no images to train on",
                         lists->classes.list[c].name);
    dp_free(counts);
    return st;
}

static void digest(dp_image_lists *lists)
{
    dp_sha256 sha;
    uint8_t bytes[DP_SHA256_BYTES];
    dp_sha256_init(&sha);
    for (int c = 0; c < lists->classes.count; c++)
        dp_sha256_add(&sha, lists->classes.list[c].name,
                      strlen(lists->classes.list[c].name) + 1);
    for (int s = 0; s < DP_SPLITS; s++) {
        const int64_t count = (int64_t)lists->split[s].count;
        dp_sha256_add(&sha, &count, sizeof count);
        for (size_t i = 0; i < lists->split[s].count; i++) {
            const dp_labelled_image *image = &lists->split[s].list[i];
            const int64_t numbers[2] = {image->label, image->size};
            dp_sha256_add(&sha, image->path + image->name,
                          strlen(image->path + image->name) + 1);
            dp_sha256_add(&sha, numbers, sizeof numbers);
        }
    }
    dp_sha256_finish(&sha, bytes);
    dp_sha256_format(lists->digest, bytes);
}

static dp_status read(dp_error *err, dp_image_lists *lists,
                      const dp_image_lists_options *options)
{
    struct stat about;
    if (stat(options->path, &about) != 0)
        return dp_fail(err, DP_EIO, "%s: %s", options->path, strerror(errno));
    return S_ISDIR(about.st_mode)
               ? dp_image_folders_read(err, lists, options->path)
               : dp_image_csv_read(err, lists, options->path, options->class_count);
}

static dp_status check(dp_error *err, dp_image_lists *lists,
                       const dp_image_lists_options *options)
{
    const bool has_val = lists->split[DP_SPLIT_VAL].count > 0;
    dp_status st = check_twice(err, lists);
    if (st == DP_OK && !has_val && options->set_aside <= 0)
        st = dp_fail(
            err, DP_EFORMAT,
            "no images to evaluate on: there is no val, and no part is to be set "
            "aside");
    else if (st == DP_OK && !has_val)
        st = set_aside(err, lists, options);
    if (st == DP_OK)
        st = check_classes(err, lists);
    return st == DP_OK ? DP_OK : dp_fail_while(err, "%s", options->path);
}

/* "flowers" of "some/flowers/" and of "some/flowers.csv". */
static dp_status name_after(dp_error *err, char **name, const char *path)
{
    char stem[DP_MAX_CLASS_NAME + 1], *copy;
    dp_status st = dp_strdup(err, &copy, path);
    if (st != DP_OK)
        return st;
    for (size_t size = strlen(copy); size > 1 && copy[size - 1] == '/'; size--)
        copy[size - 1] = '\0';
    dp_path_stem(stem, sizeof stem, copy);
    dp_free(copy);
    return dp_strdup(err, name, stem);
}

dp_status dp_image_lists_load(dp_error *err, dp_image_lists *lists,
                              const dp_image_lists_options *options)
{
    *lists = (dp_image_lists){.digest = ""};
    dp_status st = read(err, lists, options);
    if (st == DP_OK)
        st = check(err, lists, options);
    if (st == DP_OK)
        st = name_after(err, &lists->classes.name, options->path);
    if (st == DP_OK)
        digest(lists);
    else
        dp_image_lists_done(lists);
    return st;
}

void dp_image_lists_done(dp_image_lists *lists)
{
    for (int s = 0; s < DP_SPLITS; s++) {
        for (size_t i = 0; i < lists->split[s].count; i++)
            dp_free(lists->split[s].list[i].path);
        dp_free(lists->split[s].list);
    }
    dp_dataset_done(&lists->classes);
    *lists = (dp_image_lists){.digest = ""};
}
