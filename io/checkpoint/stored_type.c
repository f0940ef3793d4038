#include "io/checkpoint/stored_type.h"

#include "base/memory.h"

const dp_stored_type dp_stored_types[] = {
    {"F32", "FloatStorage", "float32", DP_DTYPE_F32, 32, true},
    {"F16", "HalfStorage", "float16", DP_DTYPE_F16, 16, true},
    {"BF16", "BFloat16Storage", "bfloat16", DP_DTYPE_BF16, 16, true},
    {"F64", "DoubleStorage", "float64", DP_DTYPE_F64, 64, true},
    {"I8", "CharStorage", "int8", DP_DTYPE_I8, 8, true},
    {"U8", "ByteStorage", "uint8", DP_DTYPE_U8, 8, true},
    {"I16", "ShortStorage", "int16", DP_DTYPE_I16, 16, true},
    {"U16", NULL, "uint16", DP_DTYPE_U16, 16, true},
    {"I32", "IntStorage", "int32", DP_DTYPE_I32, 32, true},
    {"U32", NULL, "uint32", DP_DTYPE_U32, 32, true},
    {"I64", "LongStorage", "int64", DP_DTYPE_I64, 64, true},
    {"U64", NULL, "uint64", DP_DTYPE_U64, 64, true},
    {"BOOL", "BoolStorage", "bool", DP_DTYPE_BOOL, 8, true},
    {"C32", "ComplexHalfStorage", "complex32", DP_DTYPE_OTHER, 32, false},
    {"C64", "ComplexFloatStorage", "complex64", DP_DTYPE_OTHER, 64, true},
    {"C128", "ComplexDoubleStorage", "complex128", DP_DTYPE_OTHER, 128, false},
    {"QI8", "QInt8Storage", "qint8", DP_DTYPE_OTHER, 8, false},
    {"QU8", "QUInt8Storage", "quint8", DP_DTYPE_OTHER, 8, false},
    {"QI32", "QInt32Storage", "qint32", DP_DTYPE_OTHER, 32, false},
    {"F8_E4M3", NULL, "float8_e4m3fn", DP_DTYPE_OTHER, 8, true},
    {"F8_E5M2", NULL, "float8_e5m2", DP_DTYPE_OTHER, 8, true},
    {"F8_E4M3FNUZ", NULL, "float8_e4m3fnuz", DP_DTYPE_OTHER, 8, true},
    {"F8_E5M2FNUZ", NULL, "float8_e5m2fnuz", DP_DTYPE_OTHER, 8, true},
    {"F8_E8M0", NULL, "float8_e8m0fnu", DP_DTYPE_OTHER, 8, true},
    {"F6_E2M3", NULL, NULL, DP_DTYPE_OTHER, 6, true},
    {"F6_E3M2", NULL, NULL, DP_DTYPE_OTHER, 6, true},
    {"F4", NULL, NULL, DP_DTYPE_OTHER, 4, true},
};

enum { TYPES = sizeof dp_stored_types / sizeof dp_stored_types[0] };

const dp_stored_type *dp_stored_type_find(dp_name name)
{
    for (int i = 0; i < TYPES; i++)
        if (dp_stored_types[i].in_safetensors &&
            dp_name_equals(name, dp_stored_types[i].name))
            return &dp_stored_types[i];
    return NULL;
}

const dp_stored_type *dp_stored_type_find_storage(dp_name storage)
{
    for (int i = 0; i < TYPES; i++)
        if (dp_stored_types[i].storage &&
            dp_name_equals(storage, dp_stored_types[i].storage))
            return &dp_stored_types[i];
    return NULL;
}

const dp_stored_type *dp_stored_type_find_torch(dp_name torch)
{
    for (int i = 0; i < TYPES; i++)
        if (dp_stored_types[i].torch && dp_name_equals(torch, dp_stored_types[i].torch))
            return &dp_stored_types[i];
    return NULL;
}

bool dp_stored_type_bytes(const dp_stored_type *type, size_t count, size_t *bytes)
{
    size_t bits;
    if (type->bits % 8 == 0)
        return dp_mul_size(bytes, count, type->bits / 8);
    if (!dp_mul_size(&bits, count, type->bits) || bits % 8 != 0)
        return false;
    *bytes = bits / 8;
    return true;
}
