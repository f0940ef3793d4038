/* eval_ade20k.h - the command `densepred eval ade20k`
 */
#ifndef DP_CLI_EVAL_ADE20K_H
#define DP_CLI_EVAL_ADE20K_H

/* Run it; argv[0] is "eval ade20k". Returns an exit status of cli.h. */
int dp_cli_eval_ade20k(int argc, char **argv);

#endif
