#include "runner/run_results.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"

/* Failures to write are kept in the file until it is committed. */
static void put(dp_error *err, dp_atomic_file *f, const void *bytes, size_t size)
{
    (void)dp_atomic_file_write(err, f, bytes, size);
}

static dp_status write_records(dp_error *err, const char *path,
                               const dp_run_directory *d)
{
    dp_atomic_file f = {0};
    const dp_status st = dp_atomic_file_open(err, &f, path);
    bool any = false;
    if (st != DP_OK)
        return st;
    put(err, &f, "[", 1);
    for (size_t i = 0; i < d->count; i++) {
        size_t size;
        if (d->items[i].state != DP_ITEM_DONE)
            continue;
        const unsigned char *records = dp_run_directory_get(d, i, &size);
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

static dp_status write_maps(dp_error *err, const dp_test *t)
{
    const dp_run_directory *d = &t->directory;
    dp_status st = dp_path_make_folders(err, t->results);
    for (size_t i = 0; i < d->count && st == DP_OK; i++) {
        size_t size;
        char *path;
        if (d->items[i].state != DP_ITEM_DONE)
            continue;
        const unsigned char *png = dp_run_directory_get(d, i, &size);
        st = dp_path_join(err, &path, t->results, t->set.items[i].name);
        if (st == DP_OK)
            st = write_map(err, path, png, size);
        dp_free(path);
    }
    return st;
}

dp_status dp_run_results_write(dp_error *err, const dp_test *t)
{
    return t->task == DP_TASK_DETECT ? write_records(err, t->results, &t->directory)
                                     : write_maps(err, t);
}
