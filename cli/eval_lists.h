/* eval_lists.h - the lists on the command line of `densepred eval coco`
 *
 * Each returns DP_OPTIONS_GO_ON, or an exit status after saying what is wrong.
 */
#ifndef DP_CLI_EVAL_LISTS_H
#define DP_CLI_EVAL_LISTS_H

#include "eval/coco_settings.h"

/* --max-dets: "1,10,100", sorted here; twice the same is a mistake. */
int dp_eval_parse_caps(dp_coco_settings *s, const char *text);

/* --iou-thrs: "0.5,0.75", or "0.5:0.95:0.05"; ascending, above 0 and at most 1. */
int dp_eval_parse_thresholds(dp_coco_settings *s, const char *text);

/* --area-ranges: "all:0:1e10,small:0:1024". */
int dp_eval_parse_areas(dp_coco_settings *s, const char *text);

/* "1,2,3" as *count numbers at *ids, the caller's to dp_free; `option` is for the
 * message. */
int dp_eval_parse_ids(const char *option, const char *text, int64_t **ids,
                      size_t *count);

#endif
