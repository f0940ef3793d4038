#include "cli/detect_formats.h"

#include "base/memory.h"
#include "cli/input_image.h"

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
                "--format: unknown format '%.*s'; it is coco, csv, yolo or labelme",
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

/* The path of a file in the folder of --out, in room for 4096 bytes. */
static int in_folder(char path[4096], const dp_work *w, const char *name)
{
    if ((size_t)snprintf(path, 4096, "%s/%s", w->outputs.folder, name) < 4096)
        return DP_EXIT_OK;
    dp_cli_say("%s: the path is too long", w->outputs.folder);
    return DP_EXIT_MACHINE;
}

static int open_in_folder(dp_results **out, dp_work *w, const char *format,
                          const char *name)
{
    char path[4096];
    const int status = in_folder(path, w, name);
    return status != DP_EXIT_OK
               ? status
               : dp_work_check_output(
                     w, dp_results_open(w->session.ctx, out, format, path));
}

static dp_status open_json(dp_formats *f, dp_context *ctx)
{
    if (dp_formats_use_stdout(f))
        return dp_results_open_stream(ctx, &f->json_file, "coco", stdout,
                                      "standard output");
    return f->json ? dp_results_open(ctx, &f->json_file, "coco", f->json) : DP_OK;
}

static int save_class_names(dp_work *w)
{
    char path[4096];
    const int status = in_folder(path, w, "classes.txt");
    return status != DP_EXIT_OK
               ? status
               : dp_work_check_output(w, dp_model_save_class_names(
                                             w->session.ctx, w->session.model, path));
}

/* Only where they are written: otherwise inputs may be named as they like. */
static int number_images(dp_formats *f, const dp_work *w)
{
    dp_error err = {0};
    if (!f->json && !f->coco && !f->csv)
        return DP_EXIT_OK;
    if (dp_image_ids_init(&err, &f->ids, &w->inputs) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_INPUT);
    if (f->ids.unnumbered && !w->common.quiet)
        dp_cli_say("image_id counts the inputs from 1, as the name of %s is no number",
                   f->ids.unnumbered);
    return DP_EXIT_OK;
}

int dp_formats_start(dp_formats *f, dp_work *w)
{
    int status = number_images(f, w);
    if (status == DP_EXIT_OK)
        status = dp_work_check_output(w, open_json(f, w->session.ctx));
    if (status == DP_EXIT_OK && f->coco)
        status = open_in_folder(&f->coco_file, w, "coco", "results.json");
    if (status == DP_EXIT_OK && f->csv)
        status = open_in_folder(&f->csv_file, w, "csv", "results.csv");
    if (status == DP_EXIT_OK && f->yolo)
        status = save_class_names(w);
    return status;
}

/* ---- an image ---------------------------------------------------------------------- */

static int save_one(dp_work *w, const dp_detections *found, const char *format,
                    const dp_result_image *image, size_t i, const char *suffix)
{
    char *path;
    int status = dp_work_path(w, &path, i, suffix);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_check_output(w, dp_detections_save(w->session.ctx, found,
                                                        w->session.model, format, path,
                                                        image));
    dp_free(path);
    return status;
}

static dp_status add(dp_results *file, const dp_work *w, const dp_detections *found,
                     const dp_result_image *image)
{
    return file ? dp_results_add(w->session.ctx, file, w->session.model, found, image)
                : DP_OK;
}

int dp_formats_add(dp_formats *f, dp_work *w, const dp_detections *found,
                   float score_thr, size_t i)
{
    const dp_result_image named = {.file_name = dp_input_image_name(w->inputs.path[i]),
                                   .id = f->ids.list ? f->ids.list[i] : 0};
    dp_result_image all = named, shown = named;
    if (!f->file_names)
        all.file_name = NULL;
    shown.score_thr = score_thr;
    dp_status st = add(f->json_file, w, found, &all);
    if (st == DP_OK)
        st = add(f->coco_file, w, found, &all);
    if (st == DP_OK)
        st = add(f->csv_file, w, found, &named);
    int status = dp_work_check_output(w, st);
    if (status == DP_EXIT_OK && f->yolo)
        status = save_one(w, found, "yolo", &shown, i, ".txt");
    if (status == DP_EXIT_OK && f->labelme)
        status = save_one(w, found, "labelme", &shown, i, ".json");
    return status;
}

static dp_status end(dp_context *ctx, dp_results **file)
{
    dp_results *results = *file;
    *file = NULL;
    return results ? dp_results_close(ctx, results) : DP_OK;
}

int dp_formats_end(dp_formats *f, dp_work *w)
{
    dp_context *ctx = w->session.ctx;
    dp_status st = end(ctx, &f->json_file);
    if (st == DP_OK)
        st = end(ctx, &f->coco_file);
    if (st == DP_OK)
        st = end(ctx, &f->csv_file);
    return dp_work_check_output(w, st);
}

void dp_formats_done(dp_formats *f)
{
    dp_image_ids_done(&f->ids);
    dp_results_free(f->json_file);
    dp_results_free(f->coco_file);
    dp_results_free(f->csv_file);
}
