#include "cli/stream.h"

#include "base/channel.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { AHEAD = 2 }; /* frames in a queue */

/* A frame on its way; the last one may be none but the reason why there is none. */
typedef struct frame {
    size_t number;
    dp_image *image;
    void *result;
    dp_status status;
    char sentence[DP_ERROR_TEXT];
} frame;

typedef struct stream {
    dp_work *work;
    const dp_stream_options *options;
    const dp_stream_steps *steps;
    const char *json;

    dp_context *reading, *writing; /* of the two other threads */
    dp_channel *decoded, *done;
    dp_stream_reader *reader;
    dp_stream_writer *writer; /* NULL: no Y4M   */
    dp_results *lines;        /* NULL: no lines */
    int rate, per;
    size_t written;
    dp_status failure; /* of writing; the sentence is in `writing` */
} stream;

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

int dp_stream_check(const dp_stream_options *o, const dp_arguments *args,
                    const char *json, const char *out)
{
    if (!o->format)
        return o->out ? dp_cli_usage("--stream-out needs --stream y4m, ppm or mjpeg")
                      : DP_EXIT_OK;
    if (args->count != 2 || strcmp(args->item[1], "-") != 0)
        return dp_cli_usage("--stream needs - as the only INPUT: it reads standard "
                            "input");
    if (out)
        return dp_cli_usage("--out is for images; a stream is written to --stream-out");
    if (is_stdout(o->out) && is_stdout(json))
        return dp_cli_usage("--stream-out - and --json - both need standard output");
    return DP_EXIT_OK;
}

/* ---- frames ---------------------------------------------------------------------- */

static void release(const stream *s, frame *f)
{
    if (!f)
        return;
    dp_image_free(f->image);
    s->steps->release(f->result);
    dp_free(f);
}

/* On a thread: frames of standard input to the first queue. */
static void *read_frames(void *arg)
{
    stream *s = arg;
    for (size_t number = 0;; number++) {
        frame *f;
        dp_error err = {0};
        if (dp_alloc(&err, &f, 1, sizeof *f, "a frame") != DP_OK)
            break;
        f->number = number;
        f->status = dp_stream_reader_next(s->reading, s->reader, &f->image);
        if (f->status != DP_OK)
            snprintf(f->sentence, sizeof f->sentence, "%s",
                     dp_context_error(s->reading));
        else if (number == 0)
            dp_stream_reader_rate(s->reader, &s->rate, &s->per);
        const bool last = !f->image;
        if ((last && f->status == DP_OK) || !dp_channel_put(s->decoded, f)) {
            release(s, f);
            break;
        }
        if (last)
            break;
    }
    dp_channel_end(s->decoded);
    return NULL;
}

static dp_status write_frame(stream *s, frame *f)
{
    const dp_stream_steps *steps = s->steps;
    dp_status st = DP_OK;
    if (s->lines)
        st = steps->add(steps->arg, s->writing, s->lines, f->number, f->result);
    if (s->lines && (!s->json || is_stdout(s->json)))
        fflush(stdout); /* for who reads along; closing tells of failures */
    if (st == DP_OK && s->writer)
        st = steps->draw(steps->arg, s->writing, f->image, f->result);
    if (st == DP_OK && s->writer)
        st = dp_stream_writer_add(s->writing, s->writer, f->image, s->rate, s->per);
    s->written += st == DP_OK;
    return st;
}

/* On a thread: frames of the second queue to files. */
static void *write_frames(void *arg)
{
    stream *s = arg;
    frame *f;
    while (s->failure == DP_OK && (f = dp_channel_take(s->done))) {
        s->failure = write_frame(s, f);
        release(s, f);
    }
    dp_channel_end(s->done);
    return NULL;
}

/* On the calling thread, between the two. */
static int run_frames(stream *s)
{
    int status = DP_EXIT_OK;
    frame *f;
    while (status == DP_EXIT_OK && (f = dp_channel_take(s->decoded))) {
        const dp_stream_steps *steps = s->steps;
        const char *sentence = f->sentence;
        if (f->status == DP_OK) {
            f->status = steps->run(steps->arg, f->image, &f->result);
            sentence = dp_context_error(s->work->session.ctx);
        }
        if (f->status != DP_OK) {
            dp_cli_say("%s", sentence);
            status = dp_cli_status(f->status, DP_SUBJECT_INPUT);
        } else if (dp_channel_put(s->done, f)) {
            continue;
        } else {
            status = DP_EXIT_MACHINE; /* the writer's failure is said at the end */
        }
        release(s, f);
    }
    return status;
}

/* ---- the run ----------------------------------------------------------------------- */

static int run_threads(stream *s)
{
    pthread_t reader, writer;
    const int no_reader = pthread_create(&reader, NULL, read_frames, s);
    const int no_writer =
        no_reader ? no_reader : pthread_create(&writer, NULL, write_frames, s);
    int status = DP_EXIT_MACHINE;
    if (no_writer)
        dp_cli_say("a thread cannot start: %s", strerror(no_writer));
    else
        status = run_frames(s);
    dp_channel_end(s->decoded);
    dp_channel_end(s->done);
    if (!no_writer)
        pthread_join(writer, NULL);
    if (!no_reader)
        pthread_join(reader, NULL);
    frame *f;
    while ((f = dp_channel_take(s->decoded)) || (f = dp_channel_take(s->done)))
        release(s, f);
    return status;
}

static dp_status open_outputs(stream *s)
{
    const char *out = s->options->out;
    dp_status st = DP_OK;
    if (is_stdout(out))
        st = dp_stream_writer_new_on(s->writing, &s->writer, stdout, "standard output");
    else if (out)
        st = dp_stream_writer_new(s->writing, &s->writer, out);
    if (st != DP_OK)
        return st;
    if (s->json && !is_stdout(s->json))
        return dp_results_open(s->writing, &s->lines, "frames", s->json);
    return is_stdout(out) ? DP_OK
                          : dp_results_open_stream(s->writing, &s->lines, "frames",
                                                   stdout, "standard output");
}

static int start(stream *s)
{
    dp_error err = {0};
    int status = dp_cli_start(&s->reading, &(dp_common_options){.threads = 1});
    if (status == DP_EXIT_OK)
        status = dp_cli_start(&s->writing, &(dp_common_options){.threads = 1});
    if (status != DP_EXIT_OK)
        return status;
    dp_status st = dp_channel_new(&err, &s->decoded, AHEAD);
    if (st == DP_OK)
        st = dp_channel_new(&err, &s->done, AHEAD);
    if (st != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    st = dp_stream_reader_new(s->reading, &s->reader, stdin, s->options->format,
                              "standard input");
    if (st == DP_OK)
        st = open_outputs(s);
    if (st != DP_OK)
        dp_cli_say("%s", dp_context_error(s->reader ? s->writing : s->reading));
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}

static dp_status close_outputs(stream *s)
{
    dp_status st = DP_OK;
    if (s->writer)
        st = dp_stream_writer_close(s->writing, s->writer);
    if (st == DP_OK && s->lines) {
        st = dp_results_close(s->writing, s->lines);
        s->lines = NULL;
    }
    return st;
}

/* Files are put in their places unless they cannot be written: frames before a bad one are
 * kept. That frames have several sizes is the input's mistake. */
static int finish(stream *s, int status)
{
    const bool another_size = s->failure == DP_EARG;
    dp_status st = s->failure;
    if (another_size) {
        dp_cli_say("%s", dp_context_error(s->writing));
        status = DP_EXIT_SOME;
        st = DP_OK;
    }
    if (st == DP_OK && s->written > 0)
        st = close_outputs(s);
    if (st == DP_OK)
        return status;
    dp_cli_say("%s", dp_context_error(s->writing));
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}

int dp_stream_run(dp_work *w, const dp_stream_options *o, const char *json,
                  const dp_stream_steps *steps)
{
    stream s = {.work = w, .options = o, .steps = steps, .json = json};
    int status = start(&s);
    if (status == DP_EXIT_OK)
        status = finish(&s, run_threads(&s));
    dp_results_free(s.lines);
    dp_stream_writer_free(s.writer);
    dp_stream_reader_free(s.reader);
    dp_channel_free(s.decoded);
    dp_channel_free(s.done);
    dp_context_free(s.reading);
    dp_context_free(s.writing);
    return status;
}
