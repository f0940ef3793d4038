#include "cli/detect_formats.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* How a format calls the image. */
typedef enum naming { NAME, NAME_IF_ASKED, URL, RELATIVE } naming;

static const struct {
    const char *name; /* in --format; NULL: an option of its own          */
    const char *kind; /* for dp_results_open and dp_detections_save       */
    const char *stem; /* of the file of all images in --out; NULL: none   */
    const char *end;  /* of that file's name, or of the file of one image */
    bool all;         /* detections of every score                        */
    bool numbered;    /* it has an image_id                               */
    naming naming;
} formats[DP_FORMATS] = {
    {NULL, "coco", NULL, NULL, true, true, NAME_IF_ASKED},
    {NULL, "coco-dataset", NULL, NULL, false, true, NAME},
    {"coco", "coco", "results", ".json", true, true, NAME_IF_ASKED},
    {"csv", "csv", "results", ".csv", true, true, NAME},
    {"labelstudio", "labelstudio", "labelstudio", ".json", false, false, URL},
    {"yolo", "yolo", NULL, ".txt", false, false, NAME},
    {"labelme", "labelme", NULL, ".json", false, false, RELATIVE},
};

/* ---- the command line ----------------------------------------------------------- */

static const char *path_of(const dp_formats *f, int k)
{
    return k == 0 ? f->json : k == 1 ? f->coco_dataset : NULL;
}

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int want(dp_formats *f, const char *name, size_t size)
{
    for (int k = 0; k < DP_FORMATS; k++)
        if (formats[k].name && strlen(formats[k].name) == size &&
            memcmp(formats[k].name, name, size) == 0) {
            f->wanted[k] = true;
            return DP_EXIT_OK;
        }
    return dp_cli_usage(
        "--format: unknown format '%.*s'; it is coco, csv, labelstudio, "
        "yolo or labelme",
        (int)size, name);
}

int dp_formats_parse(dp_formats *f)
{
    int status = DP_EXIT_OK, reserved = 0;
    for (const char *at = f->list ? f->list : ""; status == DP_EXIT_OK && *at;) {
        const size_t size = strcspn(at, ",");
        status = want(f, at, size);
        at += size + (at[size] == ',');
    }
    if (status != DP_EXIT_OK)
        return status;
    if (is_stdout(f->json) && is_stdout(f->coco_dataset))
        return dp_cli_usage("--json - and --coco-dataset - need standard output both");
    for (int k = 0; k < DP_FORMATS; k++) {
        f->wanted[k] = f->wanted[k] || path_of(f, k);
        if (f->wanted[k] && formats[k].stem)
            f->reserved[reserved++] = formats[k].stem;
        else if (f->wanted[k] && strcmp(formats[k].kind, "yolo") == 0)
            f->reserved[reserved++] = "classes";
    }
    return DP_EXIT_OK;
}

bool dp_formats_need_folder(const dp_formats *f)
{
    for (int k = 0; k < DP_FORMATS; k++)
        if (f->wanted[k] && !path_of(f, k))
            return true;
    return false;
}

bool dp_formats_use_stdout(const dp_formats *f)
{
    return is_stdout(f->json) || is_stdout(f->coco_dataset);
}

/* ---- files of all images ------------------------------------------------------- */

/* The path of a file in the folder of --out, in room for 4096 bytes. */
static int in_folder(char path[4096], const dp_work *w, const char *stem,
                     const char *end)
{
    if ((size_t)snprintf(path, 4096, "%s/%s%s", w->outputs.folder, stem, end) < 4096)
        return DP_EXIT_OK;
    dp_cli_say("%s: the path is too long", w->outputs.folder);
    return DP_EXIT_MACHINE;
}

typedef dp_status save_fn(dp_context *ctx, const dp_model *model, const char *path);

/* What goes with a format: written once. */
static int save_beside(dp_work *w, const char *stem, const char *end, save_fn *save)
{
    char path[4096];
    const int status = in_folder(path, w, stem, end);
    return status != DP_EXIT_OK
               ? status
               : dp_work_check_output(w, save(w->session.ctx, w->session.model, path));
}

static int open_file(dp_formats *f, dp_work *w, int k)
{
    dp_context *ctx = w->session.ctx;
    char in_out[4096];
    const char *path = path_of(f, k);
    int status = DP_EXIT_OK;
    if (is_stdout(path))
        return dp_work_check_output(w, dp_results_open_stream(ctx, &f->file[k],
                                                              formats[k].kind, stdout,
                                                              "standard output"));
    if (!path)
        status = in_folder(in_out, w, formats[k].stem, formats[k].end);
    return status != DP_EXIT_OK
               ? status
               : dp_work_check_output(w,
                                      dp_results_open(ctx, &f->file[k], formats[k].kind,
                                                      path ? path : in_out));
}

/* Only where they are written: otherwise inputs may be named as they like. */
static int number_images(dp_formats *f, const dp_work *w)
{
    dp_error err = {0};
    bool numbered = false;
    for (int k = 0; k < DP_FORMATS; k++)
        numbered = numbered || (f->wanted[k] && formats[k].numbered);
    if (!numbered)
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
    for (int k = 0; status == DP_EXIT_OK && k < DP_FORMATS; k++) {
        if (!f->wanted[k])
            continue;
        if (path_of(f, k) || formats[k].stem)
            status = open_file(f, w, k);
        if (status == DP_EXIT_OK && strcmp(formats[k].kind, "yolo") == 0)
            status = save_beside(w, "classes", ".txt", dp_model_save_class_names);
        if (status == DP_EXIT_OK && strcmp(formats[k].kind, "labelstudio") == 0)
            status =
                save_beside(w, "labelstudio", ".xml", dp_model_save_label_interface);
    }
    return status;
}

/* ---- an image ---------------------------------------------------------------------- */

/* A URL's path has letters, digits and these; other bytes are written as %XX. */
static void add_url(dp_text *t, const char *before, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/";
    dp_text_add(t, "%s", before);
    for (const char *p = name; *p; p++)
        if (strchr(plain, *p))
            dp_text_add(t, "%c", *p);
        else
            dp_text_add(t, "%%%02X", (unsigned char)*p);
}

/* How the format calls input i, the caller's to dp_free; NULL: not at all. */
static int name_image(const dp_formats *f, const dp_work *w, naming how, size_t i,
                      char **name)
{
    const char *input = w->inputs.path[i], *file = w->names.file[i];
    dp_error err = {0};
    dp_text text = {.err = &err};
    dp_status st = DP_OK;
    *name = NULL;
    if (how == RELATIVE && strcmp(input, "-") != 0)
        st = dp_path_relative(&err, name, w->outputs.folder, input);
    else if (how == URL) {
        add_url(&text, f->image_url, file);
        st = text.status == DP_OK ? dp_strdup(&err, name, dp_text_get(&text))
                                  : text.status;
    } else if (how != NAME_IF_ASKED || f->file_names)
        st = dp_strdup(&err, name, file);
    dp_text_done(&text);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
}

static int save_one(dp_work *w, const dp_detections *found, int k,
                    const dp_result_image *image, size_t i)
{
    char *path;
    int status = dp_work_path(w, &path, i, formats[k].end);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_check_output(w, dp_detections_save(w->session.ctx, found,
                                                        w->session.model,
                                                        formats[k].kind, path, image));
    dp_free(path);
    return status;
}

static int add(dp_formats *f, dp_work *w, const dp_detections *found, float score_thr,
               size_t i, int k)
{
    char *name;
    int status = name_image(f, w, formats[k].naming, i, &name);
    const dp_result_image image = {.file_name = name,
                                   .id = f->ids.list ? f->ids.list[i] : 0,
                                   .score_thr = formats[k].all ? 0 : score_thr,
                                   .polygon_tolerance = (float)f->tolerance,
                                   .yolo_scores = f->yolo_scores};
    if (status == DP_EXIT_OK && f->file[k])
        status =
            dp_work_check_output(w, dp_results_add(w->session.ctx, f->file[k],
                                                   w->session.model, found, &image));
    else if (status == DP_EXIT_OK)
        status = save_one(w, found, k, &image, i);
    dp_free(name);
    return status;
}

int dp_formats_add(dp_formats *f, dp_work *w, const dp_detections *found,
                   float score_thr, size_t i)
{
    int status = DP_EXIT_OK;
    for (int k = 0; status == DP_EXIT_OK && k < DP_FORMATS; k++)
        if (f->wanted[k])
            status = add(f, w, found, score_thr, i, k);
    return status;
}

int dp_formats_end(dp_formats *f, dp_work *w)
{
    int status = DP_EXIT_OK;
    for (int k = 0; status == DP_EXIT_OK && k < DP_FORMATS; k++) {
        dp_results *file = f->file[k];
        f->file[k] = NULL;
        if (file)
            status = dp_work_check_output(w, dp_results_close(w->session.ctx, file));
    }
    return status;
}

void dp_formats_done(dp_formats *f)
{
    dp_image_ids_done(&f->ids);
    for (int k = 0; k < DP_FORMATS; k++)
        dp_results_free(f->file[k]);
}
