#define _XOPEN_SOURCE 700 /* stat */
#include "train/image_folders.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/path.h"
#include "io/image/image.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Whether the name in that folder is a folder itself. */
static dp_status look_inside(dp_error *err, bool *inside, const char *folder,
                             const char *name)
{
    char *path;
    const dp_status st = dp_path_join(err, &path, folder, name);
    *inside = st == DP_OK && is_folder(path);
    dp_free(path);
    return st;
}

/* The folders in a folder, sorted. */
static dp_status list_folders(dp_error *err, dp_folder_names *names, const char *folder)
{
    dp_status st = dp_folder_list(err, names, folder, "");
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        bool inside = false;
        if (st == DP_OK)
            st = look_inside(err, &inside, folder, names->name[i]);
        if (inside)
            names->name[kept++] = names->name[i];
        else
            dp_free(names->name[i]);
    }
    names->count = kept;
    return st;
}

static dp_status add_class(dp_error *err, dp_image_list *list, const char *folder,
                           size_t root, int label)
{
    dp_folder_names names;
    const size_t before = list->count;
    dp_status st = dp_folder_list(err, &names, folder, "");
    for (size_t i = 0; i < names.count && st == DP_OK; i++)
        if (dp_pixels_is_named(names.name[i]))
            st = dp_image_list_add(err, list, folder, names.name[i], root, label);
    dp_folder_names_done(&names);
    if (st == DP_OK && list->count == before)
        st = dp_fail(err, DP_EFORMAT, "%s: no images (.jpg, .jpeg, .png, ...) in it",
                     folder);
    return st;
}

static dp_status add_split(dp_error *err, dp_image_list *list, const char *folder,
                           size_t root, const dp_folder_names *classes)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < classes->count && st == DP_OK; i++) {
        char *path;
        st = dp_path_join(err, &path, folder, classes->name[i]);
        if (st == DP_OK)
            st = add_class(err, list, path, root, (int)i);
        dp_free(path);
    }
    return st;
}

static dp_status check_same(dp_error *err, const dp_folder_names *train,
                            const dp_folder_names *val, const char *val_folder)
{
    for (size_t i = 0; i < train->count; i++)
        if (!dp_folder_names_have(val, train->name[i]))
            return dp_fail(err, DP_EFORMAT,
                           "%s: no folder of class %s, which train has", val_folder,
                           train->name[i]);
    for (size_t i = 0; i < val->count; i++)
        if (!dp_folder_names_have(train, val->name[i]))
            return dp_fail(err, DP_EFORMAT, "%s: class %s is not in train", val_folder,
                           val->name[i]);
    return DP_OK;
}

static dp_status add_val(dp_error *err, dp_image_lists *lists, const char *folder,
                         size_t root, const dp_folder_names *classes)
{
    dp_folder_names names;
    dp_status st = list_folders(err, &names, folder);
    if (st == DP_OK)
        st = check_same(err, classes, &names, folder);
    dp_folder_names_done(&names);
    if (st == DP_OK)
        st = add_split(err, &lists->split[DP_SPLIT_VAL], folder, root, classes);
    return st;
}

/* `train` is the folder of class folders, `val` NULL or another. */
static dp_status read(dp_error *err, dp_image_lists *lists, const char *train,
                      const char *val, size_t root)
{
    dp_folder_names classes;
    dp_status st = list_folders(err, &classes, train);
    if (st == DP_OK) {
        st = dp_image_lists_name(err, lists, (const char *const *)classes.name,
                                 classes.count);
        if (st == DP_EFORMAT)
            dp_fail_while(err, "%s: a folder for each class", train);
    }
    if (st == DP_OK)
        st = add_split(err, &lists->split[DP_SPLIT_TRAIN], train, root, &classes);
    if (st == DP_OK && val)
        st = add_val(err, lists, val, root, &classes);
    dp_folder_names_done(&classes);
    return st;
}

/* Whether ROOT/train holds folders: a class may be called train too. */
static dp_status has_train(dp_error *err, bool *has, const char *train)
{
    dp_folder_names names;
    *has = is_folder(train);
    if (!*has)
        return DP_OK;
    const dp_status st = list_folders(err, &names, train);
    *has = names.count > 0;
    dp_folder_names_done(&names);
    return st;
}

dp_status dp_image_folders_read(dp_error *err, dp_image_lists *lists, const char *root)
{
    char *train = NULL, *val = NULL;
    bool splits = false;
    dp_status st = dp_path_join(err, &train, root, "train");
    if (st == DP_OK)
        st = dp_path_join(err, &val, root, "val");
    if (st == DP_OK)
        st = has_train(err, &splits, train);
    if (st == DP_OK)
        st = read(err, lists, splits ? train : root,
                  splits && is_folder(val) ? val : NULL, strlen(root) + 1);
    dp_free(train);
    dp_free(val);
    return st;
}
