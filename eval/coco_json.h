/* coco_json.h - an evaluation as JSON: every number, all digits
 *
 * What there is no ground truth for is null.
 */
#ifndef DP_EVAL_COCO_JSON_H
#define DP_EVAL_COCO_JSON_H

#include "core/text.h"
#include "eval/coco_scores.h"

/* Append the object of one evaluation, without its name. `tail`, JSON members that begin
 * with a comma, may be NULL: they go in at the end. A failure stays in t. */
void dp_coco_json_add(dp_text *t, const dp_coco_scores *scores, const char *tail);

/* Append a number, or null for one below zero. */
void dp_coco_json_add_number(dp_text *t, double value);

#endif
