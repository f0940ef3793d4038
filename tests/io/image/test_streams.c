/* Streams of frames: Y4M, PPM and MJPEG read, Y4M written, cut ones, wrong ones. */
#define _POSIX_C_SOURCE 200809L
#include "core/limits.h"
#include "io/image/frame_sink.h"
#include "io/image/frame_source.h"
#include "tests/support/encoded.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static dp_error err;

/* A stream under way, over bytes. */
typedef struct under_way {
    FILE *f;
    dp_frame_source source;
} under_way;

static under_way begin(dp_frame_format format, const void *bytes, size_t size)
{
    under_way u = {fopen(scratch_file("stream", bytes, size), "rb"), {0}};
    ck_assert_ptr_nonnull(u.f);
    dp_frame_source_init(&u.source, format, u.f, "in");
    err = (dp_error){0};
    return u;
}

static void finish(under_way *u)
{
    dp_frame_source_done(&u->source);
    fclose(u->f);
}

/* How many frames are read before the end or a failure, whose status is left. */
static size_t count_frames(dp_frame_format format, const void *bytes, size_t size,
                           dp_status *st)
{
    under_way u = begin(format, bytes, size);
    bool end = false;
    do {
        dp_pixels p;
        *st = dp_frame_source_next(&err, &u.source, &p, &end);
        ck_assert_int_eq(*st == DP_OK && !end, p.data != NULL);
        dp_pixels_done(&p);
    } while (*st == DP_OK && !end);
    const size_t count = u.source.frames;
    finish(&u);
    return count;
}

/* ---- colours ------------------------------------------------------------------------- */

/* The pixels of OpenCV's COLOR_YUV2BGR_I420. */
static const struct {
    uint8_t yuv[3], bgr[3];
} colours[] = {
    {{16, 128, 128}, {0, 0, 0}},        {{235, 128, 128}, {255, 255, 255}},
    {{81, 90, 240}, {0, 0, 254}},       {{145, 54, 34}, {1, 255, 0}},
    {{41, 240, 110}, {255, 0, 0}},      {{0, 0, 0}, {0, 154, 0}},
    {{255, 255, 255}, {255, 125, 255}}, {{126, 30, 200}, {0, 108, 243}},
};
enum { COLOURS = sizeof colours / sizeof colours[0] };

static dp_pixels read_one(const void *bytes, size_t size)
{
    under_way u = begin(DP_FRAMES_Y4M, bytes, size);
    dp_pixels p;
    bool end;
    ck_assert_msg(dp_frame_source_next(&err, &u.source, &p, &end) == DP_OK, "%s",
                  err.text);
    finish(&u);
    return p;
}

START_TEST(colours_are_those_of_bt601)
{
    static const char head[] = "YUV4MPEG2 W1 H1 F30:1 C444\nFRAME\n";
    char bytes[64];
    memcpy(bytes, head, sizeof head - 1);
    memcpy(bytes + sizeof head - 1, colours[_i].yuv, 3);
    dp_pixels p = read_one(bytes, sizeof head - 1 + 3);
    ck_assert_mem_eq(p.data, colours[_i].bgr, 3);
    dp_pixels_done(&p);
}
END_TEST

/* As JPEG has it; each rounded once. */
START_TEST(full_range_is_heeded)
{
    static const char head[] = "YUV4MPEG2 W1 H1 XCOLORRANGE=FULL C444\nFRAME\n";
    char bytes[64];
    memcpy(bytes, head, sizeof head - 1);
    memcpy(bytes + sizeof head - 1, colours[_i].yuv, 3);
    dp_pixels p = read_one(bytes, sizeof head - 1 + 3);
    const double y = colours[_i].yuv[0], u = colours[_i].yuv[1] - 128.0,
                 v = colours[_i].yuv[2] - 128.0;
    const double want[] = {y + 1.772 * u, y - 0.344136 * u - 0.714136 * v,
                           y + 1.402 * v};
    for (int c = 0; c < 3; c++)
        ck_assert_int_eq(p.data[c], (int)floor(fmin(fmax(want[c], 0), 255) + 0.5));
    dp_pixels_done(&p);
}
END_TEST

/* A frame of 3 x 3: luma 16 to 24; which chroma sample each pixel has. */
static const struct {
    const char *space;
    int chroma; /* samples of a plane */
    uint8_t sample[9];
} spaces[] = {
    {"", 4, {0, 0, 1, 0, 0, 1, 2, 2, 3}},
    {" C420jpeg", 4, {0, 0, 1, 0, 0, 1, 2, 2, 3}},
    {" C420mpeg2 XYSCSS=420MPEG2", 4, {0, 0, 1, 0, 0, 1, 2, 2, 3}},
    {" C422", 6, {0, 0, 1, 2, 2, 3, 4, 4, 5}},
    {" C444", 9, {0, 1, 2, 3, 4, 5, 6, 7, 8}},
    {" Cmono", 0, {0}},
};
enum { SPACES = sizeof spaces / sizeof spaces[0] };

START_TEST(every_colour_space_has_its_chroma_samples)
{
    char bytes[200];
    int size = snprintf(bytes, sizeof bytes, "YUV4MPEG2 W3 H3 Ip%s\nFRAME Ib\n",
                        spaces[_i].space);
    const int luma = size, u = luma + 9, v = u + spaces[_i].chroma;
    for (int i = 0; i < 9; i++)
        bytes[luma + i] = (char)(100 + i);
    for (int i = 0; i < spaces[_i].chroma; i++) {
        bytes[u + i] = (char)(90 + 4 * i);
        bytes[v + i] = (char)(120 + 5 * i);
    }
    dp_pixels p = read_one(bytes, (size_t)(v + spaces[_i].chroma));
    ck_assert(p.h == 3 && p.w == 3);
    for (int i = 0; i < 9; i++) {
        const int at = spaces[_i].sample[i];
        const uint8_t yuv[] = {(uint8_t)(100 + i), (uint8_t)(90 + 4 * at),
                               (uint8_t)(120 + 5 * at)};
        static const uint8_t grey[] = {0, 128, 128};
        dp_pixels one;
        uint8_t planes[3] = {yuv[0], grey[1], grey[2]};
        if (spaces[_i].chroma)
            memcpy(planes, yuv, 3);
        ck_assert_int_eq(dp_pixels_init(&err, &one, 1, 1), DP_OK);
        dp_yuv_to_pixels(&(dp_yuv){.h = 1, .w = 1}, &one, planes);
        ck_assert_mem_eq(p.data + 3 * i, one.data, 3);
        dp_pixels_done(&one);
    }
    dp_pixels_done(&p);
}
END_TEST

/* ---- what is refused -------------------------------------------------------------- */

static const struct {
    dp_frame_format format;
    const char *bytes;
    dp_status code;
    size_t frames;
    const char *words;
} wrong[] = {
    {DP_FRAMES_Y4M, "", DP_EFORMAT, 0, "in: no Y4M stream"},
    {DP_FRAMES_Y4M, "P6 1 1 255\nabc", DP_EFORMAT, 0, "does not begin with YUV4MPEG2"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W1 H1\n", DP_EFORMAT, 0,
     "in: the stream holds no frame"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W0 H1\nFRAME\n", DP_EFORMAT, 0, "0 x 1 pixels"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W-5 H1\nFRAME\n", DP_EFORMAT, 0, "0 x 1 pixels"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W70000 H1\nFRAME\n", DP_EUNSUPPORTED, 0,
     "70000 x 1 pixels"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W16000 H16000\nFRAME\n", DP_EUNSUPPORTED, 0,
     "in: frames of 16000 x 16000 pixels; at most 67108864 in all are read"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W1 H1 C420p10\nFRAME\n", DP_EUNSUPPORTED, 0,
     "found C420p10, expected 8 bits of 420"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W1 H1 Cmono\nFRAME\naFRAMEX\nb", DP_EFORMAT, 1,
     "in: frame 1: found no FRAME line"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRAME\nc", DP_EFORMAT, 1,
     "in: frame 1: the stream is cut here"},
    {DP_FRAMES_Y4M, "YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRA", DP_EFORMAT, 1,
     "is cut here"},
    {DP_FRAMES_PPM, "", DP_EFORMAT, 0, "in: the stream holds no frame"},
    {DP_FRAMES_PPM, "P6 1 1 255\nabcP6 2 1 255\nabc", DP_EFORMAT, 1,
     "in: frame 1: the PPM is damaged or not complete"},
    {DP_FRAMES_PPM, "P5 1 1 255\na!", DP_EFORMAT, 1, "in: frame 1: no PPM"},
    {DP_FRAMES_PPM, "P6 1 1 65535\nabcdef", DP_EUNSUPPORTED, 0, "found 65535"},
    {DP_FRAMES_MJPEG, "", DP_EFORMAT, 0, "in: the stream holds no frame"},
    {DP_FRAMES_MJPEG, "\xff\xd8\xff", DP_EFORMAT, 0, "in: frame 0: the stream is cut"},
    {DP_FRAMES_MJPEG, "abc", DP_EFORMAT, 0, "in: frame 0: no JPEG"},
};
enum { WRONG = sizeof wrong / sizeof wrong[0] };

START_TEST(wrong_streams_are_refused_and_good_frames_stay)
{
    dp_status st;
    ck_assert_uint_eq(
        count_frames(wrong[_i].format, wrong[_i].bytes, strlen(wrong[_i].bytes), &st),
        wrong[_i].frames);
    ck_assert_msg(st == wrong[_i].code && strstr(err.text, wrong[_i].words), "%d %s",
                  st, err.text);
}
END_TEST

/* ---- JPEG images in a row ---------------------------------------------------------- */

START_TEST(jpegs_are_told_apart_and_a_cut_one_is_refused)
{
    uint8_t noise[24 * 17 * 3];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)random_int(&seed, 256);
    encoded one = encode_jpeg(&(jpeg_kind){24, 17, 3, noise, 97, .progressive = _i == 1,
                                           .restart_rows = _i == 2});
    unsigned char *two = malloc(2 * one.size);
    memcpy(two, one.data, one.size);
    memcpy(two + one.size, one.data, one.size);
    dp_status st;
    ck_assert_uint_eq(count_frames(DP_FRAMES_MJPEG, two, 2 * one.size, &st), 2);
    ck_assert_int_eq(st, DP_OK);
    for (size_t size = one.size + 1; size < 2 * one.size; size += 61) {
        ck_assert_uint_eq(count_frames(DP_FRAMES_MJPEG, two, size, &st), 1);
        ck_assert_int_eq(st, DP_EFORMAT);
        ck_assert_ptr_nonnull(strstr(err.text, "in: frame 1: "));
    }
    free(two);
    free(one.data);
}
END_TEST

/* ---- writing --------------------------------------------------------------------- */

static dp_pixels flat(int h, int w, const uint8_t bgr[3])
{
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    for (int i = 0; i < h * w; i++)
        memcpy(p.data + 3 * i, bgr, 3);
    return p;
}

/* Grey has no chroma and comes back within its own rounding: limited range has 220 steps. */
START_TEST(what_is_written_is_read_back)
{
    enum { H = 5, W = 7, FRAMES = 3 };
    dp_frame_sink sink;
    char path[4200];
    snprintf(path, sizeof path, "%s", scratch_path("out.y4m"));
    ck_assert_int_eq(dp_frame_sink_open(&err, &sink, path), DP_OK);
    for (int k = 0; k < FRAMES; k++) {
        dp_pixels p = flat(
            H, W, (uint8_t[]){(uint8_t)(90 * k), (uint8_t)(90 * k), (uint8_t)(90 * k)});
        ck_assert_int_eq(dp_frame_sink_add(&err, &sink, &p, 30, 1), DP_OK);
        dp_pixels_done(&p);
    }
    dp_pixels other = flat(H, W + 1, (uint8_t[]){1, 2, 3});
    ck_assert_int_eq(dp_frame_sink_add(&err, &sink, &other, 30, 1), DP_EARG);
    ck_assert_ptr_nonnull(
        strstr(err.text, "frame 3: found 8 x 5 pixels, expected 7 x 5"));
    dp_pixels_done(&other);
    ck_assert_int_eq(dp_frame_sink_close(&err, &sink), DP_OK);
    dp_frame_sink_done(&sink);

    size_t size;
    char *bytes = file_load(path, &size);
    ck_assert_int_eq(strncmp(bytes, "YUV4MPEG2 W7 H5 F30:1 ", 22), 0);
    under_way u = begin(DP_FRAMES_Y4M, bytes, size);
    bool end = false;
    for (int k = 0; k <= FRAMES; k++) {
        dp_pixels p;
        ck_assert_int_eq(dp_frame_source_next(&err, &u.source, &p, &end), DP_OK);
        ck_assert_int_eq(end, k == FRAMES);
        for (int i = 0; i < H * W * 3 && !end; i++)
            ck_assert_int_le(abs(p.data[i] - 90 * k), 1);
        dp_pixels_done(&p);
    }
    ck_assert(u.source.y4m.rate == 30 && u.source.y4m.per == 1);
    finish(&u);
    free(bytes);
}
END_TEST

START_TEST(a_file_that_is_given_up_is_not_there)
{
    dp_frame_sink sink;
    dp_pixels p = flat(2, 2, (uint8_t[]){1, 2, 3});
    char path[4200];
    snprintf(path, sizeof path, "%s", scratch_path("out.y4m"));
    ck_assert_int_eq(dp_frame_sink_open(&err, &sink, path), DP_OK);
    ck_assert_int_eq(dp_frame_sink_add(&err, &sink, &p, 0, 0), DP_OK);
    dp_frame_sink_done(&sink);
    dp_pixels_done(&p);
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/streams");
    TCase *t = tcase_create("io/streams");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, colours_are_those_of_bt601, 0, COLOURS);
    tcase_add_loop_test(t, full_range_is_heeded, 0, COLOURS);
    tcase_add_loop_test(t, every_colour_space_has_its_chroma_samples, 0, SPACES);
    tcase_add_loop_test(t, wrong_streams_are_refused_and_good_frames_stay, 0, WRONG);
    tcase_add_loop_test(t, jpegs_are_told_apart_and_a_cut_one_is_refused, 0, 3);
    tcase_add_test(t, what_is_written_is_read_back);
    tcase_add_test(t, a_file_that_is_given_up_is_not_there);
    suite_add_tcase(s, t);
    return suite_run(s);
}
