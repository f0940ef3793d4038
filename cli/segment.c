/* densepred segment - a class for every pixel */
#include "base/memory.h"
#include "cli/stream.h"
#include "cli/watch.h"
#include "cli/work.h"

#include <stdio.h>
#include <string.h>

enum { LABELS = 256 };

typedef struct segment {
    dp_work work;
    bool scores;
    dp_stream_options stream;
    const char *json;    /* "-": to standard output, which has no lines then */
    dp_results *results; /* NULL without --json, and of a stream */
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

static bool use_stdout(const segment *s)
{
    return s->json && strcmp(s->json, "-") == 0;
}

/* One line: the classes and their shares of the image. */
static void print_shares(const segment *s, const char *path)
{
    const dp_model *m = s->work.session.model;
    dp_class_share list[LABELS];
    const int count = dp_label_map_shares(s->map, m, list, LABELS);
    printf("%s:", path);
    for (int i = 0; i < count; i++)
        printf("%s %s %.1f%%", i > 0 ? "," : "", dp_model_class_name(m, list[i].label),
               100 * list[i].share);
    printf("\n");
    fflush(stdout);
}

static dp_status open_results(segment *s)
{
    dp_context *ctx = s->work.session.ctx;
    if (use_stdout(s))
        return dp_results_open_stream(ctx, &s->results, "labels", stdout,
                                      "standard output");
    return s->json ? dp_results_open(ctx, &s->results, "labels", s->json) : DP_OK;
}

static int report(segment *s, size_t i)
{
    const dp_session *on = &s->work.session;
    dp_status st = DP_OK;
    dp_progress_clear(&s->work.bar);
    if (!use_stdout(s))
        print_shares(s, s->work.inputs.path[i]);
    if (s->results)
        st = dp_results_add_labels(
            on->ctx, s->results, on->model, s->map,
            &(dp_result_image){.file_name = s->work.names.file[i]});
    return dp_work_check_output(&s->work, st);
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
    return status == DP_EXIT_OK ? report(s, i) : status;
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
                                 &(dp_result_image){.id = (int64_t)number});
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
    dp_watch_enter("the stream", 0, "interrupted: the rest of the stream is not run");
    return dp_stream_run(
        &s->work, &s->stream, s->json,
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
    if (status == DP_EXIT_OK)
        status = dp_work_check_output(w, open_results(s));
    if (status != DP_EXIT_OK)
        return status;
    status = dp_work_run(w, run_input, s);
    if (s->results) {
        const int wrote =
            dp_work_check_output(w, dp_results_close(w->session.ctx, s->results));
        s->results = NULL;
        status = wrote > status ? wrote : status;
    }
    return dp_work_end(w, status, s->json);
}

static int segment_main(segment *s, int argc, char **argv)
{
    dp_common_options *common = &s->work.common;
    const char *mode = NULL;
    bool ms_flip = false;
    const dp_option options[] = {
        DP_OPTIONS_MODEL(common),
        DP_OPTION_OUT(common, "folder of what is written (default: the current one)"),
        DP_TEXT("json", 0, "FILE", &s->json,
                "the classes of each image and their shares into a file, of a stream "
                "as lines; - "
                "prints them"),
        DP_CHOICE("mode", 0, "slide|whole", &mode,
                  "in windows or all at once (default: as the model was published)"),
        DP_FLAG("ms-flip", 0, &ms_flip,
                "average over scales and mirror images, as published"),
        DP_FLAG("scores", 0, &s->scores,
                "the probabilities too, as NAME_scores.safetensors"),
        DP_OPTIONS_STREAM(&s->stream),
        DP_OPTIONS_MACHINE(common),
        DP_OPTIONS_PROGRESS(common),
        DP_OPTION_CONFIGS(common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = DP_USAGE(
        s->work.command, "MODEL INPUT...", 2, -1, options,
        "Gives every pixel a class: prints the classes and their shares of the "
        "image. Writes NAME.png, labels in the data set's "
        "own numbers, and NAME_overlay.jpg, an image of them.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    status = dp_stream_check(&s->stream, &args, s->json, common->out);
    if (status != DP_EXIT_OK)
        return status;
    if (s->scores && s->stream.format)
        return dp_cli_usage("--scores is for images, not for --stream");
    if (!common->out)
        common->out = ".";
    if (dp_outputs_is_image(common->out))
        return dp_cli_usage("--out: found \"%s\", expected a folder: segment writes "
                            "several files for an image",
                            common->out);
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
    dp_results_free(s.results);
    dp_label_map_free(s.map);
    dp_work_close(&s.work);
    return status;
}
