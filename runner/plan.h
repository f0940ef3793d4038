/* plan.h - what a run will do: found and checked before anything is run
 *
 * The functions fail with a sentence, and leave in t->part what it is about.
 */
#ifndef DP_RUNNER_PLAN_H
#define DP_RUNNER_PLAN_H

#include "runner/test.h"

/* Check the options alone. DP_EARG. */
dp_status dp_plan_check_options(dp_error *err,
                                const dp_test_options *options) DP_MUST_CHECK;

/* Read and check the model's config and classes. Errors of dp_config_load, DP_EARG. */
dp_status dp_plan_model(dp_error *err, dp_test *t) DP_MUST_CHECK;

/* After the model: list the images, take the checkpoint's digest, make the run's key. */
dp_status dp_plan_run(dp_error *err, dp_test *t) DP_MUST_CHECK;

/* Make the run directory with its run.json; or check that the one there is of this run.
 * DP_EARG when it is not, and the other run has results. */
dp_status dp_plan_claim(dp_error *err, const dp_test *t) DP_MUST_CHECK;

/* Append the members of run.json, without braces: version, model, weights, data set,
 * config. */
void dp_plan_add_json(dp_text *text, const dp_test *t);

/* Which section of the config is laid over "test"; NULL: none. */
const char *dp_plan_section(const dp_test *t);

#endif
