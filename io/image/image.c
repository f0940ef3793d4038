#include "io/image/image.h"

#include "base/file.h"
#include "base/memory.h"
#include "core/limits.h"
#include "io/image/jpeg.h"
#include "io/image/png.h"

#include <stdbool.h>
#include <string.h>

typedef dp_status decode_fn(dp_error *err, dp_pixels *out, const void *bytes,
                            size_t size, const char *name);

/* A format and the bytes that tell it: `length` of them at `offset`. */
struct signature {
    const char *format;
    decode_fn *decode; /* NULL for what is not read */
    size_t offset, length;
    const char *magic;
};

enum { SHOWN = 16 }; /* first bytes in a sentence */

/* The first that fits; a PNG that is Apple's own kind comes before PNG. */
static const struct signature signatures[] = {
    {"JPEG", dp_jpeg_decode, 0, 3, "\xff\xd8\xff"},
    {"Apple's variant of PNG (CgBI)", NULL, 12, 4, "CgBI"},
    {"PNG", dp_png_decode, 0, 8, "\x89PNG\r\n\x1a\n"},
    {"GIF", NULL, 0, 6, "GIF87a"},
    {"GIF", NULL, 0, 6, "GIF89a"},
    {"WebP", NULL, 8, 4, "WEBP"},
    {"BMP", NULL, 0, 2, "BM"},
    {"TIFF", NULL, 0, 4, "II*\0"},
    {"TIFF", NULL, 0, 4, "MM\0*"},
    {"BigTIFF", NULL, 0, 4, "II+\0"},
    {"BigTIFF", NULL, 0, 4, "MM\0+"},
    {"AVIF", NULL, 4, 8, "ftypavif"},
    {"AVIF", NULL, 4, 8, "ftypavis"},
    {"HEIC", NULL, 4, 8, "ftypheic"},
    {"HEIC", NULL, 4, 8, "ftypheix"},
    {"HEIC", NULL, 4, 8, "ftyphevc"},
    {"HEIF", NULL, 4, 8, "ftypmif1"},
    {"HEIF", NULL, 4, 8, "ftypmsf1"},
    {"JPEG 2000", NULL, 0, 12, "\0\0\0\x0cjP  \r\n\x87\n"},
    {"JPEG 2000", NULL, 0, 4, "\xff\x4f\xff\x51"},
    {"JPEG XL", NULL, 0, 12, "\0\0\0\x0cJXL \r\n\x87\n"},
    {"JPEG XL", NULL, 0, 2, "\xff\x0a"},
    {"PPM", NULL, 0, 3, "P6\n"},
    {"PGM", NULL, 0, 3, "P5\n"},
    {"OpenEXR", NULL, 0, 4, "\x76\x2f\x31\x01"},
    {"PDF", NULL, 0, 5, "%PDF-"},
    {"ZIP", NULL, 0, 4, "PK\x03\x04"},
};

static const struct signature *find_signature(const void *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (size >= s->offset + s->length &&
            memcmp((const char *)bytes + s->offset, s->magic, s->length) == 0)
            return s;
    }
    return NULL;
}

static bool is_text(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] < ' ' || bytes[i] > '~') &&
            !(bytes[i] >= '\t' && bytes[i] <= '\r'))
            return false;
    return true;
}

static dp_status refuse_unknown(dp_error *err, const unsigned char *bytes, size_t size,
                                const char *name)
{
    static const char expected[] = "not JPEG (ff d8 ff) or PNG (89 50 4e 47)";
    if (size == 0)
        return dp_fail(err, DP_EFORMAT, "%s: an empty file, %s", name, expected);

    const size_t shown = size < SHOWN ? size : SHOWN;
    char hex[3 * SHOWN + 1];
    for (size_t i = 0; i < shown; i++)
        snprintf(hex + 3 * i, 4, "%02x ", bytes[i]);
    hex[3 * shown - 1] = '\0';
    if (is_text(bytes, shown))
        return dp_fail(err, DP_EFORMAT, "%s: text \"%.*s\" (%s), %s", name, (int)shown,
                       (const char *)bytes, hex, expected);
    return dp_fail(err, DP_EFORMAT, "%s: unknown bytes (%s), %s", name, hex, expected);
}

dp_status dp_pixels_decode(dp_error *err, dp_pixels *out, const void *bytes,
                           size_t size, const char *name)
{
    *out = (dp_pixels){0};
    const struct signature *s = find_signature(bytes, size);
    if (!s)
        return refuse_unknown(err, bytes, size, name);
    if (!s->decode)
        return dp_fail(err, DP_EUNSUPPORTED, "%s: %s, not JPEG or PNG", name,
                       s->format);
    return s->decode(err, out, bytes, size, name);
}

dp_status dp_pixels_load(dp_error *err, dp_pixels *out, const char *path)
{
    unsigned char *bytes;
    size_t size;
    *out = (dp_pixels){0};
    dp_status st = dp_file_load(err, &bytes, &size, path, DP_MAX_IMAGE_BYTES);
    if (st == DP_OK)
        st = dp_pixels_decode(err, out, bytes, size, path);
    dp_free(bytes);
    return st;
}

dp_status dp_pixels_load_stream(dp_error *err, dp_pixels *out, FILE *stream,
                                const char *name)
{
    unsigned char *bytes;
    size_t size;
    *out = (dp_pixels){0};
    dp_status st =
        dp_file_load_stream(err, &bytes, &size, stream, name, DP_MAX_IMAGE_BYTES);
    if (st == DP_OK)
        st = dp_pixels_decode(err, out, bytes, size, name);
    dp_free(bytes);
    return st;
}
