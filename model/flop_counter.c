#include "model/flop_counter.h"

#include <string.h>

/* Functional activations are not seen, and the region proposal network of mmdetection has
 * such a one where torchvision's has a module. */
static bool sees_relu(const dp_run *r)
{
    return !r->module || strcmp(r->module, "rpn") != 0;
}

/* What each output adds to the multiply-accumulates. */
static int count_extras(const dp_run *r, const dp_work *w)
{
    const int relu = w->relu && sees_relu(r);
    switch (w->kind) {
    case DP_WORK_CONV:
        return w->bias + 2 * w->norm + relu;
    case DP_WORK_LINEAR:
        return relu;
    case DP_WORK_DEPTHWISE: /* no published figure of such a model is of this counter */
    case DP_WORK_ATTENTION:
    case DP_WORK_AVERAGE:
        break;
    }
    return 0;
}

void dp_flop_counter_add(void *total, const dp_run *r, const dp_work *work)
{
    double *sum = total;
    const int variants = work->variants > 0 ? work->variants : 1;
    const double extras = (double)work->outputs * count_extras(r, work);
    *sum += variants * (work->macs + extras) + (double)work->inputs;
}
