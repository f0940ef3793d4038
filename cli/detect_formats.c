#include "cli/detect_formats.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "io/data/labelme.h"
#include "io/data/yolo.h"

#include <stdio.h>
#include <string.h>

int dp_formats_parse(dp_formats *f, const char *json, const char *list, bool file_names)
{
    const struct {
        const char *name;
        bool *wanted;
    } known[] = {{"coco", &f->coco},
                 {"csv", &f->csv},
                 {"yolo", &f->yolo},
                 {"labelme", &f->labelme}};
    f->json = json;
    f->file_names = file_names;
    for (const char *at = list ? list : ""; *at;) {
        const size_t size = strcspn(at, ",");
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strlen(known[i].name) == size && memcmp(known[i].name, at, size) == 0)
                *known[i].wanted = found = true;
        if (!found)
            return dp_cli_usage(
                "detect: --format: found %.*s, expected coco, csv, yolo or "
                "labelme",
                (int)size, at);
        at += size + (at[size] == ',');
    }
    return DP_EXIT_OK;
}

bool dp_formats_use_stdout(const dp_formats *f)
{
    return f->json && strcmp(f->json, "-") == 0;
}

/* ---- files of all images ------------------------------------------------------- */

static dp_status file_start(dp_error *err, dp_format_file *f, const char *path,
                            dp_results_format format)
{
    const dp_status st = dp_atomic_file_open(err, &f->file, path);
    if (st != DP_OK)
        return st;
    f->open = true;
    dp_results_writer_init(&f->writer, format, f->file.stream, f->file.path);
    return DP_OK;
}

static dp_status file_end(dp_error *err, dp_format_file *f)
{
    if (!f->open)
        return DP_OK;
    f->open = false;
    dp_status st = dp_results_writer_end(err, &f->writer);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &f->file);
    else
        dp_atomic_file_abandon(&f->file);
    dp_results_writer_done(&f->writer);
    return st;
}

static dp_status in_folder(dp_error *err, dp_format_file *f, const dp_outputs *outputs,
                           const char *name, dp_results_format format)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", outputs->folder, name) >=
        sizeof path)
        return dp_fail(err, DP_EIO, "%s: the path is too long", outputs->folder);
    return file_start(err, f, path, format);
}

static dp_status save_class_names(dp_error *err, const dp_outputs *outputs,
                                  const dp_dataset *dataset)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/classes.txt", outputs->folder) >=
        sizeof path)
        return dp_fail(err, DP_EIO, "%s: the path is too long", outputs->folder);
    return dp_yolo_save_classes(err, path, dataset);
}

dp_status dp_formats_start(dp_error *err, dp_formats *f, const dp_outputs *outputs,
                           const dp_dataset *dataset)
{
    dp_status st = DP_OK;
    f->outputs = outputs;
    if (dp_formats_use_stdout(f)) {
        dp_results_writer_init(&f->json_file.writer, DP_RESULTS_COCO, stdout,
                               "standard output");
    } else if (f->json) {
        st = file_start(err, &f->json_file, f->json, DP_RESULTS_COCO);
    }
    if (st == DP_OK && f->coco)
        st = in_folder(err, &f->coco_file, outputs, "results.json", DP_RESULTS_COCO);
    if (st == DP_OK && f->csv)
        st = in_folder(err, &f->csv_file, outputs, "results.csv", DP_RESULTS_CSV);
    if (st == DP_OK && f->yolo)
        st = save_class_names(err, outputs, dataset);
    return st;
}

/* ---- an image ---------------------------------------------------------------------- */

typedef dp_status save_fn(dp_error *err, const char *path, const dp_found *found);

static dp_status save_one(dp_error *err, const dp_formats *f, const dp_found *found,
                          size_t i, const char *suffix, save_fn *save)
{
    char *path;
    dp_status st = dp_outputs_path(err, f->outputs, &path, i, suffix);
    if (st == DP_OK)
        st = save(err, path, found);
    dp_free(path);
    return st;
}

dp_status dp_formats_add(dp_error *err, dp_formats *f, const dp_found *found,
                         float score_thr, size_t i)
{
    dp_found all = *found, shown = *found;
    if (!f->file_names)
        all.file_name = NULL;
    shown.score_thr = score_thr;
    dp_status st = DP_OK;
    if (f->json)
        st = dp_results_writer_add(err, &f->json_file.writer, &all);
    if (st == DP_OK && f->coco)
        st = dp_results_writer_add(err, &f->coco_file.writer, &all);
    if (st == DP_OK && f->csv)
        st = dp_results_writer_add(err, &f->csv_file.writer, found);
    if (st == DP_OK && f->yolo)
        st = save_one(err, f, &shown, i, ".txt", dp_yolo_save);
    if (st == DP_OK && f->labelme)
        st = save_one(err, f, &shown, i, ".json", dp_labelme_save);
    return st;
}

dp_status dp_formats_end(dp_error *err, dp_formats *f)
{
    dp_status st = DP_OK;
    if (dp_formats_use_stdout(f)) {
        st = dp_results_writer_end(err, &f->json_file.writer);
        dp_results_writer_done(&f->json_file.writer);
    } else {
        st = file_end(err, &f->json_file);
    }
    if (st == DP_OK)
        st = file_end(err, &f->coco_file);
    if (st == DP_OK)
        st = file_end(err, &f->csv_file);
    return st;
}

static void file_done(dp_format_file *f)
{
    if (f->open) {
        dp_atomic_file_abandon(&f->file);
        dp_results_writer_done(&f->writer);
    }
    f->open = false;
}

void dp_formats_done(dp_formats *f)
{
    file_done(&f->json_file);
    file_done(&f->coco_file);
    file_done(&f->csv_file);
}
