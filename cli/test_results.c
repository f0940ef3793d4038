#include "cli/test_results.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"

#include <string.h>

dp_status dp_test_results_path(char **path, const dp_test_plan *plan, const char *name,
                               dp_error *err)
{
    dp_text t = {.err = err};
    *path = NULL;
    dp_text_add(&t, "%s/%s", plan->work, name);
    const dp_status st =
        t.status == DP_OK ? dp_strdup(err, path, dp_text_get(&t)) : t.status;
    dp_text_done(&t);
    return st;
}

/* Failures to write are kept in the file until it is committed. */
static void put(dp_atomic_file *f, const void *bytes, size_t size, dp_error *err)
{
    (void)dp_atomic_file_write(f, bytes, size, err);
}

static dp_status write_records(const char *path, const dp_work_folder *folder,
                               dp_error *err)
{
    dp_atomic_file f = {0};
    const dp_status st = dp_atomic_file_open(&f, path, err);
    bool any = false;
    if (st != DP_OK)
        return st;
    put(&f, "[", 1, err);
    for (size_t i = 0; i < folder->count; i++) {
        size_t size;
        if (folder->entries[i].state != DP_WORK_DONE)
            continue;
        const unsigned char *records = dp_work_folder_get(folder, i, &size);
        if (size > 0 && any)
            put(&f, ", ", 2, err);
        put(&f, records, size, err);
        any = any || size > 0;
    }
    put(&f, "]\n", 2, err);
    return dp_atomic_file_commit(&f, err);
}

static dp_status write_map(const char *path, const unsigned char *png, size_t size,
                           dp_error *err)
{
    dp_atomic_file f = {0};
    const dp_status st = dp_atomic_file_open(&f, path, err);
    if (st != DP_OK)
        return st;
    put(&f, png, size, err);
    return dp_atomic_file_commit(&f, err);
}

static dp_status write_maps(const char *path, const dp_test_plan *plan,
                            const dp_work_folder *folder, dp_error *err)
{
    dp_text name = {.err = err};
    dp_status st = dp_path_make_folders(path, err);
    for (size_t i = 0; i < folder->count && st == DP_OK; i++) {
        size_t size;
        if (folder->entries[i].state != DP_WORK_DONE)
            continue;
        const unsigned char *png = dp_work_folder_get(folder, i, &size);
        name.size = 0;
        dp_text_add(&name, "%s/%s", path, plan->set.items[i].name);
        st = name.status == DP_OK ? write_map(dp_text_get(&name), png, size, err)
                                  : name.status;
    }
    dp_text_done(&name);
    return st;
}

dp_status dp_test_results_write(char **path, const dp_test_plan *plan,
                                const dp_work_folder *folder, dp_error *err)
{
    const bool coco = plan->task == DP_TASK_DETECT;
    const dp_status st =
        dp_test_results_path(path, plan, coco ? "results.json" : "predictions", err);
    if (st != DP_OK)
        return st;
    return coco ? write_records(*path, folder, err)
                : write_maps(*path, plan, folder, err);
}
