#include "postprocess/trace_boxes.h"

#include <string.h>

void dp_trace_boxes(dp_run *r, const char *name, const dp_box *boxes,
                    const float *scores, int count)
{
    const size_t mark = dp_run_mark(r);
    const dp_tensor rows = dp_run_tensor(r, count, 1, 1, scores ? 5 : 4);
    for (int i = 0; i < count && r->trace && !r->dry; i++) {
        float *row = rows.data + (size_t)i * (size_t)rows.C;
        memcpy(row, &boxes[i], sizeof boxes[i]);
        if (scores)
            row[4] = scores[i];
    }
    dp_run_trace(r, name, rows);
    dp_run_rewind(r, mark);
}
