/* densepred detect - boxes, classes, scores, masks */
#include "base/memory.h"
#include "cli/classes.h"
#include "cli/detect_formats.h"
#include "cli/stream.h"
#include "cli/watch.h"
#include "cli/work.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static const double shown_score_thr = 0.3; /* of what is printed and drawn */

/* What the command line says. */
typedef struct wishes {
    const char *classes;
    double score_thr, overlap; /* score_thr below 0: not given */
    double iou;                /* NaN: not given */
    int max_dets, tile;
    bool no_mask, no_overlay;
} wishes;

typedef struct detect {
    dp_work work;
    wishes wish;
    dp_stream_options stream;
    dp_formats formats;
    int *labels; /* owned; NULL: all */
    size_t label_count;
    dp_detections *found;
} detect;

/* ---- one image ------------------------------------------------------------------ */

static float shown_thr(const detect *d)
{
    return (float)(d->wish.score_thr >= 0 ? d->wish.score_thr : shown_score_thr);
}

static void print_found(const detect *d, const char *path)
{
    const size_t count = dp_detections_count(d->found);
    size_t shown = 0;
    for (size_t i = 0; i < count; i++)
        shown += dp_detections_get(d->found, i).score >= shown_thr(d);
    printf("%s: %zu object%s\n", path, shown, shown == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        const dp_object o = dp_detections_get(d->found, i);
        if (o.score >= shown_thr(d))
            printf("  %-16s %.3f  %9.2f %9.2f %9.2f %9.2f\n",
                   dp_model_class_name(d->work.session.model, o.label), (double)o.score,
                   (double)o.x1, (double)o.y1, (double)o.x2, (double)o.y2);
    }
    fflush(stdout);
}

/* Draws on the image itself: it is not needed any more. */
static int save_overlay(detect *d, size_t i, dp_image *image)
{
    const dp_session *s = &d->work.session;
    char *path;
    const int status = dp_work_path(&d->work, &path, i, "_overlay.jpg");
    if (status != DP_EXIT_OK)
        return status;
    dp_status st =
        dp_image_draw_detections(s->ctx, image, s->model, d->found, shown_thr(d));
    if (st == DP_OK)
        st = dp_image_save(s->ctx, image, path, 0);
    dp_free(path);
    return dp_work_check_output(&d->work, st);
}

/* As dp_detect_options has it. A threshold of 0 lets every score above 0 pass. */
static float asked_thr(const wishes *w)
{
    if (w->score_thr < 0)
        return 0;
    const float thr = (float)w->score_thr;
    return thr > 0 ? thr : FLT_MIN;
}

static dp_status find_objects(const detect *d, const dp_image *image,
                              dp_detections *found)
{
    const wishes *w = &d->wish;
    const dp_detect_options options = {
        .boxes_only = w->no_mask,
        .tile = w->tile,
        .overlap = (float)w->overlap,
        .score_thr = asked_thr(w),
        .most = (size_t)w->max_dets,
        .labels = d->labels,
        .label_count = d->label_count,
    };
    return dp_detect_with(d->work.session.ctx, d->work.session.model, image, &options,
                          found);
}

static int run_input(void *arg, size_t i, dp_image *image)
{
    detect *d = arg;
    int status = dp_work_check_input(&d->work, find_objects(d, image, d->found), i);
    if (status != DP_EXIT_OK)
        return status;
    dp_progress_clear(&d->work.bar);
    if (!dp_formats_use_stdout(&d->formats))
        print_found(d, d->work.inputs.path[i]);
    status = dp_formats_add(&d->formats, &d->work, d->found, shown_thr(d), i);
    if (status == DP_EXIT_OK && d->work.common.out && !d->wish.no_overlay)
        status = save_overlay(d, i, image);
    return status;
}

/* ---- a frame of a stream ------------------------------------------------------------ */

static dp_status run_frame(void *arg, const dp_image *image, void **result)
{
    const detect *d = arg;
    dp_detections *found;
    dp_status st = dp_detections_new(d->work.session.ctx, &found);
    *result = found;
    return st == DP_OK ? find_objects(d, image, found) : st;
}

static dp_status add_line(void *arg, dp_context *ctx, dp_results *lines, size_t number,
                          const void *result)
{
    const detect *d = arg;
    return dp_results_add(ctx, lines, d->work.session.model, result,
                          &(dp_result_image){.id = (int64_t)number});
}

static dp_status draw_frame(void *arg, dp_context *ctx, dp_image *image,
                            const void *result)
{
    const detect *d = arg;
    return dp_image_draw_detections(ctx, image, d->work.session.model, result,
                                    shown_thr(d));
}

static void release_frame(void *result)
{
    dp_detections_free(result);
}

static int run_stream(detect *d)
{
    dp_watch_enter("the stream", 0, "interrupted: the rest of the stream is not run");
    return dp_stream_run(
        &d->work, &d->stream, d->formats.json,
        &(dp_stream_steps){d, run_frame, add_line, draw_frame, release_frame});
}

/* ---- the command ------------------------------------------------------------------ */

static int run(detect *d, const dp_arguments *args)
{
    dp_work *w = &d->work;
    int status = dp_work_open(w, args, DP_TASK_DETECT, NULL);
    if (status == DP_EXIT_OK && d->wish.classes)
        status = dp_cli_find_classes(w->session.model, d->wish.classes, &d->labels,
                                     &d->label_count);
    if (status == DP_EXIT_OK && d->stream.format)
        return run_stream(d);
    if (status == DP_EXIT_OK)
        status = dp_work_gather(w, args);
    if (status == DP_EXIT_OK)
        status = dp_work_check_output(w, dp_detections_new(w->session.ctx, &d->found));
    if (status == DP_EXIT_OK)
        status = dp_formats_start(&d->formats, w);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_run(w, run_input, d);
    const int ended = dp_formats_end(&d->formats, w);
    return dp_work_end(w, ended > status ? ended : status, d->formats.json);
}

/* What --out is: a folder, or the one image to write. */
static int check_outputs(detect *d)
{
    dp_work *w = &d->work;
    const char *out = w->common.out;
    const int status = dp_formats_parse(&d->formats);
    if (status != DP_EXIT_OK)
        return status;
    w->reserved = d->formats.reserved;
    w->one_file = out && dp_outputs_is_image(out);
    if (!dp_formats_need_folder(&d->formats))
        return DP_EXIT_OK;
    if (!out)
        return dp_cli_usage("--format needs --out DIR");
    if (w->one_file)
        return dp_cli_usage("--format needs --out DIR: found the image %s", out);
    return DP_EXIT_OK;
}

static int detect_main(detect *d, int argc, char **argv)
{
    wishes *w = &d->wish;
    const dp_option options[] = {
        DP_OPTIONS_MODEL(&d->work.common),
        DP_OPTION_OUT(&d->work.common,
                      "folder for images of what was found, and for --format; with one "
                      "input it may be the image to write (.jpg, .png)"),
        DP_OPTIONS_FORMATS(&d->formats),
        DP_FLOAT(
            "score-thr", 0, "P", &w->score_thr, 0, 1,
            "lowest score (default: 0.3 for what is printed, drawn, and written for "
            "annotation tools; the config's test.score_thr for coco and csv)"),
        DP_ALIAS("conf", "score-thr"),
        DP_OPTION_IOU(&w->iou),
        DP_INT("max-dets", 0, "N", &w->max_dets, 1, DP_MAX_DETECTIONS,
               "the best N of each image (default: the config's test.max_per_img)"),
        DP_TEXT("classes", 0, "NAMES", &w->classes, "only these: person,car"),
        DP_FLAG("no-mask", 0, &w->no_mask, "boxes only"),
        DP_FLAG("no-overlay", 0, &w->no_overlay, "no images into --out"),
        DP_INT("tile", 0, "SIDE", &w->tile, 16, DP_MAX_IMAGE_SIDE,
               "in windows of this side, in pixels: for very large images"),
        DP_FLOAT("overlap", 0, "F", &w->overlap, 0, 0.9,
                 "part of a window that neighbours share (default 0.2)"),
        DP_OPTIONS_STREAM(&d->stream),
        DP_OPTIONS_MACHINE(&d->work.common),
        DP_OPTIONS_PROGRESS(&d->work.common),
        DP_OPTION_CONFIGS(&d->work.common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = DP_USAGE(
        d->work.command, "MODEL INPUT...", 2, -1, options,
        "Finds objects: prints class, score and box (x1 y1 x2 y2 in pixels), and "
        "writes boxes and masks.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    status = dp_option_list_set(&d->work.common.set, "test.nms_iou_threshold", w->iou);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    status = dp_stream_check(&d->stream, &args, d->formats.json, d->work.common.out);
    if (status != DP_EXIT_OK)
        return status;
    status = check_outputs(d);
    return status == DP_EXIT_OK ? run(d, &args) : status;
}

int dp_cli_detect(int argc, char **argv)
{
    detect d = {.work = {.command = "detect"},
                .wish = {.score_thr = -1, .overlap = 0.2, .iou = (double)NAN},
                .formats = DP_FORMATS_DEFAULT};
    const int status = detect_main(&d, argc, argv);
    dp_formats_done(&d.formats);
    dp_detections_free(d.found);
    dp_free(d.labels);
    dp_work_close(&d.work);
    return status;
}
