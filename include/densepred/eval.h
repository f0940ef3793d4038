/* densepred/eval.h - evaluators: AP and AR of detections, mIoU of label maps
 *
 *     dp_coco_eval *eval;
 *     const char *text;
 *
 *     dp_coco_eval_new(ctx, &eval, NULL);
 *     dp_coco_eval_load(ctx, eval, "instances_val2017.json", "results.json");
 *     dp_coco_eval_run(ctx, eval);
 *     dp_coco_eval_format_text(ctx, eval, 0, &text);
 *     fputs(text, stdout);
 *     dp_coco_eval_free(eval);
 *
 * An evaluator belongs to one thread at a time and uses the workers of the context that a
 * call is given. Numbers do not depend on how many there are. Texts and notices are views,
 * valid until the next call of any function with the same evaluator.
 */
#ifndef DENSEPRED_EVAL_H
#define DENSEPRED_EVAL_H

#include "densepred/context.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the check of the inputs found. */
typedef struct dp_eval_notice {
    const char *kind; /* "unknown_image_id", "missing prediction", ...            */
    const char *text; /* one sentence, which names the file                       */
    const char *file; /* the ground truth or the results, as given to _load       */
    size_t count;     /* how often; the text is about the first                   */
    int broken;       /* not 0: a record or image that is left out because of it  */
} dp_eval_notice;

/* ---- COCO: boxes and masks ------------------------------------------------------------ */

typedef struct dp_coco_eval dp_coco_eval;

/* IoU of boxes or of masks. */
typedef enum dp_coco_type { DP_COCO_BBOX = 1, DP_COCO_SEGM = 2 } dp_coco_type;

typedef struct dp_area_range {
    const char *name; /* of at most 15 bytes               */
    double low, high; /* in square pixels, both inclusive  */
} dp_area_range;

/* Zero-initialise, then set what you want. Everything is copied. */
typedef struct dp_coco_eval_options {
    /* DP_COCO_BBOX | DP_COCO_SEGM; 0: what the first result holds */
    int types;

    /* 1 to 64, ascending, above 0 and at most 1; NULL: .50, .55, ... .95 */
    const double *iou_thresholds;
    int iou_threshold_count;

    /* 1 to 8, the headline's first; NULL: all, small, medium, large */
    const dp_area_range *area_ranges;
    int area_range_count;

    /* 1 to 8 different numbers of detections an image and class, in any order; NULL: 1, 10,
     * 100 */
    const int *max_dets;
    int max_det_count;

    /* not 0: all classes are one */
    int no_categories;

    /* only these images, only these classes; NULL: all */
    const int64_t *image_ids;
    size_t image_id_count;
    const int64_t *category_ids;
    size_t category_id_count;
} dp_coco_eval_options;

/* An evaluator without files. options NULL: defaults. DP_EARG for options, DP_ENOMEM. */
DP_API dp_status dp_coco_eval_new(dp_context *ctx, dp_coco_eval **out,
                                  const dp_coco_eval_options *options);
DP_API void dp_coco_eval_free(dp_coco_eval *eval);

/* Read annotations and results in COCO's format, once. Records that cannot be evaluated
 * are left out; a notice says so. DP_EIO, DP_EFORMAT, DP_ENOMEM; DP_EARG for a second
 * call. What was noticed before a failure stays. */
DP_API dp_status dp_coco_eval_load(dp_context *ctx, dp_coco_eval *eval,
                                   const char *truth_path, const char *results_path);

/* Notices of the annotations come first. An index out of range gives zeros. */
DP_API size_t dp_coco_eval_notice_count(const dp_coco_eval *eval);
DP_API dp_eval_notice dp_coco_eval_get_notice(const dp_coco_eval *eval, size_t i);

/* Match detections with objects, and add up. DP_EARG: nothing is loaded, or the annotations
 * do not have one of the options' ids. DP_EUNSUPPORTED: masks of too many runs. DP_ENOMEM. */
DP_API dp_status dp_coco_eval_run(dp_context *ctx, dp_coco_eval *eval);

/* What was evaluated: DP_COCO_BBOX, DP_COCO_SEGM or both; 0 before the run. */
DP_API int dp_coco_eval_types(const dp_coco_eval *eval);

/* The summary of pycocotools: twelve numbers unless the options say otherwise. -1 where
 * there is no ground truth, and for an index or a type that is not there. */
DP_API int dp_coco_eval_stat_count(const dp_coco_eval *eval);
DP_API double dp_coco_eval_stat(const dp_coco_eval *eval, dp_coco_type type, int i);

/* The classes: name (UTF-8, "all" when all are one) and COCO's id (-1 then). NULL and -1
 * for another index. */
DP_API int dp_coco_eval_class_count(const dp_coco_eval *eval);
DP_API const char *dp_coco_eval_class_name(const dp_coco_eval *eval, int category);
DP_API int64_t dp_coco_eval_class_id(const dp_coco_eval *eval, int category);

/* Where a number is taken; all are positions from 0 on, max_dets in ascending order. */
typedef struct dp_coco_place {
    int category;  /* -1: the mean of the classes              */
    int area;      /* 0: the headline's                        */
    int max_dets;  /* -1: the last, which is the largest       */
    int threshold; /* of IoU; -1: the mean of all of them      */
} dp_coco_place;

/* Average precision (of the largest max_dets, or of 100 where that is among them) and
 * average recall. -1 without ground truth, and for a place that is not there. */
DP_API double dp_coco_eval_ap(const dp_coco_eval *eval, dp_coco_type type,
                              dp_coco_place at);
DP_API double dp_coco_eval_ar(const dp_coco_eval *eval, dp_coco_type type,
                              dp_coco_place at);

/* The curve of one class at one IoU threshold: precision at the recalls 0, .01, ... 1 to
 * precision[101], and the score at which each is reached to scores[101]; either may be
 * NULL. They are what pycocotools keeps as "precision" and "scores". All -1 without ground
 * truth. Returns 0, and writes nothing, for a mean and for a place that is not there; else
 * 1. */
DP_API int dp_coco_eval_curve(const dp_coco_eval *eval, dp_coco_type type,
                              dp_coco_place at, double *precision, double *scores);

/* The summary as pycocotools prints it, a line a number; with `classwise` a table of the
 * classes. Types follow one another under "bbox:" and "segm:". DP_EARG before the run,
 * DP_ENOMEM. */
DP_API dp_status dp_coco_eval_format_text(dp_context *ctx, dp_coco_eval *eval,
                                          int classwise, const char **text);

/* Every number as JSON (docs: `densepred eval coco --json`), with the causes of errors
 * and the confusion of the detections of at least `score`. Errors as above. */
DP_API dp_status dp_coco_eval_format_json(dp_context *ctx, dp_coco_eval *eval,
                                          double score, const char **text);

/* Write FOLDER/index.html, a page of its own with curves, causes of errors, classes and
 * the worst images, and FOLDER/errors_bbox.csv, errors_segm.csv. The folder is made.
 * images: the folder of the images, NULL: none are shown. score: of the errors listed,
 * counted and drawn. DP_EIO, and errors as above. */
DP_API dp_status dp_coco_eval_save_report(dp_context *ctx, dp_coco_eval *eval,
                                          const char *folder, const char *images,
                                          double score);

/* ---- label maps ------------------------------------------------------------------------ */

typedef struct dp_semantic_eval dp_semantic_eval;

/* Zero-initialise, then set what you want. Nothing is kept of it. */
typedef struct dp_semantic_eval_options {
    /* 1 to 256 classes, whose label values are offset, offset + 1, ...; 0: ADE20K's 150
     * from value 1 on, and then offset is not looked at */
    int classes, offset;

    /* a class file, for names and label values; NULL: classes and offset say them */
    const char *dataset;

    /* the label value of the first class in predictions; NULL: label values are those of
     * the truth */
    const int *prediction_offset;

    /* a class file for names alone; not looked at beside a dataset, and nor when it cannot
     * be read or has another number of classes */
    const char *names;

    /* label values that are left out, 0 to 255; NULL: 0 and 255 where they are no class. Not
     * NULL with a count of 0: none */
    const int *ignored;
    int ignored_count;
} dp_semantic_eval_options;

/* An evaluator without images. options NULL: defaults. DP_EARG for options; DP_EIO,
 * DP_EFORMAT, DP_ECONFIG for the data set; DP_ENOMEM. */
DP_API dp_status dp_semantic_eval_new(dp_context *ctx, dp_semantic_eval **out,
                                      const dp_semantic_eval_options *options);
DP_API void dp_semantic_eval_free(dp_semantic_eval *eval);

/* Add label maps (8-bit PNG, grey or with a palette): all of a folder, each with the
 * prediction of the same name; or one. They are read by the run. DP_EIO, DP_EFORMAT (the
 * folder of the truth has no PNG file), DP_ENOMEM; DP_EARG after the run, and for a second
 * folder. */
DP_API dp_status dp_semantic_eval_load(dp_context *ctx, dp_semantic_eval *eval,
                                       const char *truth_folder,
                                       const char *prediction_folder);
DP_API dp_status dp_semantic_eval_add(dp_context *ctx, dp_semantic_eval *eval,
                                      const char *truth_path,
                                      const char *prediction_path);

/* Count the pixels of all pairs, once. A bad pair is left out, and a notice says so: a file
 * is missing or no label map, the sizes differ, or a label is no class. DP_ENOMEM; DP_EARG
 * for a second call. */
DP_API dp_status dp_semantic_eval_run(dp_context *ctx, dp_semantic_eval *eval);

/* A notice for each bad pair, in their order, and one for predictions without a truth; after
 * the run. An index out of range gives zeros. */
DP_API size_t dp_semantic_eval_notice_count(const dp_semantic_eval *eval);
DP_API dp_eval_notice dp_semantic_eval_get_notice(const dp_semantic_eval *eval,
                                                  size_t i);

/* Means over the classes, fractions; NaN where no class has a number. Zeros before the
 * run. */
typedef struct dp_semantic_summary {
    double a_acc, m_iou, m_acc;
    size_t pairs;        /* all of them                                  */
    size_t images;       /* those that were counted                      */
    uint64_t pixels;     /* counted                                      */
    uint64_t unassigned; /* of these, predicted as an ignored value      */

    /* 1 or -1: predictions look as if they were counted from another value than the truth.
     * When their classes are so much more, `a_acc_shifted` is what a_acc would be. */
    int shift;
    double a_acc_shifted;
} dp_semantic_summary;
DP_API dp_semantic_summary dp_semantic_eval_summary(const dp_semantic_eval *eval);

/* A class; IoU and accuracy are NaN where their denominator is 0. Zeros (name NULL) for
 * another index and before the run. */
typedef struct dp_semantic_class_score {
    const char *name;
    int value; /* the label value that stands for it; -1: all are ignored  */
    uint64_t label, predicted, intersect; /* pixels                           */
    double iou, acc;
} dp_semantic_class_score;
DP_API int dp_semantic_eval_class_count(const dp_semantic_eval *eval);
DP_API dp_semantic_class_score dp_semantic_eval_class(dp_semantic_eval *eval,
                                                      int label);

/* What was counted, and the tables that mmsegmentation prints, in percent. DP_EARG before
 * the run, DP_ENOMEM. */
DP_API dp_status dp_semantic_eval_format_text(dp_context *ctx, dp_semantic_eval *eval,
                                              const char **text);

/* Every number as JSON (docs: `densepred eval ade20k --json`). Errors as above. */
DP_API dp_status dp_semantic_eval_format_json(dp_context *ctx, dp_semantic_eval *eval,
                                              const char **text);

/* Write FOLDER/index.html, a page of its own with the classes, the confusion matrix and the
 * worst images. The folder is made. images: the folder of the photos, NULL: none are shown.
 * DP_EIO, and errors as above. */
DP_API dp_status dp_semantic_eval_save_report(dp_context *ctx, dp_semantic_eval *eval,
                                              const char *folder, const char *images);

#ifdef __cplusplus
}
#endif

#endif
