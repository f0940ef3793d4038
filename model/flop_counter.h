/* flop_counter.h - what a model costs by the rules of the published figures
 *
 * Papers state what the counter of mmcv found, and call it FLOPs. It counts some work that
 * is no multiplication, and does not see some that is there. Its rules, docs/costs.md, are
 * known here and nowhere else.
 */
#ifndef DP_MODEL_FLOP_COUNTER_H
#define DP_MODEL_FLOP_COUNTER_H

#include "core/run.h"

/* Add work to the sum `total` points at, a double. To observe a run with. */
void dp_flop_counter_add(void *total, const dp_run *r, const dp_work *work);

#endif
