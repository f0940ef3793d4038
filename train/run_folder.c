#define _GNU_SOURCE /* flock, O_DIRECTORY */
#include "train/run_folder.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "io/checkpoint/safetensors.h"
#include "io/checkpoint/torch_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- the folder ------------------------------------------------------------------ */

static dp_status lock(dp_error *err, dp_run_folder *f)
{
    f->lock = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0)
        return dp_fail(err, DP_EIO, "%s: %s", f->path, strerror(errno));
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return DP_OK; /* a file system without locks: nothing is known */
    close(f->lock);
    f->lock = -1;
    return dp_fail(err, DP_EARG, "%s: another process trains in this folder", f->path);
}

static dp_status take(dp_error *err, dp_run_folder *f)
{
    dp_status st = dp_path_make_folders(err, f->path);
    if (st == DP_OK)
        st = lock(err, f);
    return st == DP_OK ? dp_atomic_file_tidy(err, f->path) : st;
}

dp_status dp_run_folder_open(dp_error *err, dp_run_folder *f, const char *path,
                             bool writes)
{
    *f = (dp_run_folder){NULL, -1};
    dp_status st = dp_strdup(err, &f->path, path);
    if (st == DP_OK && writes)
        st = take(err, f);
    if (st != DP_OK)
        dp_run_folder_close(f);
    return st;
}

void dp_run_folder_close(dp_run_folder *f)
{
    if (f->path && f->lock >= 0)
        close(f->lock);
    dp_free(f->path);
    *f = (dp_run_folder){0};
}

dp_status dp_run_folder_find(dp_error *err, char **path, const dp_run_folder *f,
                             const char *name)
{
    return dp_path_join(err, path, f->path, name);
}

static dp_status open_file(dp_error *err, dp_atomic_file *file, const dp_run_folder *f,
                           const char *name)
{
    char *path;
    dp_status st = dp_run_folder_find(err, &path, f, name);
    if (st == DP_OK)
        st = dp_atomic_file_open(err, file, path);
    file->durable = true;
    dp_free(path);
    return st;
}

/* ---- texts ----------------------------------------------------------------------- */

/* Write the text, and release it. */
static dp_status save_text(dp_error *err, const dp_run_folder *f, const char *name,
                           dp_text *text)
{
    dp_atomic_file file = {0};
    dp_status st = text->status;
    if (st == DP_OK)
        st = open_file(err, &file, f, name);
    if (st == DP_OK)
        st = dp_atomic_file_write(err, &file, dp_text_get(text), text->size);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &file);
    dp_atomic_file_abandon(&file);
    dp_text_done(text);
    return st;
}

dp_status dp_run_folder_save_classes(dp_error *err, const dp_run_folder *f,
                                     const dp_dataset *classes)
{
    dp_text text = {.err = err};
    dp_text_add(&text, "{\n  \"name\": ");
    dp_text_add_quoted(&text, classes->name);
    dp_text_add(&text, ",\n  \"classes\": [\n");
    for (int i = 0; i < classes->count; i++) {
        dp_text_add(&text, "    {\"name\": ");
        dp_text_add_quoted(&text, classes->list[i].name);
        dp_text_add(&text, ", \"id\": %d}%s\n", classes->list[i].id,
                    i + 1 < classes->count ? "," : "");
    }
    dp_text_add(&text, "  ]\n}\n");
    return save_text(err, f, DP_RUN_CLASSES, &text);
}

dp_status dp_run_folder_lay(dp_error *err, const dp_run_folder *f, dp_config *config,
                            const dp_dataset *classes)
{
    dp_text text = {.err = err};
    const cJSON *head;
    char *name = NULL;
    dp_status st = dp_config_section(err, &head, config, "cls_head");
    if (st == DP_OK)
        st = dp_run_folder_find(err, &name, f, DP_RUN_CONFIG);
    dp_text_add(&text,
                "{\"dataset\": \"" DP_RUN_CLASSES "\", \"cls_head\": {\"num_classes\": "
                "%d}, \"published\": null}",
                classes->count);
    if (st == DP_OK)
        st = text.status;
    if (st == DP_OK)
        st = dp_config_lay(err, config, dp_text_get(&text), name);
    dp_text_done(&text);
    dp_free(name);
    return st;
}

dp_status dp_run_folder_save_config(dp_error *err, const dp_run_folder *f,
                                    const dp_config *config, const char *weights)
{
    dp_text text = {.err = err};
    cJSON *root = cJSON_Duplicate(dp_config_root(config), true);
    cJSON *published = root ? cJSON_AddObjectToObject(root, "published") : NULL;
    const cJSON *added =
        published ? cJSON_AddStringToObject(published, "weights", weights) : NULL;
    /* Maps of names lie beside the config that this one was made of; these weights have
     * upstream's names. */
    cJSON_DeleteItemFromObjectCaseSensitive(root, "names");
    char *json = added ? cJSON_Print(root) : NULL;
    if (json)
        dp_text_add(&text, "%s\n", json);
    else
        text.status = dp_fail(err, DP_ENOMEM, "out of memory: a config");
    cJSON_free(json);
    cJSON_Delete(root);
    return save_text(err, f, DP_RUN_CONFIG, &text);
}

/* ---- weights --------------------------------------------------------------------- */

static dp_status save_tensors(dp_error *err, const dp_run_folder *f, const char *name,
                              bool torch, const dp_named_tensor *tensors, size_t count)
{
    dp_atomic_file file = {0};
    dp_text full = {.err = err};
    dp_text_add(&full, "%s%s", name, torch ? ".pth" : ".safetensors");
    dp_status st = full.status;
    if (st == DP_OK)
        st = open_file(err, &file, f, dp_text_get(&full));
    if (st == DP_OK)
        st = torch ? dp_torch_write(err, &file, tensors, count)
                   : dp_safetensors_write(err, &file, tensors, count, NULL);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &file);
    dp_atomic_file_abandon(&file);
    dp_text_done(&full);
    return st;
}

dp_status dp_run_folder_save_weights(dp_error *err, const dp_run_folder *f,
                                     const char *name, const dp_parameters *p,
                                     float *const *values)
{
    dp_named_tensor *tensors;
    dp_status st =
        dp_alloc(err, &tensors, p->count, sizeof *tensors, "a list of weights");
    for (size_t i = 0; i < p->count && st == DP_OK; i++) {
        dp_parameter_describe(&p->list[i], &tensors[i]);
        if (values)
            tensors[i].data = values[i];
    }
    if (st == DP_OK)
        st = save_tensors(err, f, name, false, tensors, p->count);
    if (st == DP_OK)
        st = save_tensors(err, f, name, true, tensors, p->count);
    dp_free(tensors);
    return st;
}
