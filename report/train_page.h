/* train_page.h - a training run as a page: how far it is, its curves, a table of its epochs
 */
#ifndef DP_REPORT_TRAIN_PAGE_H
#define DP_REPORT_TRAIN_PAGE_H

#include "train/history.h"

typedef enum dp_train_state {
    DP_TRAIN_RUNNING, /* the page loads itself again every half a minute */
    DP_TRAIN_STOPPED,
    DP_TRAIN_FINISHED
} dp_train_state;

typedef struct dp_train_page {
    const char *model, *data; /* as the user calls them */
    const char *source;       /* of the recipe; "": unknown */
    const dp_history *history;
    dp_train_state state;
    int64_t steps; /* of the whole run  */
    int epochs;    /* the same          */
    int classes;
    size_t train_images, val_images;
    double images_per_second, seconds_left; /* NaN: not known */
} dp_train_page;

/* Write FOLDER/index.html, whole or not at all. DP_EIO, DP_ENOMEM. */
dp_status dp_train_page_save(dp_error *err, const char *folder,
                             const dp_train_page *p) DP_MUST_CHECK;

#endif
