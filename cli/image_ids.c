#include "cli/image_ids.h"

#include "base/memory.h"
#include "cli/input_image.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct numbered {
    long long number;
    size_t input;
} numbered;

static int by_number(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->input < y->input ? -1 : x->input > y->input;
}

/* All inputs that have a number, in the order of the inputs. */
static size_t find_numbers(numbered *out, const dp_inputs *in, const char **unnumbered)
{
    size_t count = 0;
    *unnumbered = NULL;
    for (size_t i = 0; i < in->count; i++) {
        long long number;
        if (dp_input_image_number(in->path[i], &number))
            out[count++] = (numbered){number, i};
        else if (!*unnumbered)
            *unnumbered = in->path[i];
    }
    return count;
}

static dp_status take_numbers(dp_error *err, dp_image_ids *ids, numbered *all,
                              const dp_inputs *in)
{
    qsort(all, in->count, sizeof *all, by_number);
    for (size_t i = 0; i < in->count; i++) {
        if (i > 0 && all[i].number == all[i - 1].number)
            return dp_fail(err, DP_EARG,
                           "image_id: %s and %s would both be %lld; rename one of them",
                           in->path[all[i - 1].input], in->path[all[i].input],
                           all[i].number);
        ids->list[all[i].input] = all[i].number;
    }
    return DP_OK;
}

/* A number that is another input's position would be read as that of its own file. */
static dp_status take_positions(dp_error *err, dp_image_ids *ids, const numbered *all,
                                size_t count, const dp_inputs *in)
{
    for (size_t i = 0; i < count; i++) {
        const long long at = all[i].number - 1;
        if (at < 0 || at >= (long long)in->count || at == (long long)all[i].input)
            continue;
        return dp_fail(err, DP_EARG,
                       "image_id: %s (by its name) and %s (by its position) would both "
                       "be %lld; rename one of them",
                       in->path[all[i].input], in->path[at], all[i].number);
    }
    for (size_t i = 0; i < in->count; i++)
        ids->list[i] = (int64_t)i + 1;
    return DP_OK;
}

dp_status dp_image_ids_init(dp_error *err, dp_image_ids *ids, const dp_inputs *in)
{
    *ids = (dp_image_ids){0};
    void *list, *memory = NULL;
    dp_status st = dp_alloc(err, &list, in->count, sizeof *ids->list, "image ids");
    if (st != DP_OK)
        return st;
    ids->list = list;
    st = dp_alloc(err, &memory, in->count, sizeof(numbered), "image ids");
    if (st == DP_OK) {
        const size_t count = find_numbers(memory, in, &ids->unnumbered);
        st = count == in->count ? take_numbers(err, ids, memory, in)
                                : take_positions(err, ids, memory, count, in);
        if (count == 0)
            ids->unnumbered = NULL;
    }
    dp_free(memory);
    if (st != DP_OK)
        dp_image_ids_done(ids);
    return st;
}

void dp_image_ids_done(dp_image_ids *ids)
{
    dp_free(ids->list);
    *ids = (dp_image_ids){0};
}
