/* densepred train, run as a user runs it, on a tiny ConvNeXt and things cut out of drawn images:
 * to the end, interrupted, going on, fine-tuning, and with everything a user can get wrong. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* Some 80 things of ten classes, and three of the classes apart. */
#define MAKE_DATA                                                                  \
    "\"$(dirname \"$(command -v densepred)\")/tools/toytown\" town --crops "       \
    "--count 14 --seed 4 && mkdir three && cp -r town/bird town/lamp town/person " \
    "three"

#define TRAIN "densepred train tiny.json --data three --threads 2 --quiet "

static const char tiny[] =
    "{\"base\": \"imagenet/convnext_tiny_1k_224\", \"names\": null, \"published\": "
    "null,"
    " \"input\": {\"resize\": \"warp\", \"scale\": [40, 40]},"
    " \"backbone\": {\"depths\": [1, 1, 1, 1], \"dims\": [8, 8, 12, 16]},"
    " \"train\": {\"epochs\": 2, \"batch\": 4, \"update_freq\": 1, \"warmup_epochs\": "
    "0,"
    " \"lr\": 0.001, \"set_aside\": 0.3}}";

static void expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "found no \"%s\" in\n%s", part, text);
}

static void expect_status(const program_result *r, int status)
{
    ck_assert_msg(r->status == status, "status %d, expected %d\n%s%s", r->status,
                  status, r->out, r->err);
}

static void setup(void)
{
    scratch_setup();
    scratch_text("tiny.json", tiny);
    expect_status(program_run("%s", MAKE_DATA), 0);
}

START_TEST(a_run_makes_a_model_with_a_log_and_a_page)
{
    const program_result *r = program_run(TRAIN "--work run");
    expect_status(r, 0);
    expect_in(r->err,
              "the head gets 3 classes, as the data have; the config says 1000");
    expect_in(r->out, "epoch 1/2: training loss ");
    expect_in(r->out, "epoch 2/2: training loss ");
    expect_in(r->out,
              "finished: best weights run/best.safetensors, curves run/index.html");

    r = program_run("grep -c '\"kind\":\"epoch\"' run/log.jsonl; "
                    "grep -c '<b>finished</b>' run/index.html; ls run");
    ck_assert_str_eq(r->out,
                     "2\n1\nbest.pth\nbest.safetensors\nclasses.json\nconfig.json\n"
                     "index.html\nlast.pth\nlast.safetensors\nlog.jsonl\n"
                     "state.safetensors\n");
    r = program_run("densepred classify run $(ls three/bird/* | head -1)");
    expect_status(r, 0);
    expect_in(r->out, "bird");
    expect_in(r->out, "lamp");
    expect_in(r->out, "person");
}
END_TEST

START_TEST(a_run_that_is_interrupted_goes_on_to_the_same_bytes)
{
    expect_status(program_run(TRAIN "--work whole --epochs 30"), 0);
    const program_result *r = program_run(
        TRAIN "--work run --epochs 30 >out.txt 2>err.txt & "
              "until grep -qs '\"step\":3,' run/log.jsonl; do sleep 0.01; done; "
              "kill -INT $!; wait $!");
    expect_status(r, 1);
    r = program_run("cat err.txt");
    expect_in(r->out, "; the same command goes on from there");
    expect_status(program_run("grep -q '<b>stopped</b>' run/index.html"), 0);

    r = program_run("densepred train tiny.json --data three --work run --epochs 30 "
                    "--threads 1 --workers 2");
    expect_status(r, 0);
    expect_in(r->err, "densepred: run: going on: ");
    expect_status(program_run("cmp whole/best.safetensors run/best.safetensors && "
                              "cmp whole/last.pth run/last.pth && "
                              "wc -l <run/log.jsonl >a && wc -l <whole/log.jsonl >b && "
                              "cmp a b"),
                  0);
}
END_TEST

START_TEST(options_are_short_for_keys_of_the_recipe)
{
    expect_status(program_run(TRAIN
                              "--work run --epochs 1 --batch 6 --lr 0.0123456789012 "
                              "--ema 0.5 --seed 7 --freeze backbone "
                              "--set train.lr=1 --set train.flip=0"),
                  0);
    const program_result *r = program_run("cat run/config.json; ls run");
    static const char *const parts[] = {
        "\"epochs\":\t1",       "\"batch\":\t6", "\"lr\":\t0.0123456789012",
        "\"ema\":\t0.5",        "\"seed\":\t7",  "\"freeze\":\t\"backbone\"",
        "best_ema.safetensors", "\"flip\":\t0"};
    for (int i = 0; i < COUNT(parts); i++)
        expect_in(r->out, parts[i]);
}
END_TEST

START_TEST(a_recipe_takes_the_place_of_the_models_own)
{
    expect_status(program_run(TRAIN "--work run --recipe small_scratch --epochs 2 "
                                    "--batch 8"),
                  0);
    const program_result *r = program_run("cat run/config.json");
    expect_in(r->out, "\"color_jitter\":\t0.2");
    ck_assert_ptr_null(strstr(r->out, "set_aside"));
}
END_TEST

START_TEST(a_head_of_other_classes_is_named_and_left_out)
{
    expect_status(program_run(TRAIN "--work run --epochs 1"), 0);
    const program_result *r =
        program_run("densepred train tiny.json --data town --work fine --epochs 1 "
                    "--weights run/best.safetensors");
    expect_status(r, 0);
    expect_in(r->err, "head.weight");
    expect_in(r->err, "head.bias");
    expect_in(r->err, "10 classes, ");
    ck_assert_ptr_null(strstr(r->err, "stages."));
}
END_TEST

/* The sums of two halves are rounded differently: float32's half unit for each of some steps. */
START_TEST(processes_of_mpi_train_what_one_trains)
{
    static const char options[] = "--data three --threads 1 --quiet --epochs 2 "
                                  "--set train.mixup=0 --set train.cutmix=0";
    expect_status(
        program_run("densepred train tiny.json %s --batch 8 --work one", options), 0);
    const program_result *r = program_run("mpirun --allow-run-as-root --oversubscribe "
                                          "--quiet -n 2 densepred train tiny.json "
                                          "%s --batch 4 --work two",
                                          options);
    expect_status(r, 0);
    expect_in(r->out, "finished: best weights two/best.safetensors");
    ck_assert_ptr_eq(strstr(strstr(r->out, "finished") + 1, "finished"), NULL);
    r = program_run(
        "for run in one two; do grep '\"kind\":\"step\"' $run/log.jsonl | "
        "tail -1 | sed 's/.*\"loss\":\\([^,]*\\).*\"images\":8.*/\\1/'; done "
        "| awk 'NR == 1 { a = $1 } NR == 2 { exit !($1 > a - 1e-5 && "
        "$1 < a + 1e-5 && a > 0.1) }'");
    expect_status(r, 0);
}
END_TEST

static const char *const steps[] = {
    "r50_step00", "r50_step01", "r50_step02",         "r50_step03",
    "r50_step04", "r50_step05", "r50_step06",         "r50_step07",
    "r50_step09", "r50_step10", "r50_step08_kernel5", "r50_step08_kernel11",
    "r50_step11", "r50_step12", "r50_step13",         "r200_step00"};

/* The width alone is made small, and the images, for the sake of time. */
START_TEST(every_step_of_the_roadmap_trains_by_one_recipe)
{
    const program_result *r = program_run(
        "densepred train roadmap/%s --recipe roadmap_r50 --data three --work run "
        "--quiet "
        "--threads 2 --epochs 1 --batch 8 --set train.update_freq=1 "
        "--set train.warmup_epochs=0 --set backbone.depths=[1,1,1,2] "
        "--set backbone.width=8 --set input.resize=warp --set input.scale=[32,32] "
        "--set train.size=40",
        steps[_i]);
    expect_status(r, 0);
    expect_in(r->out, "epoch 1/1: training loss ");
    r = program_run("densepred classify run $(ls three/bird/* | head -1)");
    expect_status(r, 0);
    expect_in(r->out, "bird");
}
END_TEST

static const struct {
    const char *command;
    int status;
    const char *sentence;
} wrong[] = {
    {"densepred train", 2, "train: found 0 arguments, expected MODEL"},
    {"densepred train tiny.json", 2, "densepred: train needs --data DIR"},
    {"densepred train tiny.json --data three", 2, "densepred: train needs --work DIR"},
    {TRAIN "--work w --epochs 0", 2, "--epochs"},
    {TRAIN "--work w --set train.epoch=3", 3,
     "train.epoch: unknown key, did you mean \"epochs\"?"},
    {TRAIN "--work w --set train.batch=5", 3, "train.batch: must be even"},
    {TRAIN "--work w --recipe small_scrach", 3,
     "densepred: unknown recipe 'small_scrach'; did you mean 'small_scratch'?"},
    {TRAIN "--work w --recipe none.json", 3, "none.json"},
    {TRAIN "--work w --batch 5000", 2, "5000"},
    {TRAIN "--work w --freeze neck", 2, "neck"},
    {"densepred train imagenet/convnext_tiny_1k_224 --data three --work w", 3,
     "has no section \"train\"; give a recipe, such as small_finetune"},
    {"densepred train toytown/mask_rcnn_convnext_toytown --data three --work w", 3,
     "training needs a classifier; this is a model of type mask_rcnn"},
    {"densepred train tiny.json --data none --work w", 1, "densepred: none"},
    {"mkdir -p one/a && cp three/bird/* one/a && "
     "densepred train tiny.json --data one --work w",
     1, "densepred: one: a folder for each class: found one class"},
    {"mkdir -p two && cp -r three/bird two && mkdir two/empty && "
     "densepred train tiny.json --data two --work w",
     1, "densepred: two/empty: no images"},
    {"cp -r three bad && echo no >bad/bird/x.jpg && "
     "densepred train tiny.json --data bad --work w --set train.set_aside=0.1",
     1, "bad/bird/x.jpg"},
    {TRAIN "--work w --weights three/bird", 3, "three/bird"},
    {TRAIN "--work w --epochs 9 --lr 1000 --set train.optimizer=sgd --set "
           "train.min_lr=999",
     3, "training cannot go on"},
    {"trap '' XFSZ; ulimit -f 40; " TRAIN "--work w", 4, "File too large"},
    {TRAIN "--work tiny.json", 4, "tiny.json"},
    {TRAIN "--work w --epochs 1 && " TRAIN "--work w --epochs 1 --seed 3", 2,
     "is of another run: train.seed"},
    {TRAIN "--work w --epochs 1 && densepred train tiny.json --data town --work w "
           "--epochs 1",
     2, "is of another run"},
};

START_TEST(what_is_wrong_ends_in_one_line)
{
    const program_result *r = program_run("%s", wrong[_i].command);
    expect_status(r, wrong[_i].status);
    const char *line = strstr(r->err, "densepred: ");
    ck_assert_ptr_nonnull(line);
    expect_in(line, wrong[_i].sentence);
    ck_assert_msg(strchr(line, '\n') && !strchr(line, '\n')[1], "more than a line: %s",
                  r->err);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    Suite *s = suite_create("train");
    TCase *tc = tcase_create("train");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, scratch_teardown);
    tcase_add_test(tc, a_run_makes_a_model_with_a_log_and_a_page);
    tcase_add_test(tc, a_run_that_is_interrupted_goes_on_to_the_same_bytes);
    tcase_add_test(tc, options_are_short_for_keys_of_the_recipe);
    tcase_add_test(tc, a_recipe_takes_the_place_of_the_models_own);
    tcase_add_test(tc, a_head_of_other_classes_is_named_and_left_out);
    tcase_add_loop_test(tc, every_step_of_the_roadmap_trains_by_one_recipe, 0,
                        COUNT(steps));
    tcase_add_loop_test(tc, what_is_wrong_ends_in_one_line, 0, COUNT(wrong));
    if (suite_has_mpi(argv[0]))
        tcase_add_test(tc, processes_of_mpi_train_what_one_trains);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
