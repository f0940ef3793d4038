#include "core/parameters.h"

#include "base/memory.h"

#include <string.h>

static const char what[] = "a parameter";

static size_t count_values(const dp_parameter *t)
{
    size_t count = 1;
    for (int d = 0; d < t->rank; d++)
        count *= (size_t)t->shape[d];
    return count;
}

dp_status dp_parameters_add(dp_error *err, dp_parameters *p, dp_store *store,
                            const dp_parameter *tensor, const float *values,
                            const float **kept)
{
    const dp_parameter *known = dp_parameters_find(p, tensor->name);
    *kept = known ? known->value : NULL;
    if (known)
        return DP_OK;
    const size_t count = count_values(tensor), length = strlen(tensor->name) + 1;
    void *name = NULL, *copy = NULL;
    dp_status st =
        dp_grow(err, &p->list, &p->capacity, p->count + 1, sizeof *p->list, what);
    if (st == DP_OK)
        st = dp_store_take(err, store, &name, length, 1, what);
    if (st == DP_OK)
        st = dp_store_take(err, store, &copy, count, sizeof *values, what);
    if (st != DP_OK)
        return st;
    memcpy(name, tensor->name, length);
    memcpy(copy, values, count * sizeof *values);
    dp_parameter *added = &p->list[p->count++];
    *added = *tensor;
    added->name = name;
    added->count = count;
    added->value = copy;
    *kept = copy;
    return DP_OK;
}

const dp_parameter *dp_parameters_find(const dp_parameters *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0)
            return &p->list[i];
    return NULL;
}

const dp_parameter *dp_parameters_find_values(const dp_parameters *p,
                                              const float *values)
{
    for (size_t i = p->count; values && i-- > 0;)
        if (p->list[i].value == values)
            return &p->list[i];
    return NULL;
}

void dp_parameter_describe(const dp_parameter *p, dp_named_tensor *tensor)
{
    *tensor = (dp_named_tensor){
        .name = p->name, .dtype = DP_DTYPE_F32, .rank = p->rank, .data = p->value};
    int64_t stride = 1;
    for (int d = p->rank - 1; d >= 0; d--) {
        tensor->shape[d] = p->shape[d];
        tensor->stride[d] = stride;
        stride *= p->shape[d];
    }
}

float *dp_parameter_gradient(const dp_parameter_gradients *g, const float *value)
{
    const dp_parameter *p = dp_parameters_find_values(g->parameters, value);
    return p ? g->gradient[p - g->parameters->list] : NULL;
}

void dp_parameters_done(dp_parameters *p)
{
    dp_free(p->list);
    *p = (dp_parameters){0};
}
