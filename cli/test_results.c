#include "cli/test_results.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"

#include <string.h>

dp_status dp_test_results_path(dp_error *err, char **path, const dp_test_plan *plan,
                               const char *name)
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
static void put(dp_error *err, dp_atomic_file *f, const void *bytes, size_t size)
{
    (void)dp_atomic_file_write(err, f, bytes, size);
}

static dp_status write_records(dp_error *err, const char *path,
                               const dp_work_folder *folder)
{
    dp_atomic_file f = {0};
    const dp_status st = dp_atomic_file_open(err, &f, path);
    bool any = false;
    if (st != DP_OK)
        return st;
    put(err, &f, "[", 1);
    for (size_t i = 0; i < folder->count; i++) {
        size_t size;
        if (folder->entries[i].state != DP_WORK_DONE)
            continue;
        const unsigned char *records = dp_work_folder_get(folder, i, &size);
        if (size > 0 && any)
            put(err, &f, ", ", 2);
        put(err, &f, records, size);
        any = any || size > 0;
    }
    put(err, &f, "]\n", 2);
    return dp_atomic_file_commit(err, &f);
}

static dp_status write_map(dp_error *err, const char *path, const unsigned char *png,
                           size_t size)
{
    dp_atomic_file f = {0};
    const dp_status st = dp_atomic_file_open(err, &f, path);
    if (st != DP_OK)
        return st;
    put(err, &f, png, size);
    return dp_atomic_file_commit(err, &f);
}

static dp_status write_maps(dp_error *err, const char *path, const dp_test_plan *plan,
                            const dp_work_folder *folder)
{
    dp_text name = {.err = err};
    dp_status st = dp_path_make_folders(err, path);
    for (size_t i = 0; i < folder->count && st == DP_OK; i++) {
        size_t size;
        if (folder->entries[i].state != DP_WORK_DONE)
            continue;
        const unsigned char *png = dp_work_folder_get(folder, i, &size);
        name.size = 0;
        dp_text_add(&name, "%s/%s", path, plan->set.items[i].name);
        st = name.status == DP_OK ? write_map(err, dp_text_get(&name), png, size)
                                  : name.status;
    }
    dp_text_done(&name);
    return st;
}

dp_status dp_test_results_write(dp_error *err, char **path, const dp_test_plan *plan,
                                const dp_work_folder *folder)
{
    const bool coco = plan->task == DP_TASK_DETECT;
    const dp_status st =
        dp_test_results_path(err, path, plan, coco ? "results.json" : "predictions");
    if (st != DP_OK)
        return st;
    return coco ? write_records(err, *path, folder)
                : write_maps(err, *path, plan, folder);
}
