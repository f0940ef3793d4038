#define _POSIX_C_SOURCE 200809L
#include "runner/image_set.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "io/data/coco.h"
#include "io/image/image.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { STEM = 512 };

/* ---- where things are ------------------------------------------------------------------ */

typedef struct layout {
    const char *annotations, *images;
} layout;

static const layout coco_layouts[] = {
    {"annotations/instances_val2017.json", "val2017"},
    {"annotations/instances_val2017.json", "images/val2017"},
    {NULL, NULL}};
static const layout ade_layouts[] = {{"annotations/validation", "images/validation"},
                                     {"annotations", "images"},
                                     {NULL, NULL}};

static bool is_there(const char *root, const char *name)
{
    dp_error err = {0};
    char *path;
    if (dp_path_join(&err, &path, root, name) != DP_OK)
        return false;
    const bool there = access(path, F_OK) == 0;
    dp_free(path);
    return there;
}

static dp_status find_in_root(dp_error *err, dp_image_set *s, const char *root)
{
    const layout *l = s->task == DP_TASK_DETECT ? coco_layouts : ade_layouts;
    for (; l->images; l++) {
        if ((!s->annotations && !is_there(root, l->annotations)) ||
            (!s->images && !is_there(root, l->images)))
            continue;
        dp_status st = DP_OK;
        if (!s->annotations)
            st = dp_path_join(err, &s->annotations, root, l->annotations);
        if (st == DP_OK && !s->images)
            st = dp_path_join(err, &s->images, root, l->images);
        return st;
    }
    l = s->task == DP_TASK_DETECT ? coco_layouts : ade_layouts;
    return dp_fail(err, DP_EARG,
                   "%s: there is no %s with %s; name them, or give --annotations and "
                   "--images",
                   root, l->annotations, l->images);
}

static dp_status find_parts(dp_error *err, dp_image_set *s, const char *root,
                            const char *images, const char *annotations)
{
    dp_status st = DP_OK;
    if (images)
        st = dp_strdup(err, &s->images, images);
    if (st == DP_OK && annotations)
        st = dp_strdup(err, &s->annotations, annotations);
    if (st != DP_OK || (images && annotations))
        return st;
    if (root)
        return find_in_root(err, s, root);
    return dp_fail(
        err, DP_EARG,
        "test: without DATASET, --annotations and --images are needed: %s is not given",
        images ? "--annotations" : "--images");
}

/* ---- items ----------------------------------------------------------------------------- */

/* An item whose parts are still to be filled in, at the end of the list. */
static dp_status append(dp_error *err, dp_image_set *s, dp_set_image **item,
                        const char *name)
{
    dp_status st = dp_grow(err, &s->items, &s->capacity, s->count + 1, sizeof *s->items,
                           "the list of images");
    if (st != DP_OK)
        return st;
    *item = &s->items[s->count];
    **item = (dp_set_image){0};
    st = dp_strdup(err, &(*item)->name, name);
    s->count += st == DP_OK;
    return st;
}

/* Names are kept in the order of the file, images by id. */
static int compare_places(const void *a, const void *b)
{
    const dp_coco_image *x = a, *y = b;
    return (x->name > y->name) - (x->name < y->name);
}

/* The class of a category's id; NULL when the model has none. */
static const dp_class *find_class(const dp_dataset *classes, int64_t id)
{
    for (int i = 0; i < classes->count; i++)
        if (classes->list[i].id == id)
            return &classes->list[i];
    return NULL;
}

/* Results are matched by id alone, so other classes would only make the scores low. A
 * model with more classes than the annotations is fine. */
static dp_status check_categories(dp_error *err, const dp_coco_truth *truth,
                                  const char *path, const dp_dataset *classes)
{
    size_t wrong = 0;
    const dp_coco_category *first = NULL;
    for (size_t i = 0; i < truth->category_count; i++) {
        const dp_coco_category *k = &truth->categories[i];
        const char *name = truth->names + k->name;
        const dp_class *class = find_class(classes, k->id);
        if (class && (!*name || strcasecmp(class->name, name) == 0))
            continue;
        first = first ? first : k;
        wrong++;
    }
    if (!first)
        return DP_OK;
    const dp_class *class = find_class(classes, first->id);
    return dp_fail(
        err, DP_ECONFIG,
        "%s: categories: found %zu of %zu that are no classes of the model (%s); the "
        "first is id %lld \"%s\", which in the model is %s%s%s",
        path, wrong, truth->category_count, classes->name, (long long)first->id,
        truth->names + first->name, class ? "\"" : "no class", class ? class->name : "",
        class ? "\"" : "");
}

/* An evaluation would take the first; what the other shows would count for nothing. */
static dp_status check_images(dp_error *err, const dp_coco_truth *truth,
                              const char *path)
{
    char text[DP_ERROR_TEXT];
    if (truth->image_count == 0)
        return dp_fail(err, DP_EFORMAT, "%s: it lists no images", path);
    if (truth->lint.of[DP_COCO_DUPLICATE_IMAGE].count == 0)
        return DP_OK;
    dp_coco_lint_format(text, sizeof text, &truth->lint, DP_COCO_DUPLICATE_IMAGE, path);
    return dp_fail(err, DP_EFORMAT, "%s; give each image its own id", text);
}

static dp_status add_coco(dp_error *err, dp_image_set *s, const dp_dataset *classes)
{
    dp_coco_truth truth;
    dp_status st =
        dp_coco_truth_load(err, &truth, s->annotations, (dp_coco_wish){0}, NULL);
    if (st != DP_OK)
        return st;
    st = check_categories(err, &truth, s->annotations, classes);
    if (st == DP_OK)
        st = check_images(err, &truth, s->annotations);
    if (st == DP_OK)
        qsort(truth.images, truth.image_count, sizeof *truth.images, compare_places);
    for (size_t i = 0; i < truth.image_count && st == DP_OK; i++) {
        const char *name = truth.names + truth.images[i].name;
        dp_set_image *item;
        st = append(err, s, &item, name);
        if (st != DP_OK)
            break;
        item->id = truth.images[i].id;
        if (dp_path_stays_inside(name))
            st = dp_path_join(err, &item->path, s->images, name);
    }
    dp_coco_truth_done(&truth);
    return st;
}

static void put_suffix(char *to, const char *suffix, bool upper)
{
    do
        *to++ = (char)(upper ? toupper((unsigned char)*suffix) : *suffix);
    while (*suffix++);
}

/* The image that has a label map's name: the first of these that is there, or else the
 * first; reading it will say that it is missing. */
static dp_status find_image(dp_error *err, dp_set_image *item, const char *folder)
{
    char name[STEM + 8];
    dp_path_stem(name, STEM, item->name);
    const size_t stem = strlen(name);
    const char *suffix = NULL;
    bool found = false;
    for (size_t i = 0; !found && (suffix = dp_pixels_suffix(i)); i++)
        for (int upper = 0; !found && upper < 2; upper++) {
            put_suffix(name + stem, suffix, upper);
            found = is_there(folder, name);
        }
    if (!found)
        put_suffix(name + stem, dp_pixels_suffix(0), false);
    return dp_path_join(err, &item->path, folder, name);
}

static dp_status add_ade(dp_error *err, dp_image_set *s)
{
    dp_folder_names labels;
    dp_status st = dp_folder_list(err, &labels, s->annotations, ".png");
    if (st == DP_OK && labels.count == 0)
        st = dp_fail(err, DP_EFORMAT, "%s: there is no label map (.png) in it",
                     s->annotations);
    for (size_t i = 0; i < labels.count && st == DP_OK; i++) {
        dp_set_image *item;
        st = append(err, s, &item, labels.name[i]);
        if (st == DP_OK)
            st = find_image(err, item, s->images);
    }
    dp_folder_names_done(&labels);
    return st;
}

static void digest(dp_image_set *s)
{
    dp_sha256 sum;
    uint8_t bytes[DP_SHA256_BYTES];
    dp_sha256_init(&sum);
    for (size_t i = 0; i < s->count; i++) {
        uint8_t id[8];
        for (int k = 0; k < 8; k++)
            id[k] = (uint8_t)((uint64_t)s->items[i].id >> (8 * k));
        dp_sha256_add(&sum, id, sizeof id);
        dp_sha256_add(&sum, s->items[i].name, strlen(s->items[i].name) + 1);
    }
    dp_sha256_finish(&sum, bytes);
    dp_sha256_format(s->digest, bytes);
}

dp_status dp_image_set_load(dp_error *err, dp_image_set *s, dp_task task,
                            const dp_dataset *classes, const char *root,
                            const char *images, const char *annotations)
{
    *s = (dp_image_set){.task = task};
    dp_status st = find_parts(err, s, root, images, annotations);
    if (st == DP_OK)
        st = task == DP_TASK_DETECT ? add_coco(err, s, classes) : add_ade(err, s);
    if (st == DP_OK)
        digest(s);
    else
        dp_image_set_done(s);
    return st;
}

void dp_image_set_done(dp_image_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        dp_free(s->items[i].name);
        dp_free(s->items[i].path);
    }
    dp_free(s->items);
    dp_free(s->images);
    dp_free(s->annotations);
    *s = (dp_image_set){0};
}
