/* semantic_text.h - the numbers of label maps as text: tables, JSON
 *
 * Names are those of `dataset`, which may be NULL: "class 0" then. Failures stay in the
 * text.
 */
#ifndef DP_EVAL_SEMANTIC_TEXT_H
#define DP_EVAL_SEMANTIC_TEXT_H

#include "base/text.h"
#include "eval/semantic.h"

/* What was evaluated, with all that is to be said. */
typedef struct dp_semantic_result {
    const dp_semantic_counts *counts;
    const dp_semantic_class *classes; /* [counts->settings.classes] */
    dp_semantic_scores scores;
    const dp_dataset *dataset;
    const dp_semantic_pair *pairs;
    size_t pair_count;
} dp_semantic_result;

/* The name of a class, in `room` if it has none. */
enum { DP_SEMANTIC_NAME_ROOM = 24 };
const char *dp_semantic_class_name(const dp_semantic_result *r, int class,
                                   char room[DP_SEMANTIC_NAME_ROOM]);

/* Which values are classes and which are ignored, a sentence without a newline. */
void dp_semantic_add_settings(dp_text *t, const dp_semantic_settings *s);

/* Which values are classes, how many images and pixels are counted; a paragraph. */
void dp_semantic_add_counts(dp_text *t, const dp_semantic_result *r);

/* The tables that mmsegmentation prints: a line a class, and the means. Percent, rounded
 * to two decimals; "n/a" where mmsegmentation has nan. */
void dp_semantic_add_tables(dp_text *t, const dp_semantic_result *r);

/* {"aAcc", "mIoU", "mAcc", "images", "pixels", "classes": [{"label", "name", "IoU", "Acc",
 * "pixels", "predicted", "intersect"}], "unassigned", "skipped", "settings", "bad"}:
 * fractions with all digits, null: n/a. */
void dp_semantic_add_json(dp_text *t, const dp_semantic_result *r);

#endif
