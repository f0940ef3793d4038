#include "ops/column_sums.h"

#include <string.h>

enum { MOST_CHUNKS = 32 };

typedef struct column_sums {
    dp_column_sums_fn *fn;
    const void *arg;
    size_t rows, width, chunks;
    double *sums; /* chunks x width */
} column_sums;

static void sum_chunk(void *arg, int item, int worker)
{
    const column_sums *s = arg;
    const size_t i = (size_t)item;
    const size_t first = i * s->rows / s->chunks;
    double *sums = s->sums + i * s->width;
    (void)worker;
    memset(sums, 0, s->width * sizeof *sums);
    s->fn(s->arg, first, (i + 1) * s->rows / s->chunks - first, sums);
}

static size_t count_chunks(size_t rows, size_t grain)
{
    const size_t chunks = rows / grain;
    return chunks < 1 ? 1 : chunks > MOST_CHUNKS ? MOST_CHUNKS : chunks;
}

const double *dp_column_sums(dp_run *r, size_t rows, size_t grain, size_t width,
                             dp_column_sums_fn *fn, const void *arg)
{
    column_sums s = {fn, arg, rows, width, count_chunks(rows, grain), NULL};
    s.sums = dp_run_take(r, s.chunks * width, sizeof *s.sums);
    if (r->dry)
        return NULL;
    dp_parallel(r->pool, (int)s.chunks, sum_chunk, &s);
    for (size_t chunk = 1; chunk < s.chunks; chunk++)
        for (size_t i = 0; i < width; i++)
            s.sums[i] += s.sums[chunk * width + i];
    return s.sums;
}
