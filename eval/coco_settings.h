/* coco_settings.h - by what rules detections are evaluated, in COCO's sense
 */
#ifndef DP_EVAL_COCO_SETTINGS_H
#define DP_EVAL_COCO_SETTINGS_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DP_COCO_MAX_AREAS = 8, DP_COCO_MAX_CAPS = 8, DP_COCO_RECALLS = 101 };

typedef struct dp_coco_area {
    char name[16];
    double low, high; /* in square pixels, both inclusive */
} dp_coco_area;

typedef struct dp_coco_settings {
    bool masks; /* IoU of masks, not of boxes                                 */
    bool
        use_categories; /* off: every object and detection is of one class            */
    int threshold_count;
    double
        thresholds[DP_MAX_IOU_THRESHOLDS]; /* ascending, in (0, 1]                  */
    int area_count;                        /* the first is the one of the headline  */
    dp_coco_area areas[DP_COCO_MAX_AREAS];
    int cap_count;
    int caps
        [DP_COCO_MAX_CAPS];   /* detections per image and class: maxDets, ascending  */
    const int64_t *image_ids; /* only these, borrowed; NULL: all                     */
    size_t image_id_count;
    const int64_t
        *category_ids; /* only these, borrowed; NULL: all                    */
    size_t category_id_count;
} dp_coco_settings;

/* The settings of pycocotools: IoU .50:.05:.95; all, small, medium, large; 1, 10, 100. */
void dp_coco_settings_default(dp_coco_settings *s);

/* `count` numbers from first to last in equal steps, rounded as numpy.linspace does. */
void dp_coco_linspace(double *out, double first, double last, int count);

/* The position of a threshold; -1 when it is not among them. */
int dp_coco_settings_find_threshold(const dp_coco_settings *s, double threshold);

#endif
