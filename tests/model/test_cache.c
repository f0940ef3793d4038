/* Packed weights beside the checkpoint: a model read from there is the same model, and
 * whatever does not belong to it, or is damaged, is made anew. */
#define _XOPEN_SOURCE 700
#include "base/checksum.h"
#include "base/cpu.h"
#include "model/model.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4300, LOG = 2000 };

/* ---- a load, and what came of it ----------------------------------------------------- */

typedef struct answer {
    uint64_t maps; /* checksum of the checksums of all intermediate maps */
    int count;
    uint64_t params, packed;
    char log[LOG];
} answer;

static void add_map(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    answer *a = arg;
    (void)r;
    (void)name;
    const uint64_t both[] = {
        a->maps, dp_checksum(map.data, dp_tensor_size(map) * sizeof *map.data)};
    a->maps = dp_checksum(both, sizeof both);
    a->count++;
}

static void add_line(void *arg, const char *line)
{
    answer *a = arg;
    const size_t n = strlen(a->log);
    snprintf(a->log + n, sizeof a->log - n, "%s\n", line);
}

static void run_noise(dp_context *ctx, const dp_model *m, answer *a)
{
    dp_pixels pixels;
    uint64_t seed = 3;
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 71, 90), DP_OK);
    for (int i = 0; i < 71 * 90 * 3; i++)
        pixels.data[i] = (uint8_t)random_int(&seed, 256);
    ctx->trace = add_map;
    ctx->trace_arg = a;
    ck_assert_msg(dp_model_trace(ctx, m, &pixels, true) == DP_OK, "%s", ctx->err.text);
    ck_assert_int_gt(a->count, 4);
    dp_pixels_done(&pixels);
}

typedef struct wish {
    const char *config, *weights, *changes, *cpu, *gemm, *precision;
    int cache;
} wish;

static answer load(const wish *w)
{
    answer a = {.maps = 0};
    dp_context *ctx;
    dp_model *m;
    const dp_options options = {.threads = 2,
                                .cpu = w->cpu,
                                .gemm = w->gemm,
                                .precision = w->precision,
                                .log = add_line,
                                .log_arg = &a};
    const dp_load_options how = {.cache = w->cache, .changes = w->changes};
    ck_assert_int_eq(dp_context_new(&ctx, &options), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, w->config, w->weights, &how) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_str_eq(dp_context_error(ctx), "");
    run_noise(ctx, m, &a);
    a.params = m->params;
    a.packed = m->packed_bytes;
    dp_model_free(m);
    dp_context_free(ctx);
    return a;
}

static void expect_same(const answer *a, const answer *b)
{
    ck_assert_int_eq(a->count, b->count);
    ck_assert_uint_eq(a->maps, b->maps);
    ck_assert_uint_eq(a->params, b->params);
    ck_assert_uint_eq(a->packed, b->packed);
}

/* ---- the same model --------------------------------------------------------------------- */

#define ROADMAP(width)                                                 \
    "{\"dataset\": \"tests/golden/roadmap/classes.json\", "            \
    "\"input\": {\"resize\": \"warp\", \"scale\": [45, 45]}, "         \
    "\"backbone\": {\"depths\": [2, 1, 2, 1], \"width\": " width "}, " \
    "\"cls_head\": {\"num_classes\": 7}}"

static const struct {
    const char *config, *weights, *changes, *precision;
} own[] = {
    {"tests/golden/mask_rcnn_tiny/config.json", "tests/golden/mask_rcnn_tiny/model.pth",
     NULL, NULL},
    {"tests/golden/mask_rcnn_tiny/config.json", "tests/golden/mask_rcnn_tiny/model.pth",
     NULL, "bf16"},
    {"tests/golden/upernet_tiny/config_slide.json",
     "tests/golden/upernet_tiny/model.safetensors", NULL, NULL},
    {"configs/roadmap/r50_step00.json", "tests/golden/roadmap/step00.safetensors",
     ROADMAP("2"), NULL},
    {"configs/roadmap/r50_step13.json", "tests/golden/roadmap/step13.safetensors",
     ROADMAP("3"), NULL},
};
enum { OWN = sizeof own / sizeof own[0] };

static const char *const golden[][2] = {
    {"golden/mask_rcnn_a", "mask_rcnn_a"},
    {"golden/cascade_a", "cascade_a"},
    {"golden/cascade_b", "cascade_b"},
    {"golden/upernet_a", "upernet_a"},
    {"golden/convnext_cls", "convnext_cls_224"},
    {"golden/convnextv2_cls", "convnextv2_cls_224"},
    {"golden2/resnet_mask_rcnn", "resnet_mask_rcnn"},
    {"golden2/resnext_mask_rcnn", "resnext_mask_rcnn"},
    {"golden2/resnet_caffe_mask_rcnn", "resnet_caffe_mask_rcnn"},
    {"golden2/swin_mask_rcnn", "swin_mask_rcnn"},
    {"golden2/swin_cascade", "swin_cascade"},
    {"golden2/swin_upernet", "swin_upernet"},
    {"golden2/swin_cls", "swin_cls_224"},
    {"golden2/torchvision_maskrcnn", "torchvision_maskrcnn"},
};
enum { GOLDEN = sizeof golden / sizeof golden[0] };

/* A link in the scratch folder, where the cache then is. */
static const char *link_to(const char *weights)
{
    static char path[PATH];
    char *whole = realpath(weights, NULL);
    ck_assert_ptr_nonnull(whole);
    snprintf(path, sizeof path, "%s", scratch_path("w.pth"));
    ck_assert_int_eq(symlink(whole, path), 0);
    free(whole);
    return path;
}

static void check_three_loads(wish *w)
{
    w->weights = link_to(w->weights);
    const answer plain = load(w);
    ck_assert_int_eq(scratch_count(), 1);
    w->cache = 1;
    const answer written = load(w), read = load(w);
    ck_assert_int_eq(scratch_count(), 2);
    expect_same(&plain, &written);
    expect_same(&plain, &read);
    ck_assert_str_eq(written.log, plain.log);
    ck_assert_str_eq(read.log, "");
}

START_TEST(our_models_are_the_same)
{
    wish w = {.config = own[_i].config,
              .weights = own[_i].weights,
              .changes = own[_i].changes,
              .precision = own[_i].precision};
    if (!w.precision || dp_cpu_detect() & DP_CPU_BF16)
        check_three_loads(&w);
}
END_TEST

START_TEST(models_of_upstream_are_the_same)
{
    char config[100], weights[PATH];
    snprintf(config, sizeof config, "configs/golden/%s.json", golden[_i][1]);
    snprintf(weights, sizeof weights, "%s", shared_path("%s/model.pth", golden[_i][0]));
    wish w = {.config = config, .weights = weights};
    check_three_loads(&w);
}
END_TEST

START_TEST(both_engines_and_plain_c_are_the_same)
{
    static const char *const cpus[] = {"ref", "avx2", "avx512"};
    wish w = {.config = own[2].config, .weights = own[2].weights, .cpu = cpus[_i]};
    check_three_loads(&w);
    w.gemm = "openblas";
    ck_assert_int_eq(remove(w.weights), 0);
    ck_assert_int_eq(remove(scratch_path("w.pth.dpcache")), 0);
    w.weights = own[2].weights;
    w.cache = 0;
    check_three_loads(&w);
}
END_TEST

/* ---- what belongs together ---------------------------------------------------------------- */

static const char config[] = "tests/golden/mask_rcnn_tiny/config.json";

/* A copy of the checkpoint, of a given time of change. */
static const char *copy(void)
{
    static char path[PATH];
    char command[2 * PATH];
    const struct timespec when[2] = {{1000, 5}, {1000, 5}};
    snprintf(path, sizeof path, "%s", scratch_path("c.pth"));
    snprintf(command, sizeof command, "cp tests/golden/mask_rcnn_tiny/model.pth '%s'",
             path);
    ck_assert_int_eq(system(command), 0);
    utimensat(AT_FDCWD, path, when, 0);
    return path;
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 0x40, file);
    fclose(file);
}

static long size_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return (long)about.st_size;
}

static const char *cache_path(void)
{
    return scratch_path("c.pth.dpcache");
}

/* Whether the log of a load says that the cache was made anew, for the reason given. */
static void expect_anew(const answer *a, const char *why)
{
    ck_assert_msg(strncmp(a->log, "weight cache made anew: ", 24) == 0, "%s", a->log);
    ck_assert_msg(strstr(a->log, why) != NULL, "%s", a->log);
}

/* The second load does not look at the checkpoint's values: see what it is known by. */
START_TEST(a_second_load_reads_the_cache)
{
    wish w = {.config = config, .weights = copy(), .cache = 1};
    const struct timespec when[2] = {{1000, 5}, {1000, 5}};
    const answer first = load(&w);
    ck_assert_int_gt(size_of(w.weights), 3 << 16);
    flip(w.weights, size_of(w.weights) / 2);
    utimensat(AT_FDCWD, w.weights, when, 0);
    const answer second = load(&w);
    expect_same(&first, &second);
    w.cache = 0;
    const answer damaged = load(&w);
    ck_assert(damaged.maps != first.maps);
}
END_TEST

START_TEST(another_checkpoint_makes_it_anew)
{
    wish w = {.config = config, .weights = copy(), .cache = 1};
    const answer first = load(&w);
    flip(w.weights, size_of(w.weights) / 2); /* and its time of change */
    const answer second = load(&w), third = load(&w);
    expect_anew(&second, "another checkpoint");
    ck_assert(second.maps != first.maps);
    expect_same(&second, &third);
    ck_assert_str_eq(third.log, "");
}
END_TEST

/* Alternating loads of one checkpoint in two ways. */
static void check_rivals(const wish *a, const wish *b)
{
    const answer first = load(a), second = load(b);
    ck_assert_str_eq(first.log, "");
    expect_anew(&second, "another checkpoint, config, processor or version");
    const answer again = load(a);
    expect_anew(&again, "another");
    expect_same(&first, &again);
}

START_TEST(another_config_engine_or_precision_makes_it_anew)
{
    const wish a = {.config = config, .weights = copy(), .cache = 1};
    wish b = a;
    b.gemm = "openblas";
    check_rivals(&a, &b);
    b = a;
    b.cpu = "ref";
    ck_assert_int_eq(remove(cache_path()), 0);
    if (dp_cpu_detect() != 0)
        check_rivals(&a, &b);
    b = a;
    b.precision = "bf16";
    (void)remove(cache_path());
    if (dp_cpu_detect() & DP_CPU_BF16)
        check_rivals(&a, &b);
    b = a;
    b.changes = "{\"input\": {\"scale\": [112, 96]}}";
    (void)remove(cache_path());
    check_rivals(&a, &b);
}
END_TEST

START_TEST(the_section_test_has_no_say)
{
    wish w = {.config = config, .weights = copy(), .cache = 1};
    (void)load(&w);
    w.changes = "{\"test\": {\"score_thr\": 0.6}}";
    const answer second = load(&w);
    ck_assert_str_eq(second.log, "");
}
END_TEST

START_TEST(a_load_that_does_not_fit_writes_nothing)
{
    dp_context *ctx;
    dp_model *m;
    const char *path = copy();
    ck_assert_int_eq(dp_context_new(&ctx, NULL), DP_OK);
    ck_assert_int_eq(dp_model_load(ctx, &m,
                                   "tests/golden/upernet_tiny/config_whole.json", path,
                                   &(dp_load_options){.cache = 1}),
                     DP_ESHAPE);
    ck_assert_int_eq(dp_model_load(ctx, &m, config, scratch_path("none.pth"),
                                   &(dp_load_options){.cache = 1}),
                     DP_EIO);
    ck_assert_ptr_nonnull(strstr(dp_context_error(ctx), "none.pth"));
    ck_assert_int_eq(scratch_count(), 1);
    ck_assert_int_eq(dp_model_load(ctx, &m,
                                   "tests/golden/upernet_tiny/config_whole.json", path,
                                   &(dp_load_options){.cache = 1, .partial = 1}),
                     DP_OK);
    ck_assert_int_eq(scratch_count(), 1);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

/* ---- damage --------------------------------------------------------------------------------- */

START_TEST(a_damaged_cache_is_made_anew)
{
    uint64_t seed = 12;
    wish w = {.config = config, .weights = copy(), .cache = 1};
    const answer first = load(&w);
    const long size = size_of(cache_path());
    for (int i = 0; i < 30; i++) {
        if (i % 2)
            flip(cache_path(), i < 10 ? random_int(&seed, 64)
                                      : 4096 + random_int(&seed, (int)size - 4096));
        else
            ck_assert_int_eq(truncate(cache_path(), random_int(&seed, (int)size)), 0);
        const answer anew = load(&w), after = load(&w);
        expect_anew(&anew, "c.pth.dpcache: ");
        expect_same(&first, &anew);
        expect_same(&first, &after);
        ck_assert_str_eq(after.log, "");
        ck_assert_int_eq(size_of(cache_path()), size);
    }
}
END_TEST

START_TEST(where_nothing_can_be_written_it_goes_on)
{
    char name[64];
    const int fd = open(copy(), O_RDONLY);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    wish w = {.config = config, .weights = name};
    const answer plain = load(&w);
    w.cache = 1;
    const answer first = load(&w), second = load(&w);
    close(fd);
    expect_same(&plain, &first);
    expect_same(&plain, &second);
    ck_assert_msg(strncmp(first.log, "no weight cache: /proc/self/fd/", 31) == 0, "%s",
                  first.log);
    ck_assert_str_eq(first.log, second.log);
}
END_TEST

START_TEST(a_full_disk_leaves_no_cache)
{
    wish w = {.config = config, .weights = copy(), .cache = 1};
    scratch_limit_writes(1 << 18);
    const answer a = load(&w);
    ck_assert_msg(strncmp(a.log, "no weight cache: ", 17) == 0, "%s", a.log);
    ck_assert_int_eq(scratch_count(), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("weight cache");
    (void)suite_has_cpu(DP_CPU_BF16, "AVX512_BF16"); /* which some cases need */
    TCase *t = tcase_create("models");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, our_models_are_the_same, 0, OWN);
    if (shared_has("golden") && shared_has("golden2"))
        tcase_add_loop_test(t, models_of_upstream_are_the_same, 0, GOLDEN);
    tcase_add_loop_test(t, both_engines_and_plain_c_are_the_same, 0, 3);
    tcase_add_test(t, a_second_load_reads_the_cache);
    tcase_add_test(t, another_checkpoint_makes_it_anew);
    tcase_add_test(t, another_config_engine_or_precision_makes_it_anew);
    tcase_add_test(t, the_section_test_has_no_say);
    tcase_add_test(t, a_load_that_does_not_fit_writes_nothing);
    tcase_add_test(t, a_damaged_cache_is_made_anew);
    tcase_add_test(t, where_nothing_can_be_written_it_goes_on);
    tcase_add_test(t, a_full_disk_leaves_no_cache);
    suite_add_tcase(s, t);
    return suite_run(s);
}
