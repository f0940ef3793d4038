/* semantic.h - label maps against true ones: aAcc, mIoU, mAcc, exactly
 *
 * A label map holds one of 256 values a pixel. Settings say which class each stands for, in
 * truth and prediction alike unless predictions have their own. Pixels are counted as integers, so the numbers depend neither
 * on the order of the images nor on the number of threads:
 *
 *     confusion[c][p]  pixels of class c that are predicted as class p
 *     label_c          sum of row c        pred_c  sum of column c
 *     IoU_c = confusion[c][c] / (label_c + pred_c - confusion[c][c])
 *     Acc_c = confusion[c][c] / label_c
 *     aAcc  = sum of the diagonal / sum of all label_c
 *     mIoU, mAcc = means over the classes whose denominator is not 0
 *
 * Pixels whose truth is an ignored value count nowhere, whatever is predicted there. An
 * ignored value in a prediction, where the truth is a class, is "no class": wrong for the
 * true class, and in no pred_c. A class that is predicted and nowhere true has IoU 0
 * and no Acc. This is upstream's arithmetic (mean_iou of mmsegmentation, with
 * reduce_zero_label for ADE20K) to the last bit: means are summed in numpy's order.
 */
#ifndef DP_EVAL_SEMANTIC_H
#define DP_EVAL_SEMANTIC_H

#include "base/pool.h"
#include "core/dataset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DP_SEMANTIC_VALUES = 256,
    DP_SEMANTIC_IGNORED = -1, /* the value is left out       */
    DP_SEMANTIC_BEYOND = -2   /* the value may not occur     */
};

typedef struct dp_semantic_settings {
    int classes; /* 1 to 256 */
    int16_t class_of[DP_SEMANTIC_VALUES];

    /* Of predictions, where their values are others than those of the truth. */
    bool own_predictions;
    int16_t class_predicted[DP_SEMANTIC_VALUES];
} dp_semantic_settings;

/* Values offset, offset + 1, ... are classes 0, 1, ...; every other one is beyond. DP_EARG
 * when there are not as many values. */
dp_status dp_semantic_settings_init(dp_error *err, dp_semantic_settings *s, int classes,
                                    int offset) DP_MUST_CHECK;

/* The values are the ids of the data set's classes. DP_ECONFIG: an id outside 0..255. */
dp_status dp_semantic_settings_of_dataset(dp_error *err, dp_semantic_settings *s,
                                          const dp_dataset *dataset) DP_MUST_CHECK;

/* Upstream's: 0 (unlabelled) and 255 are ignored where they are no class. */
void dp_semantic_settings_ignore_usual(dp_semantic_settings *s);

/* After all else: in predictions, values offset, offset + 1, ... are classes 0, 1, ... An
 * ignored value that is none of these stays ignored. DP_EARG as above. */
dp_status dp_semantic_settings_offset_predictions(dp_error *err,
                                                  dp_semantic_settings *s,
                                                  int offset) DP_MUST_CHECK;

/* The classes of all values in predictions. */
const int16_t *dp_semantic_settings_predicted(const dp_semantic_settings *s);

/* The value that stands for a class. */
int dp_semantic_settings_value(const dp_semantic_settings *s, int class);

/* What is wrong with a pair of label maps. */
typedef enum dp_semantic_kind {
    DP_SEMANTIC_GOOD,
    DP_SEMANTIC_NO_PREDICTION,     /* the file is not there                         */
    DP_SEMANTIC_UNREADABLE,        /* one of the two is no label map                */
    DP_SEMANTIC_SIZE,              /* they differ in size                           */
    DP_SEMANTIC_TRUTH_BEYOND,      /* a value of the truth is no class              */
    DP_SEMANTIC_PREDICTION_BEYOND, /* one of the prediction, where the truth counts */
    DP_SEMANTIC_KINDS
} dp_semantic_kind;

/* "missing prediction", ... */
const char *dp_semantic_kind_name(dp_semantic_kind kind);

/* Two label maps; owned by eval/semantic_pairs.h. */
typedef struct dp_semantic_pair {
    char *truth, *prediction; /* paths of PNG label maps                      */
    dp_semantic_kind kind;
    uint64_t pixels, correct; /* counted in this pair                         */
    char *problem;            /* what is wrong; NULL when it is good          */
} dp_semantic_pair;

typedef struct dp_semantic_counts {
    dp_semantic_settings settings;
    uint64_t *confusion; /* owned: (classes, classes + 1), the last column "no class" */
    size_t images;       /* good pairs                                                */
    size_t bad[DP_SEMANTIC_KINDS]; /* pairs of each kind                            */
} dp_semantic_counts;

/* Read and count all pairs, several at a time; of each, fill kind, pixels, correct and
 * problem. Bad pairs are left out and no failure. DP_ENOMEM, also when one pair is too
 * large for the memory there is; c is empty then, problems stay the caller's.
 *
 * One item is one pair here, and reading allocates; failures are kept per pair, in order,
 * so that what is reported does not depend on the threads either. */
dp_status dp_semantic_count(dp_error *err, dp_semantic_counts *c,
                            const dp_semantic_settings *settings,
                            dp_semantic_pair *pairs, size_t count,
                            dp_pool *pool) DP_MUST_CHECK;

/* Release. A zeroed c is allowed. */
void dp_semantic_counts_done(dp_semantic_counts *c);

/* Fractions; NaN: n/a, the denominator is 0. */
typedef struct dp_semantic_class {
    uint64_t label, pred, intersect;
    double iou, acc;
} dp_semantic_class;

typedef struct dp_semantic_scores {
    double a_acc, m_iou, m_acc;
    uint64_t pixels;     /* counted                          */
    uint64_t unassigned; /* of these, predicted as no class  */
} dp_semantic_scores;

/* How many pixels are right when the predicted classes are `shift` more, 1, 0 or -1. With 1,
 * all that was predicted as no class is the first one. */
uint64_t dp_semantic_count_shifted(const dp_semantic_counts *c, int shift);

/* 1 or -1 when predictions look as if they were counted from another value than the truth:
 * that much more makes more pixels right, and a quarter of all. Else 0. */
int dp_semantic_find_shift(const dp_semantic_counts *c);

/* The numbers of all classes at `classes`, which has room for settings.classes, and their
 * means. */
dp_semantic_scores dp_semantic_score(const dp_semantic_counts *c,
                                     dp_semantic_class *classes);

#endif
