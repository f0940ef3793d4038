/* densepred eval - the evaluators, a second word each */
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/eval_ade20k.h"
#include "cli/eval_coco.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *full_name, *summary;
    int (*run)(int argc, char **argv);
} kinds[] = {
#define KIND(name, summary) {#name, "eval " #name, summary, dp_cli_eval_##name},
#include "cli/eval_kinds.def"
#undef KIND
};
static const size_t kind_count = sizeof kinds / sizeof *kinds;

static int help(void)
{
    printf("usage: densepred eval KIND GROUND_TRUTH RESULTS [options]\n\n"
           "Compares results with what is true.\n\n");
    for (size_t i = 0; i < kind_count; i++)
        printf("  %-10s %s\n", kinds[i].name, kinds[i].summary);
    printf("\n`densepred eval KIND --help` lists a kind's options.\n");
    return DP_EXIT_OK;
}

int dp_cli_eval(int argc, char **argv)
{
    if (argc < 2)
        return dp_cli_usage("eval needs a kind; see densepred eval --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    dp_nearest nearest = {.word = argv[1]};
    for (size_t i = 0; i < kind_count; i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            char name[32];
            snprintf(name, sizeof name, "%s", kinds[i].full_name);
            argv[1] = name;
            return kinds[i].run(argc - 1, argv + 1);
        }
        dp_nearest_offer(&nearest, kinds[i].name);
    }
    if (nearest.best)
        return dp_cli_usage("eval %s: unknown kind; did you mean %s?", argv[1],
                            nearest.best);
    return dp_cli_usage("eval %s: unknown kind; see densepred eval --help", argv[1]);
}
