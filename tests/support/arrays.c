#include "tests/support/arrays.h"

#include "tests/support/shared.h"

#include <check.h>
#include <stdlib.h>

static void *room(size_t count, size_t size)
{
    void *p = malloc(count * size + 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

float *floats_load(const char *path, size_t *count)
{
    npy a = npy_load(path);
    float *values = room(a.count, sizeof *values);
    for (size_t i = 0; i < a.count; i++)
        values[i] = (float)a.values[i];
    free(a.values);
    *count = a.count;
    return values;
}

int *ints_load(const char *path, size_t *count)
{
    npy a = npy_load(path);
    int *values = room(a.count, sizeof *values);
    for (size_t i = 0; i < a.count; i++)
        values[i] = (int)a.values[i];
    free(a.values);
    *count = a.count;
    return values;
}

dp_box *boxes_load(const char *path, size_t *count)
{
    float *v = floats_load(path, count);
    *count /= 4;
    dp_box *boxes = room(*count, sizeof *boxes);
    for (size_t i = 0; i < *count; i++)
        boxes[i] = (dp_box){v[4 * i], v[4 * i + 1], v[4 * i + 2], v[4 * i + 3]};
    free(v);
    return boxes;
}
