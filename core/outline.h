/* outline.h - the rings around a mask, along the edges of its pixels
 *
 * A mask falls into parts, pixels joined by an edge. Each part has one outer ring and a
 * ring for every hole. Points are corners of pixels, so the rings enclose exactly the
 * mask: what is made of it again, with the even-odd or the non-zero rule, is the same.
 * Of straight runs only the ends are kept; nothing else is simplified unless asked for.
 *
 * Found from the runs alone: time and memory follow the length of the outline.
 */
#ifndef DP_CORE_OUTLINE_H
#define DP_CORE_OUTLINE_H

#include "base/status.h"
#include "core/rle.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_point {
    int x, y; /* a corner: 0 to w, 0 to h */
} dp_point;

/* Closed: the last point is joined to the first, which is not repeated. With y down, outer
 * rings go clockwise and holes the other way round. */
typedef struct dp_ring {
    size_t first, count; /* its points are points[first ...], 3 or more */
    int part;            /* 0 and up, by leftmost column                */
    bool hole;
} dp_ring;

/* Zero-initialise. Memory is kept from mask to mask. */
typedef struct dp_outline {
    size_t ring_count, ring_capacity;
    dp_ring *rings; /* part by part, each part's outer ring first */
    size_t point_count, point_capacity;
    dp_point *points;
    size_t path_count, path_capacity;
    dp_point *path; /* of dp_outline_join */
    size_t span_capacity, column_capacity, kept_capacity, stretch_capacity;
    struct dp_span *spans;        /* working memory */
    size_t *columns;              /* working memory */
    bool *kept;                   /* working memory */
    struct dp_stretch *stretches; /* working memory */
} dp_outline;

/* Trace a mask. An empty one has no rings. On DP_ENOMEM the outline is empty. */
dp_status dp_outline_trace(dp_error *err, dp_outline *o,
                           const dp_rle *mask) DP_MUST_CHECK;

/* Leave out points of every ring (Douglas and Peucker 1973). None lies farther than
 * `tolerance` pixels from the closed line through those that stay. A ring that would
 * have fewer than three is held to half the tolerance, and so on: none vanishes. 0 leaves
 * all as it is. Rings may cross each other afterwards, by no more than the tolerance.
 * DP_ENOMEM: some rings are done. */
dp_status dp_outline_simplify(dp_error *err, dp_outline *o,
                              double tolerance) DP_MUST_CHECK;

/* Set o->path to one closed path through `count` rings from rings[first] on, for formats
 * that know only single rings. From the start of the first ring a cut leads to each other
 * ring and back the same way, so it adds no area. DP_ENOMEM. */
dp_status dp_outline_join(dp_error *err, dp_outline *o, size_t first,
                          size_t count) DP_MUST_CHECK;

/* The same with the rings of one part: its first is rings[*first], which moves on to the
 * next part's. DP_ENOMEM. */
dp_status dp_outline_join_part(dp_error *err, dp_outline *o,
                               size_t *first) DP_MUST_CHECK;

/* Release. A zeroed o is allowed. */
void dp_outline_done(dp_outline *o);

#endif
