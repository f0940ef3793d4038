/* stream.h - a model run over the frames of a stream on standard input
 *
 * Reading, running and writing are done by a thread each, with short queues between them, so
 * memory does not depend on the number of frames. Frames stay in order.
 */
#ifndef DP_CLI_STREAM_H
#define DP_CLI_STREAM_H

#include "cli/work.h"

/* What the command line says. */
typedef struct dp_stream_options {
    const char *format; /* NULL: no stream */
    const char *out;    /* Y4M to write; "-": standard output; NULL: none */
} dp_stream_options;

#define DP_OPTIONS_STREAM(s)                                                     \
    DP_CHOICE("stream", 0, "y4m|ppm|mjpeg", &(s)->format,                        \
              "INPUT - is a stream of frames; a JSON line is written for each"), \
        DP_TEXT("stream-out", 0, "FILE", &(s)->out,                              \
                "the frames with what was found, as Y4M; - for standard output")

/* What a command does with a frame. `arg` is the command's own. */
typedef struct dp_stream_steps {
    void *arg;
    /* Make a result of an image, in the command's context. */
    dp_status (*run)(void *arg, const dp_image *image, void **result);

    /* These two are called by the thread that writes, with its own context. */
    dp_status (*add)(void *arg, dp_context *ctx, dp_results *lines, size_t frame,
                     const void *result);
    dp_status (*draw)(void *arg, dp_context *ctx, dp_image *image, const void *result);

    void (*release)(void *result); /* takes NULL */
} dp_stream_steps;

/* Whether options and arguments suit a stream: INPUT is - alone, one thing goes to standard
 * output, and there is no --out for files of images (NULL). Says what does not. DP_EXIT_OK or
 * DP_EXIT_USAGE. */
int dp_stream_check(const dp_stream_options *o, const dp_arguments *args,
                    const char *json, const char *out);

/* Run the model of `w` over the stream. JSON lines go to the file `json`, "-" or NULL for
 * standard output; with NULL and a Y4M on standard output there are none. The exit status: a
 * stream that ends badly is DP_EXIT_SOME, and what came of the frames before it is kept. */
int dp_stream_run(dp_work *w, const dp_stream_options *o, const char *json,
                  const dp_stream_steps *steps);

#endif
