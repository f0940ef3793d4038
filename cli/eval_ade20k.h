/* eval_ade20k.h - `densepred eval ade20k`, the command and what `test` does as it does
 */
#ifndef DP_CLI_EVAL_ADE20K_H
#define DP_CLI_EVAL_ADE20K_H

#include "cli/eval_output.h"

/* Evaluate in ctx: say what is wrong, print and write what is asked for. Returns an exit
 * status of cli.h, DP_EXIT_SOME when something was left out. */
int dp_eval_ade20k(dp_context *ctx, const dp_eval_task *task,
                   const dp_semantic_eval_options *options);

/* Run it; argv[0] is "eval ade20k". Returns an exit status of cli.h. */
int dp_cli_eval_ade20k(int argc, char **argv);

#endif
