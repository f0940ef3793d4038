/* densepred detect - boxes, classes, scores, masks */
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/detect_formats.h"
#include "cli/input_image.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "core/detections.h"
#include "io/image/jpeg.h"
#include "model/detector.h"
#include "model/tiles.h"
#include "report/draw.h"

#include <stdio.h>
#include <string.h>

enum { QUALITY = 90 };

static const double shown_score_thr = 0.3; /* of what is printed and drawn */

/* What the command line says. */
typedef struct wishes {
    const char *json, *formats, *classes;
    double score_thr, overlap; /* score_thr below 0: not given */
    int max_dets, tile;
    bool no_mask, no_overlay, file_names;
} wishes;

typedef struct detect {
    dp_session session;
    wishes wish;
    dp_common_options common;
    dp_inputs inputs;
    dp_outputs outputs; /* with --out only */
    dp_formats formats;
    bool *classes; /* owned; NULL: all */
    dp_progress bar;
    dp_detections found;
    bool stop; /* the machine failed: no use to go on */
} detect;

/* ---- one image ------------------------------------------------------------------ */

static float shown_thr(const detect *d)
{
    return (float)(d->wish.score_thr >= 0 ? d->wish.score_thr : shown_score_thr);
}

static void print_found(const detect *d, const char *path)
{
    const dp_dataset *classes = &d->session.model->dataset;
    size_t shown = 0;
    for (size_t i = 0; i < d->found.count; i++)
        shown += d->found.list[i].score >= shown_thr(d);
    printf("%s: %zu object%s\n", path, shown, shown == 1 ? "" : "s");
    for (size_t i = 0; i < d->found.count; i++) {
        const dp_detection *x = &d->found.list[i];
        if (x->score >= shown_thr(d))
            printf("  %-16s %.3f  %9.2f %9.2f %9.2f %9.2f\n",
                   classes->list[x->label].name, (double)x->score, (double)x->box.x1,
                   (double)x->box.y1, (double)x->box.x2, (double)x->box.y2);
    }
    fflush(stdout);
}

/* Draws on the pixels themselves: they are not needed any more. */
static dp_status save_overlay(dp_error *err, detect *d, size_t i, dp_pixels *pixels)
{
    char *path;
    dp_status st = dp_outputs_path(err, &d->outputs, &path, i, "_overlay.jpg");
    if (st != DP_OK)
        return st;
    const dp_found found = {.detections = &d->found,
                            .dataset = &d->session.model->dataset,
                            .score_thr = shown_thr(d)};
    st = dp_draw_detections(err, pixels, &found);
    if (st == DP_OK)
        st = dp_jpeg_save(err, path, pixels, QUALITY);
    dp_free(path);
    return st;
}

static dp_status find_objects(detect *d, const dp_pixels *pixels)
{
    const dp_session *s = &d->session;
    const dp_model_options options = {.boxes_only = d->wish.no_mask};
    dp_status st;
    if (d->wish.tile > 0)
        st = dp_tiles_run(s->ctx, s->model,
                          &(dp_tiles){d->wish.tile, (float)d->wish.overlap, options},
                          pixels, &d->found);
    else
        st = dp_detector_run_with(s->ctx, s->model, pixels, &options, &d->found);
    if (st == DP_OK)
        dp_detections_filter(
            &d->found, &(dp_detection_filter){.score_thr = (float)d->wish.score_thr,
                                              .classes = d->classes,
                                              .most = (size_t)d->wish.max_dets});
    return st;
}

/* COCO's images are named by their numbers; others are counted. */
static int64_t image_id(const detect *d, size_t i)
{
    long long number;
    return dp_input_image_number(d->inputs.path[i], &number) ? number : (int64_t)i + 1;
}

static int write_found(detect *d, size_t i, dp_pixels *pixels)
{
    dp_error *err = &d->session.ctx->err;
    const char *path = d->inputs.path[i];
    const char *slash = strrchr(path, '/');
    const dp_found found = {.detections = &d->found,
                            .dataset = &d->session.model->dataset,
                            .file_name = slash ? slash + 1 : path,
                            .image_id = image_id(d, i)};
    dp_status st = dp_formats_add(err, &d->formats, &found, shown_thr(d), i);
    if (st == DP_OK && d->common.out && !d->wish.no_overlay)
        st = save_overlay(err, d, i, pixels);
    if (st == DP_OK)
        return DP_EXIT_OK;
    /* A name that is refused is about this input; anything else about the disk. */
    return dp_cli_fail(err, st == DP_EFORMAT ? DP_SUBJECT_INPUT : DP_SUBJECT_OUTPUT);
}

static int run_input(detect *d, size_t i)
{
    dp_error *err = &d->session.ctx->err;
    const char *path = d->inputs.path[i];
    dp_pixels pixels;
    if (dp_input_image_read(err, &pixels, path) != DP_OK) {
        dp_progress_clear(&d->bar);
        return dp_cli_fail(err, DP_SUBJECT_INPUT);
    }
    const dp_status st = find_objects(d, &pixels);
    dp_progress_clear(&d->bar);
    int status;
    if (st != DP_OK) {
        dp_fail_while(err, "%s", path);
        status = dp_cli_fail(err, DP_SUBJECT_INPUT);
    } else {
        if (!dp_formats_use_stdout(&d->formats))
            print_found(d, path);
        status = write_found(d, i, &pixels);
    }
    d->stop = status == DP_EXIT_MACHINE;
    dp_pixels_done(&pixels);
    return status;
}

/* ---- all images ------------------------------------------------------------------ */

static int run_inputs(detect *d)
{
    int status = DP_EXIT_OK;
    dp_progress_init(&d->bar, d->inputs.count, d->common.quiet);
    for (size_t i = 0; i < d->inputs.count && !d->stop; i++) {
        const int one = run_input(d, i);
        if (one > status)
            status = one;
        dp_progress_step(&d->bar);
    }
    dp_progress_done(&d->bar);
    dp_error *err = &d->session.ctx->err;
    if (dp_formats_end(err, &d->formats) != DP_OK)
        status = dp_cli_fail(err, DP_SUBJECT_OUTPUT);
    return status;
}

/* Mark the classes of a list of names. */
static int choose_classes(detect *d)
{
    const dp_dataset *set = &d->session.model->dataset;
    dp_error *err = &d->session.ctx->err;
    void *memory;
    if (!d->wish.classes)
        return DP_EXIT_OK;
    if (dp_alloc(err, &memory, (size_t)set->count, sizeof *d->classes, "classes") !=
        DP_OK)
        return dp_cli_fail(err, DP_SUBJECT_OUTPUT);
    d->classes = memory;
    for (const char *at = d->wish.classes; *at;) {
        char name[128];
        const size_t size = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        dp_nearest nearest = {.word = name};
        bool known = false;
        for (int i = 0; i < set->count; i++) {
            dp_nearest_offer(&nearest, set->list[i].name);
            if (strcmp(set->list[i].name, name) == 0)
                d->classes[i] = known = true;
        }
        if (!known)
            return dp_cli_usage("detect: --classes: %s: found no such class in %s%s%s",
                                name, set->name, nearest.best ? ", did you mean " : "",
                                nearest.best ? nearest.best : "");
        at += size + (at[size] == ',');
    }
    return DP_EXIT_OK;
}

static int run(detect *d, const dp_arguments *args)
{
    dp_error *err = &d->session.ctx->err;
    const dp_model *m = d->session.model;
    if (dp_model_task(m) != DP_TASK_DETECT) {
        dp_cli_say("detect: found a model of type %s, expected a detector",
                   m->def->module.name);
        return DP_EXIT_MODEL;
    }
    int status = choose_classes(d);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_inputs_add_all(&d->inputs, args->item + 1, args->count - 1);
    if (status != DP_EXIT_OK && status != DP_EXIT_SOME)
        return status;
    dp_status st = DP_OK;
    if (d->common.out)
        st = dp_outputs_init(err, &d->outputs, d->common.out, &d->inputs);
    if (st == DP_OK)
        st = dp_formats_start(err, &d->formats, &d->outputs, &m->dataset);
    const int ran = st == DP_OK ? run_inputs(d) : dp_cli_fail(err, DP_SUBJECT_OUTPUT);
    return ran > status ? ran : status;
}

static void detect_done(detect *d)
{
    dp_formats_done(&d->formats);
    dp_detections_done(&d->found);
    dp_outputs_done(&d->outputs);
    dp_inputs_done(&d->inputs);
    dp_free(d->classes);
    dp_session_close(&d->session);
}

static int detect_main(detect *d, int argc, char **argv)
{
    wishes *w = &d->wish;
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&d->common),
        DP_OPTION_CACHE(&d->common),
        DP_OPTION_PARTIAL(&d->common),
        DP_TEXT("json", 0, "FILE", &w->json, "COCO results into a file; - prints them"),
        DP_OPTION_OUT(&d->common,
                      "folder for images of what was found, and for --format"),
        DP_TEXT("format", 0, "LIST", &w->formats,
                "coco,csv (one file), yolo,labelme (one for each image) into --out"),
        DP_FLOAT(
            "score-thr", 0, "P", &w->score_thr, 0, 1,
            "lowest score (default: 0.3 for what is printed, drawn, and written as "
            "yolo and labelme; coco and csv hold all that the model gives)"),
        DP_INT("max-dets", 0, "N", &w->max_dets, 1, 1000000,
               "the best N of each image"),
        DP_TEXT("classes", 0, "NAMES", &w->classes, "only these: person,car"),
        DP_FLAG("no-mask", 0, &w->no_mask, "boxes only"),
        DP_FLAG("no-overlay", 0, &w->no_overlay, "no images into --out"),
        DP_FLAG("file-names", 0, &w->file_names, "file_name in every COCO record"),
        DP_INT("tile", 0, "SIDE", &w->tile, 16, DP_MAX_IMAGE_SIDE,
               "in windows of this side, in pixels: for very large images"),
        DP_FLOAT("overlap", 0, "F", &w->overlap, 0, 0.9,
                 "part of a window that neighbours share (default 0.2)"),
        DP_OPTION_THREADS(&d->common),
        DP_OPTION_CPU(&d->common),
        DP_OPTION_GEMM(&d->common),
        DP_OPTION_PRECISION(&d->common),
        DP_OPTION_QUIET(&d->common),
        DP_OPTION_CONFIGS(&d->common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "detect",
        .arguments = "MODEL INPUT...",
        .about =
            "Finds objects: prints class, score and box (x1 y1 x2 y2 in pixels), and "
            "writes boxes and masks.",
        .options = options,
        .least = 2,
        .most = -1,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (w->formats && !d->common.out)
        return dp_cli_usage("detect: --format: found no --out, expected a folder");
    status = dp_formats_parse(&d->formats, w->json, w->formats, w->file_names);
    if (status == DP_EXIT_OK)
        status = dp_session_open(&d->session, &d->common, args.item[0], true, NULL);
    return status == DP_EXIT_OK ? run(d, &args) : status;
}

int dp_cli_detect(int argc, char **argv)
{
    detect d = {.wish = {.score_thr = -1, .overlap = 0.2}};
    const int status = detect_main(&d, argc, argv);
    detect_done(&d);
    return status;
}
