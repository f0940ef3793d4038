/* densepred detect and segment on streams of standard input, run as a user runs them on the
 * small models of tests/golden. */
#define _DEFAULT_SOURCE /* getrusage */
#include "tests/support/program.h"
#include "tests/support/random.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { W = 48, H = 36, FRAME = 6 + W * H * 3 / 2 };

/* Write the file "in.y4m": noise, another one in every frame. */
static void write_stream(int frames)
{
    FILE *f = fopen(scratch_path("in.y4m"), "wb");
    uint64_t seed = 9;
    ck_assert_ptr_nonnull(f);
    fprintf(f, "YUV4MPEG2 W%d H%d F10:1 C420jpeg\n", W, H);
    for (int i = 0; i < frames; i++) {
        fputs("FRAME\n", f);
        for (int k = 0; k < W * H * 3 / 2; k++)
            fputc(k < W * H ? (k * (i + 3) / 5 + random_int(&seed, 30)) & 255
                            : 120 + i % 9,
                  f);
    }
    fclose(f);
}

static const program_result *detect(const char *before, const char *rest)
{
    const char *root = program_root();
    return program_run(
        "%s densepred detect '%s/tests/golden/mask_rcnn_tiny/config.json' "
        "-w '%s/tests/golden/mask_rcnn_tiny/model.pth' %s",
        before, root, root, rest);
}

static const program_result *segment(const char *rest)
{
    const char *root = program_root();
    return program_run(
        "densepred segment '%s/tests/golden/upernet_tiny/config_whole.json' "
        "-w '%s/tests/golden/upernet_tiny/model.safetensors' %s",
        root, root, rest);
}

/* The file's lines are objects with "frame" 0, 1, ... and `key`; how many there are. */
static int check_lines(const char *name, const char *key)
{
    size_t size;
    char *text = file_load(scratch_path(name), &size);
    int count = 0;
    for (char *line = text; *line; count++) {
        char *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        cJSON *json = cJSON_Parse(line);
        ck_assert_msg(json != NULL, "%s", line);
        ck_assert_int_eq((int)json_number(json, "frame"), count);
        ck_assert(cJSON_IsArray(json_get(json, key)));
        cJSON_Delete(json);
        line = end + 1;
    }
    free(text);
    return count;
}

/* Frames of a Y4M of the stream's size. */
static int count_y4m(const char *name)
{
    static const char want[] = "YUV4MPEG2 W48 H36 F10:1 ";
    size_t size;
    char *bytes = file_load(scratch_path(name), &size);
    ck_assert_int_eq(strncmp(bytes, want, sizeof want - 1), 0);
    const size_t head = strcspn(bytes, "\n") + 1;
    free(bytes);
    ck_assert_uint_eq((size - head) % FRAME, 0);
    return (int)((size - head) / FRAME);
}

START_TEST(each_frame_gives_a_line_and_a_frame_in_order)
{
    write_stream(5);
    const program_result *r =
        detect("", "- --stream y4m --stream-out out.y4m < in.y4m > lines");
    ck_assert_msg(r->status == 0 && !r->err[0], "%d %s", r->status, r->err);
    ck_assert_int_eq(check_lines("lines", "detections"), 5);
    ck_assert_int_eq(count_y4m("out.y4m"), 5);
    r = segment("- --stream y4m --json lines.json --stream-out seg.y4m < in.y4m");
    ck_assert_msg(r->status == 0 && !r->err[0] && !r->out[0], "%d %s", r->status,
                  r->err);
    ck_assert_int_eq(check_lines("lines.json", "classes"), 5);
    ck_assert_int_eq(count_y4m("seg.y4m"), 5);
}
END_TEST

/* A PPM is a stream of one frame and an image too. */
START_TEST(a_frame_gives_what_the_image_gives)
{
    FILE *f = fopen(scratch_path("1.ppm"), "wb");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "P6 %d %d 255\n", W, H);
    for (int i = 0; i < W * H * 3; i++)
        fputc(i * 7 % 251, f);
    fclose(f);
    (void)detect("", "1.ppm --json image.json");
    const program_result *r = detect("", "- --stream ppm --json lines < 1.ppm");
    ck_assert_msg(r->status == 0 && !r->out[0], "%d %s", r->status, r->err);
    cJSON *line = json_load(scratch_path("lines"));
    cJSON *want = json_load(scratch_path("image.json")), *record;
    ck_assert_int_gt(cJSON_GetArraySize(want), 0);
    cJSON_ArrayForEach(record, want)
        cJSON_SetNumberValue(cJSON_GetObjectItem(record, "image_id"), 0);
    ck_assert(cJSON_Compare(json_get(line, "detections"), want, true));
    cJSON_Delete(line);
    cJSON_Delete(want);
}
END_TEST

START_TEST(y4m_alone_may_go_to_standard_output)
{
    write_stream(3);
    const program_result *r =
        detect("", "- --stream y4m --stream-out - < in.y4m > out.y4m");
    ck_assert_msg(r->status == 0 && !r->err[0], "%d %s", r->status, r->err);
    ck_assert_int_eq(count_y4m("out.y4m"), 3);
}
END_TEST

START_TEST(a_cut_stream_ends_in_one_line_and_keeps_what_is_done)
{
    write_stream(4);
    const program_result *r = detect(
        "head -c 9000 in.y4m |", "- --stream y4m --stream-out out.y4m --json lines");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->err,
                     "densepred: standard input: frame 3: the stream is cut here\n");
    ck_assert_int_eq(check_lines("lines", "detections"), 3);
    ck_assert_int_eq(count_y4m("out.y4m"), 3);
}
END_TEST

START_TEST(a_stream_without_frames_leaves_no_file)
{
    const program_result *r =
        detect("", "- --stream y4m --stream-out out.y4m </dev/null");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->err, "densepred: standard input: no Y4M stream: it does not "
                             "begin with YUV4MPEG2\n");
    ck_assert_int_ne(access(scratch_path("out.y4m"), F_OK), 0);
}
END_TEST

START_TEST(frames_of_another_size_end_it)
{
    const program_result *r =
        detect("{ printf 'P6 48 36 255\\n'; head -c 5184 /dev/zero; "
               "printf 'P6 47 36 255\\n'; head -c 5076 /dev/zero; } |",
               "- --stream ppm --stream-out out.y4m --json lines");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->err,
                     "densepred: out.y4m: frame 1: found 47 x 36 pixels, expected "
                     "48 x 36\n");
}
END_TEST

START_TEST(a_full_disk_is_the_machines_failure)
{
    write_stream(3);
    const program_result *r =
        detect("", "- --stream y4m --stream-out /dev/full < in.y4m > /dev/null");
    ck_assert_int_eq(r->status, 4);
    ck_assert_ptr_nonnull(strstr(r->err, "/dev/full: "));
    ck_assert_ptr_eq(strchr(r->err, '\n'), strrchr(r->err, '\n'));
}
END_TEST

static const struct {
    const char *rest, *words;
} usages[] = {
    {"in.y4m --stream y4m", "--stream needs - as the only INPUT"},
    {"- a.png --stream y4m", "--stream needs - as the only INPUT"},
    {"- --stream avi", "avi"},
    {"a.png --stream-out out.y4m", "--stream-out needs --stream"},
    {"- --stream y4m --out here", "--out is for images"},
    {"- --stream y4m --stream-out - --json -", "both need standard output"},
};

START_TEST(wrong_command_lines_are_refused)
{
    const program_result *r = detect("", usages[_i].rest);
    ck_assert_int_eq(r->status, 2);
    ck_assert_msg(strstr(r->err, usages[_i].words) != NULL, "%s", r->err);
}
END_TEST

static long peak_kb(int frames)
{
    struct rusage use;
    write_stream(frames);
    const program_result *r =
        detect("", "- -t 1 --stream y4m --stream-out out.y4m < in.y4m > lines");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_int_eq(check_lines("lines", "detections"), frames);
    getrusage(RUSAGE_CHILDREN, &use);
    return use.ru_maxrss;
}

/* The largest process so far is that of the most frames: it may not be larger than that of a
 * few by more than the noise of an allocator. All frames take 150 x 5184 bytes of pixels, and
 * the sanitizers keep what is freed. */
START_TEST(memory_does_not_grow_with_frames)
{
    enum { FEW = 10, MANY = 160, NOISE_KB = 500 };
    const long few = peak_kb(FEW), many = peak_kb(MANY);
    ck_assert_msg(many <= few + NOISE_KB, "%ld kB, then %ld kB", few, many);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/stream");
    TCase *t = tcase_create("cli/stream");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, each_frame_gives_a_line_and_a_frame_in_order);
    tcase_add_test(t, a_frame_gives_what_the_image_gives);
    tcase_add_test(t, y4m_alone_may_go_to_standard_output);
    tcase_add_test(t, a_cut_stream_ends_in_one_line_and_keeps_what_is_done);
    tcase_add_test(t, a_stream_without_frames_leaves_no_file);
    tcase_add_test(t, frames_of_another_size_end_it);
    tcase_add_test(t, a_full_disk_is_the_machines_failure);
    tcase_add_loop_test(t, wrong_command_lines_are_refused, 0,
                        sizeof usages / sizeof usages[0]);
    if (SANITIZED)
        suite_skip("memory of streams: a sanitizer keeps what is freed");
    else
        tcase_add_test(t, memory_does_not_grow_with_frames);
    suite_add_tcase(s, t);
    return suite_run(s);
}
