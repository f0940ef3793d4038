/* coco_lint.h - what is wrong with annotations and results, where, and how often
 *
 * A broken record cannot be evaluated and is left out by the readers; whoever reads
 * decides whether that is an error. An oddity is legal, or silently accepted elsewhere,
 * and worth knowing. Of each kind the first is kept in words, the others are counted.
 */
#ifndef DP_IO_DATA_COCO_LINT_H
#define DP_IO_DATA_COCO_LINT_H

#include "base/json_stream.h"

#include <stdbool.h>
#include <stddef.h>

enum { DP_COCO_WHAT = 128 };

/* kind, name in JSON, the array it is found in, whether it breaks the record */
/* clang-format off */
#define DP_COCO_KINDS(X)                                                               \
    X(BAD_IMAGE,               "bad_image",                "images",      true)        \
    X(DUPLICATE_IMAGE,         "duplicate_image_id",       "images",      false)       \
    X(BAD_CATEGORY,            "bad_category",             "categories",  true)        \
    X(DUPLICATE_CATEGORY,      "duplicate_category_id",    "categories",  false)       \
    X(BAD_ANNOTATION,          "bad_annotation",           "annotations", true)        \
    X(MISSING_BBOX,            "missing_bbox",             "annotations", true)        \
    X(MISSING_MASK,            "missing_segmentation",     "annotations", true)        \
    X(MASK_SIZE,               "mask_size",                "annotations", true)        \
    X(MISSING_ID,              "missing_annotation_id",    "annotations", false)       \
    X(DUPLICATE_ID,            "duplicate_annotation_id",  "annotations", false)       \
    X(ZERO_ID,                 "zero_annotation_id",       "annotations", false)       \
    X(MISSING_ISCROWD,         "missing_iscrowd",          "annotations", false)       \
    X(MISSING_AREA,            "missing_area",             "annotations", false)       \
    X(UNKNOWN_IMAGE,           "unknown_image_id",         "annotations", false)       \
    X(UNKNOWN_CATEGORY,        "unknown_category_id",      "annotations", false)       \
    X(BOX_OUTSIDE,             "box_outside_image",        "annotations", false)       \
    X(BOX_EMPTY,               "box_without_area",         "annotations", false)       \
    X(POLYGON_DEGENERATE,      "degenerate_polygon",       "annotations", false)       \
    X(BAD_RESULT,              "bad_result",               "results",     true)        \
    X(NOT_FINITE,              "not_finite",               "results",     true)        \
    X(RESULT_UNKNOWN_IMAGE,    "result_unknown_image_id",  "results",     true)        \
    X(RESULT_MASK_SIZE,        "result_mask_size",         "results",     true)        \
    X(RESULT_UNKNOWN_CATEGORY, "result_unknown_category_id", "results",   false)       \
    X(CONTIGUOUS_CATEGORIES,   "contiguous_category_ids",  "results",     false)       \
    X(RESULT_BOX_OUTSIDE,      "result_box_outside_image", "results",     false)       \
    X(RESULT_BOX_EMPTY,        "result_box_without_area",  "results",     false)       \
    X(RESULT_POLYGON_DEGENERATE, "result_degenerate_polygon", "results",  false)       \
    X(RESULT_WITHOUT_MASK,     "result_without_mask",      "results",     false)       \
    X(SCORE_RANGE,             "score_outside_0_1",        "results",     false)       \
    X(NO_RESULTS,              "no_results",               "results",     false)
/* clang-format on */

typedef enum dp_coco_kind {
#define X(kind, name, array, breaks) DP_COCO_##kind,
    DP_COCO_KINDS(X)
#undef X
        DP_COCO_KIND_COUNT
} dp_coco_kind;

typedef struct dp_coco_finding {
    size_t count;
    size_t record;           /* of the first: its index in the array      */
    const char *place;       /* of the first: in the text, while it is read */
    size_t line;             /* of the first, from 1; 0: the whole file   */
    char what[DP_COCO_WHAT]; /* of the first: what is wrong               */
} dp_coco_finding;

/* Zero-initialise it. Owns nothing. */
typedef struct dp_coco_lint {
    dp_coco_finding of[DP_COCO_KIND_COUNT];
} dp_coco_lint;

const char *dp_coco_kind_name(dp_coco_kind kind);
bool dp_coco_kind_breaks(dp_coco_kind kind);

/* Count a finding in the record at `place`; kept in words when it is the first. */
void dp_coco_lint_add(dp_coco_lint *lint, dp_coco_kind kind, size_t record,
                      const char *place, const char *format, ...) DP_PRINTF(5, 6);

/* Add what was found later in the text, in a part whose first record is number `base`. */
void dp_coco_lint_merge(dp_coco_lint *lint, const dp_coco_lint *later, size_t base);

/* Turn the places into lines of the text that s reads, which may go then. */
void dp_coco_lint_set_lines(dp_coco_lint *lint, const dp_json_stream *s);

/* Records that are broken, by all kinds. */
size_t dp_coco_lint_broken(const dp_coco_lint *lint);

/* "FILE:LINE: annotations[17]: WHAT (the first of 12)" into text. */
void dp_coco_lint_format(char *text, size_t size, const dp_coco_lint *lint,
                         dp_coco_kind kind, const char *file);

#endif
