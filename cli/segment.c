/* densepred segment - a class for every pixel */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/input_image.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "io/data/probability_file.h"
#include "io/image/jpeg.h"
#include "io/image/png.h"
#include "model/segmentor.h"
#include "report/draw_labels.h"

#include <stdio.h>
#include <string.h>

enum { QUALITY = 90, SCORE_ROWS = 16, LABELS = 256 };

typedef struct segment {
    dp_session session;
    dp_outputs outputs;
    dp_progress bar;
    bool scores;
    bool stop; /* an output could not be written: nor will the next */

    dp_segmentor_result result;
    dp_label_map map; /* a view of its labels */
} segment;

static int fail(segment *s, dp_subject subject)
{
    dp_progress_clear(&s->bar);
    return dp_cli_fail(&s->session.ctx->err, subject);
}

/* A file that belongs to input i, written by `save`. */
typedef dp_status save_fn(dp_error *err, segment *s, const char *path,
                          const dp_pixels *pixels);

static dp_status save_overlay(dp_error *err, segment *s, const char *path,
                              const dp_pixels *pixels)
{
    dp_pixels image;
    dp_status st =
        dp_draw_labels(err, &image, pixels, &s->map, &s->session.model->dataset);
    if (st != DP_OK)
        return st;
    st = dp_jpeg_save(err, path, &image, QUALITY);
    dp_pixels_done(&image);
    return st;
}

/* In the data set's own numbering, which labels map to one by one. */
static dp_status save_labels(dp_error *err, segment *s, const char *path,
                             const dp_pixels *pixels)
{
    uint8_t ids[LABELS] = {0};
    const size_t count = (size_t)pixels->h * (size_t)pixels->w;
    for (int i = 0; i < s->session.model->dataset.count; i++)
        ids[i] = (uint8_t)s->session.model->dataset.list[i].id;
    for (size_t i = 0; i < count; i++)
        s->map.labels[i] = ids[s->map.labels[i]];
    return dp_png_save_labels(err, path, &s->map, NULL, 0);
}

static dp_status save_scores(dp_error *err, segment *s, const char *path,
                             const dp_pixels *pixels)
{
    const int K = s->result.K;
    void *memory;
    dp_status st = dp_alloc(err, &memory, (size_t)SCORE_ROWS * (size_t)pixels->w,
                            (size_t)K * sizeof(float), "rows of scores");
    if (st != DP_OK)
        return st;
    dp_probability_file file;
    st = dp_probability_file_open(err, &file, path, "probability", K, pixels->h,
                                  pixels->w);
    for (int y = 0; y < pixels->h && st == DP_OK; y += SCORE_ROWS) {
        const int rows = pixels->h - y < SCORE_ROWS ? pixels->h - y : SCORE_ROWS;
        dp_segmentor_probabilities(s->session.ctx, &s->result, y, rows, memory);
        st = dp_probability_file_put(err, &file, y,
                                     (dp_tensor){memory, 1, rows, pixels->w, K});
    }
    st = dp_probability_file_close(err, &file, st);
    dp_free(memory);
    return st;
}

static int save(segment *s, size_t i, const char *suffix, save_fn *fn,
                const dp_pixels *pixels)
{
    dp_error *err = &s->session.ctx->err;
    char *path;
    if (dp_outputs_path(err, &s->outputs, &path, i, suffix) != DP_OK)
        return fail(s, DP_SUBJECT_INPUT);
    const dp_status st = fn(err, s, path, pixels);
    dp_free(path);
    s->stop = st == DP_EIO;
    return st == DP_OK ? DP_EXIT_OK : fail(s, DP_SUBJECT_OUTPUT);
}

/* Labels last: they are renumbered in place. */
static int save_all(segment *s, size_t i, const dp_pixels *pixels)
{
    int status = DP_EXIT_OK;
    if (s->scores)
        status = save(s, i, "_scores.safetensors", save_scores, pixels);
    if (status == DP_EXIT_OK)
        status = save(s, i, "_overlay.jpg", save_overlay, pixels);
    if (status == DP_EXIT_OK)
        status = save(s, i, ".png", save_labels, pixels);
    return status;
}

static int run_input(segment *s, size_t i)
{
    dp_error *err = &s->session.ctx->err;
    dp_pixels pixels;
    dp_status st = dp_input_image_read(err, &pixels, s->outputs.inputs->path[i]);
    if (st != DP_OK)
        return fail(s, DP_SUBJECT_INPUT);
    st = dp_model_run(s->session.ctx, s->session.model, &pixels, &s->result);
    s->map = (dp_label_map){.h = pixels.h, .w = pixels.w, .labels = s->result.labels};
    const int status =
        st == DP_OK ? save_all(s, i, &pixels) : fail(s, DP_SUBJECT_INPUT);
    dp_pixels_done(&pixels);
    return status;
}

/* A label map has 8 bits. */
static int check_model(const dp_model *m)
{
    if (dp_model_task(m) != DP_TASK_SEGMENT) {
        dp_cli_say("segment: found a model of type %s, expected a segmentor",
                   m->def->module.name);
        return DP_EXIT_MODEL;
    }
    for (int i = 0; i < m->dataset.count; i++) {
        const dp_class *c = &m->dataset.list[i];
        if (c->id >= 0 && c->id < LABELS)
            continue;
        dp_cli_say(
            "data set %s: class %s: found id %d, expected 0 to %d for a label map",
            m->dataset.name, c->name, c->id, LABELS - 1);
        return DP_EXIT_MODEL;
    }
    return DP_EXIT_OK;
}

static int run_inputs(segment *s, const dp_inputs *inputs, bool quiet)
{
    int status = DP_EXIT_OK;
    dp_progress_init(&s->bar, inputs->count, quiet);
    for (size_t i = 0; i < inputs->count && !s->stop; i++) {
        const int one = run_input(s, i);
        if (one > status)
            status = one;
        dp_progress_step(&s->bar);
    }
    dp_progress_done(&s->bar);
    return status;
}

static int run(segment *s, const dp_arguments *args, const char *folder, bool quiet)
{
    dp_error *err = &s->session.ctx->err;
    dp_inputs inputs = {0};
    int status = check_model(s->session.model);
    if (status != DP_EXIT_OK)
        return status;
    status = dp_inputs_add_all(&inputs, args->item + 1, args->count - 1);
    if (status == DP_EXIT_OK || status == DP_EXIT_SOME) {
        int ran;
        if (dp_outputs_init(err, &s->outputs, folder, &inputs) == DP_OK)
            ran = run_inputs(s, &inputs, quiet);
        else
            ran = dp_cli_fail(err, DP_SUBJECT_OUTPUT);
        status = ran > status ? ran : status;
    }
    dp_outputs_done(&s->outputs);
    dp_inputs_done(&inputs);
    return status;
}

int dp_cli_segment(int argc, char **argv)
{
    dp_common_options common = {.out = "."};
    const char *mode = NULL;
    bool ms_flip = false;
    segment s = {0};
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&common),
        DP_OPTION_CACHE(&common),
        DP_OPTION_PARTIAL(&common),
        DP_OPTION_OUT(&common, "folder of what is written (default: the current one)"),
        DP_CHOICE("mode", 0, "slide|whole", &mode,
                  "in windows or all at once (default: as the model was published)"),
        DP_FLAG("ms-flip", 0, &ms_flip,
                "average over scales and mirror images, as published"),
        DP_FLAG("scores", 0, &s.scores,
                "the probabilities too, as NAME_scores.safetensors"),
        DP_OPTION_THREADS(&common),
        DP_OPTION_CPU(&common),
        DP_OPTION_GEMM(&common),
        DP_OPTION_PRECISION(&common),
        DP_OPTION_QUIET(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "segment",
        .arguments = "MODEL INPUT...",
        .about = "Gives every pixel a class. Writes NAME.png, labels in the data set's "
                 "own numbers, and NAME_overlay.jpg, an image of them.",
        .options = options,
        .least = 2,
        .most = -1,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    char changes[64];
    snprintf(changes, sizeof changes, "{\"test\": {\"mode\": \"%s\"}}",
             mode ? mode : "");
    const dp_load_options load = {.test = ms_flip ? "test_ms_flip" : NULL,
                                  .changes = mode ? changes : NULL};
    status = dp_session_open(&s.session, &common, args.item[0], true, &load);
    if (status == DP_EXIT_OK) {
        status = run(&s, &args, common.out, common.quiet);
        dp_session_close(&s.session);
    }
    return status;
}
