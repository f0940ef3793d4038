/* densepred segment - a class for every pixel */
#include "base/memory.h"
#include "cli/stream.h"
#include "cli/work.h"

#include <stdio.h>

enum { LABELS = 256 };

typedef struct segment {
    dp_work work;
    bool scores;
    dp_stream_options stream;
    const char *lines; /* file of a stream's JSON lines; NULL: standard output */
    dp_label_map *map;
} segment;

/* A file that belongs to an input. */
typedef dp_status save_fn(const segment *s, const char *path, const dp_image *image);

static dp_status save_overlay(const segment *s, const char *path, const dp_image *image)
{
    const dp_session *on = &s->work.session;
    dp_image *overlay;
    dp_status st = dp_image_draw_labels(on->ctx, &overlay, image, on->model, s->map);
    if (st == DP_OK)
        st = dp_image_save(on->ctx, overlay, path, 0);
    dp_image_free(overlay);
    return st;
}

static dp_status save_labels(const segment *s, const char *path, const dp_image *image)
{
    (void)image;
    return dp_label_map_save(s->work.session.ctx, s->map, s->work.session.model, path);
}

static dp_status save_scores(const segment *s, const char *path, const dp_image *image)
{
    (void)image;
    return dp_segment_save_probabilities(s->work.session.ctx, s->work.session.model,
                                         path);
}

static int save(segment *s, size_t i, const char *suffix, save_fn *fn,
                const dp_image *image)
{
    char *path;
    int status = dp_work_path(&s->work, &path, i, suffix);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_check_output(&s->work, fn(s, path, image));
    dp_free(path);
    return status;
}

static int run_input(void *arg, size_t i, dp_image *image)
{
    segment *s = arg;
    const dp_session *on = &s->work.session;
    int status =
        dp_work_check_input(&s->work, dp_segment(on->ctx, on->model, image, s->map), i);
    if (status == DP_EXIT_OK && s->scores)
        status = save(s, i, "_scores.safetensors", save_scores, image);
    if (status == DP_EXIT_OK)
        status = save(s, i, "_overlay.jpg", save_overlay, image);
    if (status == DP_EXIT_OK)
        status = save(s, i, ".png", save_labels, image);
    return status;
}

/* ---- a frame of a stream ------------------------------------------------------------ */

static dp_status run_frame(void *arg, const dp_image *image, void **result)
{
    const segment *s = arg;
    const dp_session *on = &s->work.session;
    dp_label_map *map;
    dp_status st = dp_label_map_new(on->ctx, &map);
    *result = map;
    return st == DP_OK ? dp_segment(on->ctx, on->model, image, map) : st;
}

static dp_status add_line(void *arg, dp_context *ctx, dp_results *lines, size_t number,
                          const void *result)
{
    const segment *s = arg;
    return dp_results_add_labels(ctx, lines, s->work.session.model, result,
                                 (int64_t)number);
}

static dp_status draw_frame(void *arg, dp_context *ctx, dp_image *image,
                            const void *result)
{
    const segment *s = arg;
    return dp_image_tint_labels(ctx, image, s->work.session.model, result);
}

static void release_frame(void *result)
{
    dp_label_map_free(result);
}

static int run_stream(segment *s)
{
    return dp_stream_run(
        &s->work, &s->stream, s->lines,
        &(dp_stream_steps){s, run_frame, add_line, draw_frame, release_frame});
}

/* ---- the command -------------------------------------------------------------------- */

/* A label map has 8 bits. */
static int check_classes(const dp_model *m)
{
    for (int i = 0; i < dp_model_class_count(m); i++) {
        const int id = dp_model_class_id(m, i);
        if (id >= 0 && id < LABELS)
            continue;
        dp_cli_say("data set %s: class %s: label maps hold 0 to %d, not its number %d",
                   dp_model_dataset(m), dp_model_class_name(m, i), LABELS - 1, id);
        return DP_EXIT_MODEL;
    }
    return DP_EXIT_OK;
}

static int run(segment *s, const dp_arguments *args, const dp_load_options *load)
{
    dp_work *w = &s->work;
    int status = dp_work_open(w, args, DP_TASK_SEGMENT, load);
    if (status == DP_EXIT_OK)
        status = check_classes(w->session.model);
    if (status == DP_EXIT_OK && s->stream.format)
        return run_stream(s);
    if (status == DP_EXIT_OK)
        status = dp_work_gather(w, args);
    if (status == DP_EXIT_OK)
        status = dp_work_check_output(w, dp_label_map_new(w->session.ctx, &s->map));
    return status == DP_EXIT_OK ? dp_work_run(w, run_input, s) : status;
}

static int segment_main(segment *s, int argc, char **argv)
{
    dp_common_options *common = &s->work.common;
    const char *mode = NULL;
    bool ms_flip = false;
    const dp_option options[] = {
        DP_OPTIONS_MODEL(common),
        DP_OPTION_OUT(common, "folder of what is written (default: the current one)"),
        DP_CHOICE("mode", 0, "slide|whole", &mode,
                  "in windows or all at once (default: as the model was published)"),
        DP_FLAG("ms-flip", 0, &ms_flip,
                "average over scales and mirror images, as published"),
        DP_FLAG("scores", 0, &s->scores,
                "the probabilities too, as NAME_scores.safetensors"),
        DP_OPTIONS_STREAM(&s->stream),
        DP_TEXT(
            "json", 0, "FILE", &s->lines,
            "of a stream: the JSON lines into a file (default -: they are printed)"),
        DP_OPTIONS_MACHINE(common),
        DP_OPTION_QUIET(common),
        DP_OPTION_CONFIGS(common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE(s->work.command, "MODEL INPUT...", 2, -1, options,
                 "Gives every pixel a class. Writes NAME.png, labels in the data set's "
                 "own numbers, and NAME_overlay.jpg, an image of them.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    status = dp_stream_check(&s->stream, &args, s->lines, common->out);
    if (status != DP_EXIT_OK)
        return status;
    if (s->scores && s->stream.format)
        return dp_cli_usage("--scores is for images, not for --stream");
    if (s->lines && !s->stream.format)
        return dp_cli_usage("--json needs --stream; images have NAME.png");
    if (!common->out)
        common->out = ".";
    char changes[64];
    snprintf(changes, sizeof changes, "{\"test\": {\"mode\": \"%s\"}}",
             mode ? mode : "");
    return run(s, &args,
               &(dp_load_options){.test = ms_flip ? "test_ms_flip" : NULL,
                                  .changes = mode ? changes : NULL});
}

int dp_cli_segment(int argc, char **argv)
{
    segment s = {.work = {.command = "segment"}};
    const int status = segment_main(&s, argc, argv);
    dp_label_map_free(s.map);
    dp_work_close(&s.work);
    return status;
}
