#include "tests/support/shared.h"

#include "tests/support/suite.h"

#include <check.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 512, PATHS = 4 };

const char *shared_path(const char *format, ...)
{
    static char paths[PATHS][PATH];
    static int next;
    char *path = paths[next++ % PATHS];
    const int n = snprintf(path, PATH, "../shared/");
    va_list args;
    va_start(args, format);
    vsnprintf(path + n, PATH - (size_t)n, format, args);
    va_end(args);
    return path;
}

bool shared_has(const char *name)
{
    struct stat st;
    if (stat(shared_path("%s", name), &st) == 0)
        return true;
    suite_skip("../shared/%s is not there", name);
    return false;
}

char *file_load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s cannot be opened", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    const long length = ftell(f);
    ck_assert_int_ge(length, 0);
    rewind(f);
    char *bytes = malloc((size_t)length + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)length, f), (size_t)length);
    fclose(f);
    bytes[length] = '\0';
    if (size)
        *size = (size_t)length;
    return bytes;
}

static double read_value(const char *bytes, char kind, size_t size)
{
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    if (kind == 'f' && size == 4)
        return memcpy(&f32, bytes, 4), (double)f32;
    if (kind == 'f' && size == 8)
        return memcpy(&f64, bytes, 8), f64;
    if (kind == 'i' && size == 4)
        return memcpy(&i32, bytes, 4), (double)i32;
    if (kind == 'u' && size == 1)
        return (double)*(const unsigned char *)bytes;
    ck_assert_msg(kind == 'i' && size == 8, "an array of %c%zu", kind, size);
    return memcpy(&i64, bytes, 8), (double)i64;
}

/* Version 1: magic, two bytes of version, a short with the header's length, a Python
 * dictionary, the values. */
npy npy_load(const char *path)
{
    size_t size;
    char *bytes = file_load(path, &size);
    ck_assert_msg(size > 10 && memcmp(bytes, "\x93NUMPY\x01", 7) == 0, "%s", path);
    const size_t length =
        (size_t)(unsigned char)bytes[8] + 256u * (size_t)(unsigned char)bytes[9];
    ck_assert_uint_le(10 + length, size);
    char *header = bytes + 10;
    header[length - 1] = '\0';
    ck_assert_ptr_nonnull(strstr(header, "'fortran_order': False"));
    const char *type = strstr(header, "'descr': '");
    const char *shape = strchr(header, '(');
    ck_assert(type && shape && (type[10] == '<' || type[10] == '|'));
    const char kind = type[11];
    const size_t width = (size_t)(type[12] - '0');

    npy a = {.count = 1};
    for (const char *at = shape + 1; *at != ')';) {
        char *end;
        a.shape[a.rank] = (int)strtol(at, &end, 10);
        a.count *= (size_t)a.shape[a.rank++];
        for (at = end; *at == ',' || *at == ' '; at++)
            ;
    }
    ck_assert_uint_eq(size, 10 + length + a.count * width);
    a.values = malloc((a.count + 1) * sizeof *a.values);
    ck_assert_ptr_nonnull(a.values);
    for (size_t i = 0; i < a.count; i++)
        a.values[i] = read_value(bytes + 10 + length + i * width, kind, width);
    free(bytes);
    return a;
}
