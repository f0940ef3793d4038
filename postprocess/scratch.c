#include "postprocess/scratch.h"

enum { LINE = 64 };

void *dp_scratch_take(dp_scratch *s, size_t count, size_t size)
{
    void *piece = s->base ? s->base + s->used : NULL;
    s->used += (count * size + LINE - 1) / LINE * LINE + LINE;
    return piece;
}
