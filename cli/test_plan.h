/* test_plan.h - what `densepred test` is asked for, and what that means
 */
#ifndef DP_CLI_TEST_PLAN_H
#define DP_CLI_TEST_PLAN_H

#include "cli/options.h"
#include "cli/test_set.h"
#include "core/config.h"
#include "core/dataset.h"

/* The command line. */
typedef struct dp_test_ask {
    const char *model, *root; /* root: the argument DATASET, or NULL */
    const char *images, *annotations, *work, *mode, *shard, *report;
    int workers; /* 0: not given */
    bool ms_flip, classwise, verify;
    dp_common_options common;
} dp_test_ask;

/* Part K of N of the items: those with index % N == K - 1. */
typedef struct dp_test_shard {
    int part, parts;
} dp_test_shard;

typedef struct dp_test_plan {
    const dp_test_ask *ask; /* borrowed */
    dp_test_shard shard;
    char changes[64];                 /* laid over the config; "": none          */
    char *config_path, *classes_path; /* owned                        */
    dp_config *config;                /* owned; as it is run          */
    dp_dataset dataset;
    dp_task task;
    dp_test_set set;
    char *weights_path;          /* owned; given, or shipped  */
    char weights[DP_SHA256_HEX]; /* its digest                */
    char *work;                  /* owned; path of the work folder */
    uint8_t key
        [DP_SHA256_BYTES]; /* of the run: version, precision, config, weights, items */
} dp_test_plan;

/* Look at what is asked for, without running anything; says what is wrong. A process that
 * only helps another (`helper`) looks at the model alone: set, weights, work and key stay
 * empty. Returns DP_EXIT_OK or another exit status of cli.h; p is to be released either
 * way. */
int dp_test_plan_make(dp_test_plan *p, const dp_test_ask *ask, bool helper);
void dp_test_plan_done(dp_test_plan *p);

/* Make the work folder and its run.json, or check that the one there is of this run.
 * Returns an exit status. */
int dp_test_plan_claim(const dp_test_plan *p);

/* The members of run.json: version, model, weights, data set, config; without braces. */
void dp_test_plan_add_json(dp_text *t, const dp_test_plan *p);

/* Which part of the config is laid over "test"; NULL: none. */
const char *dp_test_plan_section(const dp_test_plan *p);

#endif
