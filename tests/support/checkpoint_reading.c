#include "tests/support/checkpoint_reading.h"

#include "base/memory.h"
#include "io/checkpoint/safetensors.h"
#include "io/checkpoint/torch_file.h"
#include "io/checkpoint/torch_names.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned char sink;

/* Read the first and the last element of every tensor, where a wrong one would be. */
static void touch(const dp_tensor_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const dp_named_tensor *t = &l->tensors[i];
        const size_t width = (l->types[i]->bits + 7) / 8;
        size_t last = 0;
        if (dp_named_tensor_count(t) == 0)
            continue;
        for (int d = 0; d < t->rank; d++)
            last += (size_t)(t->shape[d] - 1) * (size_t)t->stride[d];
        const unsigned char *p = t->data;
        if (l->types[i]->bits % 8)
            last = last * l->types[i]->bits / 8;
        else
            last = last * width + width - 1;
        sink = p[0];
        sink = p[last];
        ck_assert_int_ge(dp_named_tensor_is_dense(t), 0);
    }
}

dp_status read_torch(dp_error *err, const unsigned char *bytes, size_t size)
{
    dp_torch_file f;
    dp_tensor_list list = {0};
    dp_status st = dp_torch_file_init(err, &f, "f", bytes, size);
    if (st == DP_OK)
        st = dp_torch_names_list(err, &f, f.root, &list);
    if (st == DP_OK)
        touch(&list);
    dp_tensor_list_done(&list);
    dp_torch_file_done(&f);
    return st;
}

dp_status read_safetensors(dp_error *err, const unsigned char *bytes, size_t size)
{
    dp_tensor_list list = {0};
    dp_pickle_values metadata = {0};
    dp_pickle_value root;
    char *texts;
    const dp_status st =
        dp_safetensors_read(err, &list, &metadata, &root, &texts, "f", bytes, size);
    if (st == DP_OK)
        touch(&list);
    dp_tensor_list_done(&list);
    dp_pickle_values_done(&metadata);
    dp_free(texts);
    return st;
}

dp_status read_exact(dp_error *err, read_fn *read, const void *bytes, size_t size)
{
    unsigned char *block = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(block);
    if (size)
        memcpy(block, bytes, size);
    *err = (dp_error){0};
    const dp_status st = read(err, block, size);
    ck_assert(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED);
    free(block);
    return st;
}
