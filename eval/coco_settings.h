/* coco_settings.h - by what rules detections are evaluated, in COCO's sense
 */
#ifndef DP_EVAL_COCO_SETTINGS_H
#define DP_EVAL_COCO_SETTINGS_H

#include "base/status.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DP_COCO_MAX_AREAS = 8, DP_COCO_MAX_CAPS = 8, DP_COCO_RECALLS = 101 };

typedef struct dp_coco_area {
    char name[16];
    double low, high; /* in square pixels, both inclusive */
} dp_coco_area;

typedef struct dp_coco_settings {
    /* IoU of masks, not of boxes */
    bool masks;
    /* off: every object and detection is of one class */
    bool use_categories;
    /* ascending, above 0 and at most 1 */
    double thresholds[DP_MAX_IOU_THRESHOLDS];
    int threshold_count;
    /* the first is the one of the headline */
    dp_coco_area areas[DP_COCO_MAX_AREAS];
    int area_count;
    /* detections per image and class (maxDets), ascending */
    int caps[DP_COCO_MAX_CAPS];
    int cap_count;
    /* only these, borrowed; NULL: all */
    const int64_t *image_ids, *category_ids;
    size_t image_id_count, category_id_count;
} dp_coco_settings;

/* The settings of pycocotools: IoU .50:.05:.95; all, small, medium, large; 1, 10, 100. */
void dp_coco_settings_default(dp_coco_settings *s);

/* Other thresholds, ascending; other caps, in any order; other areas, one by one after the
 * check of how many there are to be. DP_EARG, and s is not to be used then. */
dp_status dp_coco_settings_set_thresholds(dp_error *err, dp_coco_settings *s,
                                          const double *thresholds,
                                          int count) DP_MUST_CHECK;
dp_status dp_coco_settings_set_caps(dp_error *err, dp_coco_settings *s, const int *caps,
                                    int count) DP_MUST_CHECK;
dp_status dp_coco_settings_clear_areas(dp_error *err, dp_coco_settings *s,
                                       int count) DP_MUST_CHECK;
dp_status dp_coco_settings_add_area(dp_error *err, dp_coco_settings *s,
                                    const char *name, double low,
                                    double high) DP_MUST_CHECK;

/* `count` numbers from first to last in equal steps, rounded as numpy.linspace does. */
void dp_coco_linspace(double *out, double first, double last, int count);

/* The position of a threshold; -1 when it is not among them. */
int dp_coco_settings_find_threshold(const dp_coco_settings *s, double threshold);

#endif
