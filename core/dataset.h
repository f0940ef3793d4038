/* dataset.h - the classes that a model was trained on: names, numbers, colours
 */
#ifndef DP_CORE_DATASET_H
#define DP_CORE_DATASET_H

#include "base/status.h"

#include <stdint.h>

typedef struct dp_class {
    char *name;        /* UTF-8                                                     */
    int id;            /* the data set's own number: COCO category, ADE20K label    */
    uint8_t colour[3]; /* red, green, blue, for drawings                           */
} dp_class;

/* Class index i is list[i]. */
typedef struct dp_dataset {
    char *name; /* "coco" */
    int count;
    dp_class *list;
} dp_dataset;

/* Read a class file of configs/datasets. One that has a "count" instead of "classes" says
 * no names: class i is called "class i" and has the id i. A class without a colour is
 * grey. Errors as core/config.h, and DP_ECONFIG for duplicate ids, an empty list or a
 * colour outside 0..255. On failure d is empty. */
dp_status dp_dataset_load(dp_error *err, dp_dataset *d, const char *path) DP_MUST_CHECK;

/* Release. A zeroed d is allowed. */
void dp_dataset_done(dp_dataset *d);

#endif
