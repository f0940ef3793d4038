/* trace_boxes.h - boxes as an intermediate map, for who traces a run
 */
#ifndef DP_POSTPROCESS_TRACE_BOXES_H
#define DP_POSTPROCESS_TRACE_BOXES_H

#include "core/box.h"
#include "core/run.h"

/* Trace rows (count, 1, 1, 4) of x1 y1 x2 y2; with scores (count, 1, 1, 5), the score
 * last. scores may be NULL. */
void dp_trace_boxes(dp_run *r, const char *name, const dp_box *boxes,
                    const float *scores, int count);

#endif
