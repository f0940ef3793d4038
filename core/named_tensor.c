#include "core/named_tensor.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [DP_DTYPE_F32] = {"F32", 4},   [DP_DTYPE_F16] = {"F16", 2},
    [DP_DTYPE_BF16] = {"BF16", 2}, [DP_DTYPE_F64] = {"F64", 8},
    [DP_DTYPE_I8] = {"I8", 1},     [DP_DTYPE_U8] = {"U8", 1},
    [DP_DTYPE_I16] = {"I16", 2},   [DP_DTYPE_U16] = {"U16", 2},
    [DP_DTYPE_I32] = {"I32", 4},   [DP_DTYPE_U32] = {"U32", 4},
    [DP_DTYPE_I64] = {"I64", 8},   [DP_DTYPE_U64] = {"U64", 8},
    [DP_DTYPE_BOOL] = {"BOOL", 1}, [DP_DTYPE_OTHER] = {"OTHER", 0},
};

const char *dp_dtype_name(dp_dtype type)
{
    return types[type].name;
}

size_t dp_dtype_size(dp_dtype type)
{
    return types[type].size;
}

size_t dp_named_tensor_count(const dp_named_tensor *t)
{
    size_t count = 1;
    for (int d = 0; d < t->rank; d++)
        count *= (size_t)t->shape[d];
    return count;
}

bool dp_named_tensor_is_dense(const dp_named_tensor *t)
{
    int64_t want = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
        if (t->shape[d] != 1 && t->stride[d] != want)
            return dp_named_tensor_count(t) == 0;
        want *= t->shape[d];
    }
    return true;
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h >> 15) << 31;
    const uint32_t exponent = (h >> 10) & 31u;
    const uint32_t fraction = h & 1023u;
    if (exponent == 31)
        return from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24, exact */
        const float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* clang-format off */
static float load_element(const unsigned char *p, dp_dtype dtype)
{
    switch (dtype) {
    /* The copies through memcpy allow any alignment. */
#define ROW(DTYPE, type, value)    \
    case DP_DTYPE_##DTYPE: {       \
        type v;                    \
        memcpy(&v, p, sizeof v);   \
        return value;              \
    }
    ROW(F32, float, v)
    ROW(F16, uint16_t, half_to_float(v))
    ROW(BF16, uint16_t, from_bits((uint32_t)v << 16))
    ROW(F64, double, (float)v)
    ROW(I8, int8_t, (float)v)
    ROW(I16, int16_t, (float)v)
    ROW(U16, uint16_t, (float)v)
    ROW(I32, int32_t, (float)v)
    ROW(U32, uint32_t, (float)v)
    ROW(I64, int64_t, (float)v)
    ROW(U64, uint64_t, (float)v)
#undef ROW
    case DP_DTYPE_BOOL:
        return *p != 0 ? 1.0f : 0.0f;
    case DP_DTYPE_U8:
    case DP_DTYPE_OTHER:
        break;
    }
    return (float)*p;
}
/* clang-format on */

const void *dp_element_next(dp_element_walk *w)
{
    const dp_named_tensor *t = w->tensor;
    const unsigned char *element =
        (const unsigned char *)t->data + (size_t)w->at * dp_dtype_size(t->dtype);
    for (int d = t->rank - 1; d >= 0; d--) {
        w->at += t->stride[d];
        if (++w->index[d] < t->shape[d])
            break;
        w->at -= t->stride[d] * t->shape[d];
        w->index[d] = 0;
    }
    return element;
}

void dp_named_tensor_copy(const dp_named_tensor *t, void *out)
{
    const size_t size = dp_dtype_size(t->dtype), count = dp_named_tensor_count(t);
    if (count && dp_named_tensor_is_dense(t)) {
        memcpy(out, t->data, count * size);
        return;
    }
    dp_element_walk walk = {.tensor = t};
    for (size_t i = 0; i < count; i++)
        memcpy((unsigned char *)out + i * size, dp_element_next(&walk), size);
}

bool dp_named_tensor_to_f32(const dp_named_tensor *t, float *out)
{
    if (t->dtype == DP_DTYPE_OTHER)
        return false;
    if (t->dtype == DP_DTYPE_F32 && dp_named_tensor_is_dense(t)) {
        dp_named_tensor_copy(t, out);
        return true;
    }
    const size_t count = dp_named_tensor_count(t);
    dp_element_walk walk = {.tensor = t};
    for (size_t i = 0; i < count; i++)
        out[i] = load_element(dp_element_next(&walk), t->dtype);
    return true;
}

void dp_named_tensor_format_shape(char *text, size_t size, int rank,
                                  const int64_t *shape)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int d = 0; d < rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", d ? ", " : "",
                                 (long long)shape[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}
