/* eval_coco.h - the command `densepred eval coco`
 */
#ifndef DP_CLI_EVAL_COCO_H
#define DP_CLI_EVAL_COCO_H

/* Run it; argv[0] is "eval coco". Returns an exit status of cli.h. */
int dp_cli_eval_coco(int argc, char **argv);

#endif
