#include "core/detections.h"

#include "base/memory.h"

void dp_detections_reset(dp_detections *d, dp_size image)
{
    d->image = image;
    d->count = 0;
    d->run_count = 0;
}

dp_status dp_detections_reserve(dp_error *err, dp_detections *d, size_t count,
                                size_t runs)
{
    dp_status st = dp_grow(err, &d->list, &d->capacity, count, sizeof *d->list,
                           "a list of detections");
    if (st != DP_OK)
        return st;
    return dp_grow(err, &d->runs, &d->run_capacity, runs, sizeof *d->runs, "masks");
}

dp_rle dp_detections_mask(const dp_detections *d, size_t i)
{
    const dp_detection *x = &d->list[i];
    return (dp_rle){d->image.h, d->image.w, x->mask_count,
                    x->mask_count ? d->runs + x->mask_first : NULL};
}

void dp_detections_filter(dp_detections *d, const dp_detection_filter *filter)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        const dp_detection x = d->list[i];
        if (!(x.score >= filter->score_thr) ||
            (filter->classes && !filter->classes[x.label]))
            continue;
        if (filter->most > 0 && kept == filter->most)
            break;
        d->list[kept++] = x;
    }
    d->count = kept;
}

void dp_detections_done(dp_detections *d)
{
    dp_free(d->list);
    dp_free(d->runs);
    *d = (dp_detections){0};
}
