#include "postprocess/run_writer.h"

void dp_run_writer_put(dp_run_writer *w, size_t first, size_t end)
{
    if (w->count > 0 && first == w->end) {
        if (w->count <= w->capacity)
            w->counts[w->count - 1] += (uint32_t)(end - first);
    } else {
        if (w->count < w->capacity)
            w->counts[w->count] = (uint32_t)(first - w->end);
        if (w->count + 1 < w->capacity)
            w->counts[w->count + 1] = (uint32_t)(end - first);
        w->count += 2;
    }
    w->end = end;
}

size_t dp_run_writer_end(dp_run_writer *w, size_t pixels)
{
    if (w->end < pixels) {
        if (w->count < w->capacity)
            w->counts[w->count] = (uint32_t)(pixels - w->end);
        w->count++;
    }
    return w->count;
}
