/* Command lines: every form of an option, every way to be wrong, the help. */
#include "cli/cli.h"
#include "cli/options.h"
#include "core/limits.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_common_options common;
static bool flip;
static double score;
static char err[4096], out[8192];

static const dp_option options[] = {
    DP_OPTION_WEIGHTS(&common),
    DP_OPTION_OUT(&common, "where files go"),
    DP_OPTION_THREADS(&common),
    DP_OPTION_CPU(&common),
    DP_OPTION_QUIET(&common),
    DP_FLAG("flip", 'f', &flip, "mirror too"),
    DP_FLOAT("score-thr", 0, "X", &score, 0, 1, "least score (default 0.3)"),
    DP_ALIAS("conf", "score-thr"),
    DP_OPTION_SET(&common),
    DP_OPTIONS_END,
};

static const dp_usage usage = {
    .name = "detect",
    .arguments = "MODEL INPUT...",
    .about = "Finds things.",
    .options = options,
    .least = 1,
    .most = 3,
};

/* Parse a line of words between single blanks, with standard output and error kept. */
static int parse(const char *line, dp_arguments *args)
{
    static char words[1024], *argv[160];
    common = (dp_common_options){0};
    flip = false;
    score = 0.3;
    snprintf(words, sizeof words, "%s", line);
    int argc = 0;
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    argv[argc] = NULL;

    FILE *kept[2] = {tmpfile(), tmpfile()};
    const int old[2] = {dup(1), dup(2)};
    for (int i = 0; i < 2; i++)
        dup2(fileno(kept[i]), i + 1);
    const int status = dp_options_parse(&usage, argc, argv, args);
    fflush(stdout);
    fflush(stderr);
    char *const texts[2] = {out, err};
    const size_t sizes[2] = {sizeof out, sizeof err};
    for (int i = 0; i < 2; i++) {
        dup2(old[i], i + 1);
        close(old[i]);
        rewind(kept[i]);
        texts[i][fread(texts[i], 1, sizes[i] - 1, kept[i])] = '\0';
        fclose(kept[i]);
    }
    return status;
}

static const struct {
    const char *line;
    const char *weights, *cpu, *arguments; /* arguments joined by blanks */
    int threads;
    bool quiet, flip;
    double score;
} good[] = {
    {"detect m", NULL, NULL, "m", 0, false, false, 0.3},
    {"detect m --weights w i", "w", NULL, "m i", 0, false, false, 0.3},
    {"detect --weights=w m", "w", NULL, "m", 0, false, false, 0.3},
    {"detect --weights= m", "", NULL, "m", 0, false, false, 0.3},
    {"detect -w w m", "w", NULL, "m", 0, false, false, 0.3},
    {"detect -ww m", "w", NULL, "m", 0, false, false, 0.3},
    {"detect -w a -w b m", "b", NULL, "m", 0, false, false, 0.3},
    {"detect -t 8 -qf m", NULL, NULL, "m", 8, true, true, 0.3},
    {"detect -qt8 m", NULL, NULL, "m", 8, true, false, 0.3},
    {"detect -qft 8 m", NULL, NULL, "m", 8, true, true, 0.3},
    {"detect m --cpu avx2 --score-thr 1e-3", NULL, "avx2", "m", 0, false, false, 1e-3},
    {"detect m --conf 0.25", NULL, NULL, "m", 0, false, false, 0.25},
    {"detect m --conf=0.25 --score-thr=0.5", NULL, NULL, "m", 0, false, false, 0.5},
    {"detect m - --", NULL, NULL, "m -", 0, false, false, 0.3},
    {"detect m -- --quiet -q", NULL, NULL, "m --quiet -q", 0, false, false, 0.3},
    {"detect m -w --quiet", "--quiet", NULL, "m", 0, false, false, 0.3},
};

START_TEST(every_form_is_understood)
{
    dp_arguments args;
    ck_assert_int_eq(parse(good[_i].line, &args), DP_OPTIONS_GO_ON);
    ck_assert_str_eq(err, "");
    ck_assert_pstr_eq(common.weights, good[_i].weights);
    ck_assert_pstr_eq(common.cpu, good[_i].cpu);
    ck_assert_int_eq(common.threads, good[_i].threads);
    ck_assert_int_eq(common.quiet, good[_i].quiet);
    ck_assert_int_eq(flip, good[_i].flip);
    ck_assert(score == good[_i].score);
    char joined[256] = "";
    size_t n = 0;
    for (int i = 0; i < args.count; i++)
        n += (size_t)snprintf(joined + n, sizeof joined - n, "%s%s", i ? " " : "",
                              args.item[i]);
    ck_assert_str_eq(joined, good[_i].arguments);
}
END_TEST

static const struct {
    const char *line, *err;
} wrong[] = {
    {"detect", "densepred: detect: found 0 arguments, expected MODEL INPUT...; see "
               "densepred detect --help\n"},
    {"detect a b c d", "densepred: detect: found 4 arguments, expected MODEL INPUT...; "
                       "see densepred detect --help\n"},
    {"detect --weight m", "densepred: --weight: unknown option, did you mean "
                          "--weights?\n"},
    {"detect --wieghts=x m", "densepred: --wieghts: unknown option, did you mean "
                             "--weights?\n"},
    {"detect --hlep", "densepred: --hlep: unknown option, did you mean --help?\n"},
    {"detect -qx m", "densepred: -x: unknown option, see densepred detect --help\n"},
    {"detect m -t", "densepred: --threads needs a value: N\n"},
    {"detect m --out", "densepred: --out needs a value: DIR\n"},
    {"detect m --quiet=yes", "densepred: --quiet takes no value\n"},
    {"detect m -t 0",
     "densepred: --threads: found \"0\", expected an integer from 1 to "
     "1024\n"},
    {"detect m -t 1025",
     "densepred: --threads: found \"1025\", expected an integer from "
     "1 to 1024\n"},
    {"detect m -t 99999999999999999999",
     "densepred: --threads: found "
     "\"99999999999999999999\", expected an integer "
     "from 1 to 1024\n"},
    {"detect m -t 2x", "densepred: --threads: found \"2x\", expected an integer from 1 "
                       "to 1024\n"},
    {"detect m --threads=",
     "densepred: --threads: found \"\", expected an integer from "
     "1 to 1024\n"},
    {"detect m --score-thr nan", "densepred: --score-thr: found \"nan\", expected a "
                                 "number from 0 to 1\n"},
    {"detect m --conf 2",
     "densepred: --score-thr: found \"2\", expected a number from 0 "
     "to 1\n"},
    {"detect m --score-thr 1.5", "densepred: --score-thr: found \"1.5\", expected a "
                                 "number from 0 to 1\n"},
    {"detect m --cpu avx", "densepred: --cpu: found \"avx\", expected one of "
                           "ref|avx2|avx512\n"},
    {"detect m --cpu=", "densepred: --cpu: found \"\", expected one of "
                        "ref|avx2|avx512\n"},
};

START_TEST(an_option_may_make_a_list)
{
    dp_arguments args;
    ck_assert_int_eq(parse("detect --set a=1 m --set=b=2", &args), DP_OPTIONS_GO_ON);
    ck_assert_int_eq((int)common.set.count, 2);
    ck_assert_str_eq(common.set.item[0], "a=1");
    ck_assert_str_eq(common.set.item[1], "b=2");
    ck_assert_int_eq(dp_option_list_set(&common.set, "c", (double)NAN),
                     DP_OPTIONS_GO_ON);
    ck_assert_int_eq(dp_option_list_set(&common.set, "c", 0.1), DP_OPTIONS_GO_ON);
    ck_assert_int_eq((int)common.set.count, 3);
    ck_assert_str_eq(common.set.item[2], "c=0.1");

    char line[1024] = "detect m";
    for (int i = 0; i <= DP_MAX_OPTION_LIST; i++)
        strcat(line, " --set x=1");
    ck_assert_int_eq(parse(line, &args), DP_EXIT_USAGE);
    ck_assert_str_eq(err, "densepred: --set: found more than 64 of them\n");
}
END_TEST

START_TEST(mistakes_are_said_in_one_line)
{
    dp_arguments args;
    ck_assert_int_eq(parse(wrong[_i].line, &args), DP_EXIT_USAGE);
    ck_assert_str_eq(err, wrong[_i].err);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(help_shows_every_row)
{
    static const char *const ways[] = {"detect --help", "detect -h", "detect -qh",
                                       "detect m --help --zzz"};
    for (int i = 0; i < COUNT(ways); i++) {
        dp_arguments args;
        ck_assert_int_eq(parse(ways[i], &args), DP_EXIT_OK);
        ck_assert_str_eq(err, "");
        ck_assert_ptr_nonnull(strstr(out, "usage: densepred detect MODEL INPUT... "
                                          "[options]\n\nFinds things.\n"));
        ck_assert_ptr_nonnull(strstr(out, "\n  -w, --weights FILE "));
        ck_assert_ptr_nonnull(strstr(out, "\n      --score-thr X "));
        for (const dp_option *o = options; o->name; o++)
            ck_assert_ptr_nonnull(strstr(out, o->help));
    }
}
END_TEST

/* ---- exit statuses --------------------------------------------------------- */

static const struct {
    dp_status status;
    dp_subject subject;
    int exit;
} statuses[] = {
    {DP_OK, DP_SUBJECT_MODEL, 0},      {DP_EIO, DP_SUBJECT_INPUT, 1},
    {DP_EFORMAT, DP_SUBJECT_INPUT, 1}, {DP_EUNSUPPORTED, DP_SUBJECT_INPUT, 1},
    {DP_ENOMEM, DP_SUBJECT_INPUT, 4},  {DP_EIO, DP_SUBJECT_MODEL, 3},
    {DP_EFORMAT, DP_SUBJECT_MODEL, 3}, {DP_ECONFIG, DP_SUBJECT_MODEL, 3},
    {DP_ESHAPE, DP_SUBJECT_MODEL, 3},  {DP_ENOMEM, DP_SUBJECT_MODEL, 4},
    {DP_EIO, DP_SUBJECT_OUTPUT, 4},    {DP_ENOMEM, DP_SUBJECT_OUTPUT, 4},
    {DP_EARG, DP_SUBJECT_INPUT, 2},
};

START_TEST(a_failure_has_the_status_of_its_subject)
{
    ck_assert_int_eq(dp_cli_status(statuses[_i].status, statuses[_i].subject),
                     statuses[_i].exit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");
    tcase_add_loop_test(tc, every_form_is_understood, 0, COUNT(good));
    tcase_add_loop_test(tc, mistakes_are_said_in_one_line, 0, COUNT(wrong));
    tcase_add_test(tc, an_option_may_make_a_list);
    tcase_add_test(tc, help_shows_every_row);
    tcase_add_loop_test(tc, a_failure_has_the_status_of_its_subject, 0,
                        COUNT(statuses));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
