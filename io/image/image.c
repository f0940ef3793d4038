#define _POSIX_C_SOURCE 200809L
#include "io/image/image.h"

#include "base/file.h"
#include "base/memory.h"
#include "core/limits.h"
#include "io/image/bmp.h"
#include "io/image/gif.h"
#include "io/image/jpeg.h"
#include "io/image/png.h"
#include "io/image/ppm.h"
#include "io/image/tiff.h"
#include "io/image/webp.h"

#include <string.h>
#include <strings.h>

typedef dp_status decode_fn(dp_error *err, dp_pixels *out, const void *bytes,
                            size_t size, const char *name);

/* Formats whose library this build may not have. */
#if DP_WITH_GIF
#define DECODE_GIF dp_gif_decode
#else
#define DECODE_GIF NULL
#endif
#if DP_WITH_TIFF
#define DECODE_TIFF dp_tiff_decode
#else
#define DECODE_TIFF NULL
#endif
#if DP_WITH_WEBP
#define DECODE_WEBP dp_webp_decode
#else
#define DECODE_WEBP NULL
#endif

/* A format and the bytes that tell it: `length` of them at `offset`. */
struct signature {
    const char *format;
    decode_fn *decode; /* NULL for what is not read */
    size_t offset, length;
    const char *magic;
    const char *library; /* that reads it and may be missing; NULL: none */
};

enum { SHOWN = 16 }; /* first bytes in a sentence */

/* The first that fits; a PNG that is Apple's own kind comes before PNG. */
static const struct signature signatures[] = {
    {"JPEG", dp_jpeg_decode, 0, 3, "\xff\xd8\xff", NULL},
    {"Apple's variant of PNG (CgBI)", NULL, 12, 4, "CgBI", NULL},
    {"PNG", dp_png_decode, 0, 8, "\x89PNG\r\n\x1a\n", NULL},
    {"GIF", DECODE_GIF, 0, 6, "GIF87a", "giflib"},
    {"GIF", DECODE_GIF, 0, 6, "GIF89a", "giflib"},
    {"WebP", DECODE_WEBP, 8, 4, "WEBP", "libwebp"},
    {"BMP", dp_bmp_decode, 0, 2, "BM", NULL},
    {"TIFF", DECODE_TIFF, 0, 4, "II*\0", "libtiff 4.5"},
    {"TIFF", DECODE_TIFF, 0, 4, "MM\0*", "libtiff 4.5"},
    {"BigTIFF", DECODE_TIFF, 0, 4, "II+\0", "libtiff 4.5"},
    {"BigTIFF", DECODE_TIFF, 0, 4, "MM\0+", "libtiff 4.5"},
    {"AVIF", NULL, 4, 8, "ftypavif", NULL},
    {"AVIF", NULL, 4, 8, "ftypavis", NULL},
    {"HEIC", NULL, 4, 8, "ftypheic", NULL},
    {"HEIC", NULL, 4, 8, "ftypheix", NULL},
    {"HEIC", NULL, 4, 8, "ftyphevc", NULL},
    {"HEIF", NULL, 4, 8, "ftypmif1", NULL},
    {"HEIF", NULL, 4, 8, "ftypmsf1", NULL},
    {"JPEG 2000", NULL, 0, 12, "\0\0\0\x0cjP  \r\n\x87\n", NULL},
    {"JPEG 2000", NULL, 0, 4, "\xff\x4f\xff\x51", NULL},
    {"JPEG XL", NULL, 0, 12, "\0\0\0\x0cJXL \r\n\x87\n", NULL},
    {"JPEG XL", NULL, 0, 2, "\xff\x0a", NULL},
    {"PPM", dp_ppm_decode, 0, 2, "P6", NULL},
    {"PGM", dp_ppm_decode, 0, 2, "P5", NULL},
    {"OpenEXR", NULL, 0, 4, "\x76\x2f\x31\x01", NULL},
    {"PDF", NULL, 0, 5, "%PDF-", NULL},
    {"ZIP", NULL, 0, 4, "PK\x03\x04", NULL},
    {"a Y4M stream, which detect and segment read with --stream y4m", NULL, 0, 9,
     "YUV4MPEG2", NULL},
};

static const char expected[] = "not JPEG, PNG, BMP, GIF, PPM, TIFF or WebP";

static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".bmp",  ".gif",
                                       ".pgm", ".ppm",  ".tif", ".tiff", ".webp"};
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

const char *dp_pixels_suffix(size_t i)
{
    return i < SUFFIXES ? suffixes[i] : NULL;
}

bool dp_pixels_is_named(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t length = strlen(name);
    for (size_t i = 0; i < SUFFIXES; i++) {
        const size_t n = strlen(suffixes[i]);
        if (length > n && strcasecmp(name + length - n, suffixes[i]) == 0)
            return true;
    }
    return false;
}

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
    if (!s->decode && s->library)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: %s is not read: this build is without %s", name, s->format,
                       s->library);
    if (!s->decode)
        return dp_fail(err, DP_EUNSUPPORTED, "%s: %s, %s", name, s->format, expected);
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
