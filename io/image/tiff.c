#include "io/image/tiff.h"

#include "base/memory.h"
#include "core/limits.h"
#include "io/image/exif.h"
#include "io/image/image_limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

enum { ASSOCIATED_ALPHA = 1, SENTENCE = 200 };

struct reader {
    dp_error *err;
    const char *name;
    const unsigned char *bytes;
    size_t size, at;
    char first[SENTENCE]; /* libtiff's first complaint; "" when there is none */
    TIFF *tiff;
    dp_pixels *out;

    uint32_t w, h, block_w, block_h; /* of the image, of a strip or tile */
    uint16_t bits, samples, kind, compression;
    bool tiled, planes, multiplied;
    const uint16_t *red, *green, *blue; /* of a palette: 2 to the power of bits each */
};

/* ---- libtiff's callbacks -------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t wanted)
{
    struct reader *r = handle;
    const size_t left = r->at < r->size ? r->size - r->at : 0;
    const size_t count = wanted < 0 ? 0 : (size_t)wanted < left ? (size_t)wanted : left;
    memcpy(to, r->bytes + (count ? r->at : 0), count);
    r->at += count;
    return (tmsize_t)count;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t size)
{
    (void)handle;
    (void)from;
    (void)size;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t to, int whence)
{
    struct reader *r = handle;
    const size_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->size;
    r->at = base + (size_t)to;
    return (toff_t)r->at;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t tell_size(thandle_t handle)
{
    const struct reader *r = handle;
    return (toff_t)r->size;
}

/* 1: it is heard; libtiff's own handler, which prints, is not called. */
DP_PRINTF(4, 0)
static int keep_error(TIFF *tiff, void *arg, const char *module, const char *format,
                      va_list args)
{
    struct reader *r = arg;
    (void)tiff;
    (void)module;
    if (!r->first[0])
        vsnprintf(r->first, sizeof r->first, format, args);
    return 1;
}

static int ignore_warning(TIFF *tiff, void *arg, const char *module, const char *format,
                          va_list args)
{
    (void)tiff;
    (void)arg;
    (void)module;
    (void)format;
    (void)args;
    return 1;
}

static dp_status refuse(const struct reader *r)
{
    return dp_fail(r->err, DP_EFORMAT, "%s: the TIFF is damaged or not complete%s%s%s",
                   r->name, r->first[0] ? " (" : "", r->first, r->first[0] ? ")" : "");
}

static dp_status open_file(struct reader *r)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return dp_fail(r->err, DP_ENOMEM, "%s: out of memory: a TIFF reader", r->name);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, DP_MAX_IMAGE_BYTES);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, r);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, r);
    r->tiff = TIFFClientOpenExt(r->name, "rm", r, read_bytes, write_nothing, seek,
                                close_nothing, tell_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return r->tiff ? DP_OK : refuse(r);
}

/* ---- what is in the file ---------------------------------------------------------------- */

static uint16_t get_tag(const struct reader *r, uint32_t tag)
{
    uint16_t value = 0;
    (void)TIFFGetFieldDefaulted(r->tiff, tag, &value);
    return value;
}

static bool is_grey(const struct reader *r)
{
    return r->kind == PHOTOMETRIC_MINISBLACK || r->kind == PHOTOMETRIC_MINISWHITE;
}

static bool is_read(const struct reader *r)
{
    const uint16_t bits = r->bits;
    const bool small = bits == 1 || bits == 2 || bits == 4 || bits == 8;
    if (get_tag(r, TIFFTAG_SAMPLEFORMAT) != SAMPLEFORMAT_UINT || r->samples < 1)
        return false;
    if (small && bits < 8 && r->samples > 1)
        return false;
    if (is_grey(r))
        return small || bits == 16;
    if (r->kind == PHOTOMETRIC_PALETTE)
        return small;
    if (r->kind == PHOTOMETRIC_YCBCR)
        return bits == 8 && r->samples == 3 && r->compression == COMPRESSION_JPEG;
    return r->kind == PHOTOMETRIC_RGB && (bits == 8 || bits == 16) && r->samples >= 3;
}

static dp_status read_kind(struct reader *r)
{
    uint16_t extra = 0;
    uint16_t *extras = NULL;
    r->bits = get_tag(r, TIFFTAG_BITSPERSAMPLE);
    r->samples = get_tag(r, TIFFTAG_SAMPLESPERPIXEL);
    r->compression = get_tag(r, TIFFTAG_COMPRESSION);
    r->planes = get_tag(r, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    if (!TIFFGetField(r->tiff, TIFFTAG_PHOTOMETRIC, &r->kind))
        r->kind = r->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (TIFFGetField(r->tiff, TIFFTAG_EXTRASAMPLES, &extra, &extras) && extra > 0)
        r->multiplied = !r->planes && r->kind == PHOTOMETRIC_RGB && r->samples > 3 &&
                        extras[0] == ASSOCIATED_ALPHA;
    if (!TIFFIsCODECConfigured(r->compression))
        return dp_fail(r->err, DP_EUNSUPPORTED,
                       "%s: a TIFF of compression %u, which this libtiff does not know",
                       r->name, r->compression);
    if (!is_read(r))
        return dp_fail(r->err, DP_EUNSUPPORTED,
                       "%s: a TIFF of %u x %u bits, photometric %u, format %u is not "
                       "read; 8 and 16 bits of grey and RGB, and palettes are",
                       r->name, r->samples, r->bits, r->kind,
                       get_tag(r, TIFFTAG_SAMPLEFORMAT));
    if (r->kind == PHOTOMETRIC_PALETTE &&
        !TIFFGetField(r->tiff, TIFFTAG_COLORMAP, &r->red, &r->green, &r->blue))
        return refuse(r);
    if (r->kind == PHOTOMETRIC_YCBCR)
        (void)TIFFSetField(r->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    return DP_OK;
}

/* How many bytes one byte of the file can become at most; 0: not known. Deflate makes 1032,
 * LZW 4096 of a code of nine bits, PackBits 128 of two bytes. */
static uint64_t most_expansion(uint16_t compression)
{
    switch (compression) {
    case COMPRESSION_NONE:
        return 1;
    case COMPRESSION_PACKBITS:
        return 64;
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
        return 1032;
    case COMPRESSION_LZW:
        return 3641;
    default:
        return 0;
    }
}

static dp_status read_size(struct reader *r)
{
    if (!TIFFGetField(r->tiff, TIFFTAG_IMAGEWIDTH, &r->w) ||
        !TIFFGetField(r->tiff, TIFFTAG_IMAGELENGTH, &r->h))
        return refuse(r);
    const uint64_t most = most_expansion(r->compression);
    const uint64_t samples = (uint64_t)r->w * (uint64_t)r->h * r->samples;
    const dp_status st = dp_image_limits_check(
        r->err, &(dp_image_claim){.name = r->name,
                                  .format = "TIFF",
                                  .w = r->w,
                                  .h = r->h,
                                  .size = r->size,
                                  .least = most ? samples * r->bits / 8 / most : 0});
    if (st != DP_OK)
        return st;
    r->tiled = TIFFIsTiled(r->tiff);
    r->block_w = r->w;
    if (r->tiled) {
        (void)TIFFGetField(r->tiff, TIFFTAG_TILEWIDTH, &r->block_w);
        (void)TIFFGetField(r->tiff, TIFFTAG_TILELENGTH, &r->block_h);
    } else if (!TIFFGetFieldDefaulted(r->tiff, TIFFTAG_ROWSPERSTRIP, &r->block_h) ||
               r->block_h > r->h) {
        r->block_h = r->h;
    }
    return r->block_w > 0 && r->block_h > 0 ? DP_OK : refuse(r);
}

/* ---- samples to pixels ------------------------------------------------------------------ */

/* Sample i of a row, in its own range. */
static unsigned get_sample(const struct reader *r, const uint8_t *row, size_t i)
{
    uint16_t wide;
    if (r->bits == 8)
        return row[i];
    if (r->bits == 16) {
        memcpy(&wide, row + 2 * i, sizeof wide);
        return wide;
    }
    const size_t per_byte = 8u / r->bits;
    const size_t shift = (per_byte - 1 - i % per_byte) * r->bits;
    return (unsigned)row[i / per_byte] >> shift & ((1u << r->bits) - 1);
}

/* A sample as 8 bits. */
static uint8_t to_byte(const struct reader *r, unsigned sample)
{
    return (uint8_t)(r->bits == 16 ? sample >> 8
                                   : sample * UINT8_MAX / ((1u << r->bits) - 1));
}

static void put_grey(const struct reader *r, size_t at, unsigned sample)
{
    const uint8_t grey = to_byte(r, sample);
    memset(r->out->data + at, r->kind == PHOTOMETRIC_MINISWHITE ? 255 - grey : grey, 3);
    if (r->out->pillow)
        memset(r->out->pillow + at, sample > UINT8_MAX ? UINT8_MAX : (int)sample, 3);
}

static void put_colour(const struct reader *r, size_t at, unsigned index)
{
    r->out->data[at] = (uint8_t)(r->blue[index] >> 8);
    r->out->data[at + 1] = (uint8_t)(r->green[index] >> 8);
    r->out->data[at + 2] = (uint8_t)(r->red[index] >> 8);
}

static void put_rgb(const struct reader *r, size_t at, const uint8_t *row, size_t first)
{
    const unsigned alpha =
        r->multiplied ? to_byte(r, get_sample(r, row, first + 3)) : UINT8_MAX;
    for (size_t c = 0; c < 3; c++) {
        unsigned value = to_byte(r, get_sample(r, row, first + c));
        if (alpha < UINT8_MAX)
            value = alpha ? value * UINT8_MAX / alpha : 0;
        r->out->data[at + 2 - c] = (uint8_t)(value > UINT8_MAX ? UINT8_MAX : value);
    }
}

/* `count` pixels from (x, y) on. With planes, the row holds those of one channel. */
static void put_row(const struct reader *r, const uint8_t *row, uint32_t x, uint32_t y,
                    uint32_t count, int plane)
{
    const size_t step = r->planes ? 1 : r->samples;
    for (size_t i = 0; i < count; i++) {
        const size_t at = ((size_t)y * r->w + x + i) * 3;
        if (is_grey(r))
            put_grey(r, at, get_sample(r, row, i * step));
        else if (r->kind == PHOTOMETRIC_PALETTE)
            put_colour(r, at, get_sample(r, row, i * step));
        else if (r->planes)
            r->out->data[at + 2 - (size_t)plane] = to_byte(r, get_sample(r, row, i));
        else
            put_rgb(r, at, row, i * step);
    }
}

/* ---- strips and tiles ------------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The strip or tile whose first pixel is (x, y). */
static dp_status read_block(struct reader *r, uint8_t *buffer, size_t room, uint32_t x,
                            uint32_t y, int plane)
{
    const uint32_t rows = smaller(r->block_h, r->h - y);
    const uint32_t columns = smaller(r->block_w, r->w - x);
    const size_t row =
        (size_t)(r->tiled ? TIFFTileRowSize(r->tiff) : TIFFScanlineSize(r->tiff));
    tmsize_t got;
    if (r->tiled)
        got = TIFFReadEncodedTile(r->tiff,
                                  TIFFComputeTile(r->tiff, x, y, 0, (uint16_t)plane),
                                  buffer, (tmsize_t)room);
    else
        got =
            TIFFReadEncodedStrip(r->tiff, TIFFComputeStrip(r->tiff, y, (uint16_t)plane),
                                 buffer, (tmsize_t)room);
    if (got < 0 || row * rows > room || (size_t)got < row * rows)
        return refuse(r);
    for (uint32_t i = 0; i < rows; i++)
        put_row(r, buffer + i * row, x, y + i, columns, plane);
    return DP_OK;
}

static dp_status read_blocks(struct reader *r, uint8_t *buffer, size_t room)
{
    const bool colour = r->kind == PHOTOMETRIC_RGB;
    const int planes = r->planes && colour ? 3 : 1;
    dp_status st = DP_OK;
    for (int p = 0; p < planes; p++)
        for (uint32_t y = 0; y < r->h; y += r->block_h)
            for (uint32_t x = 0; x < r->w && st == DP_OK; x += r->block_w)
                st = read_block(r, buffer, room, x, y, p);
    return st;
}

/* Both kinds of pixels are turned: Pillow does it too. */
static dp_status turn(const struct reader *r)
{
    const int orientation = get_tag(r, TIFFTAG_ORIENTATION);
    dp_pixels other = {r->out->pillow, r->out->h, r->out->w, 0, NULL};
    r->out->pillow = NULL;
    dp_status st = dp_exif_turn(r->err, r->out, orientation);
    if (st == DP_OK && other.data)
        st = dp_exif_turn(r->err, &other, orientation);
    r->out->pillow = other.data;
    r->out->turned = DP_EXIF_NONE;
    return st;
}

static dp_status read_image(struct reader *r)
{
    dp_status st = read_kind(r);
    if (st == DP_OK)
        st = read_size(r);
    if (st != DP_OK)
        return st;
    const tmsize_t room = r->tiled ? TIFFTileSize(r->tiff) : TIFFStripSize(r->tiff);
    if (room <= 0 || room > DP_MAX_IMAGE_BYTES)
        return dp_fail(
            r->err, DP_EUNSUPPORTED,
            "%s: a TIFF with a strip or tile of %jd bytes; at most %d are read",
            r->name, (intmax_t)room, DP_MAX_IMAGE_BYTES);
    void *buffer;
    st = dp_pixels_init(r->err, r->out, (int)r->h, (int)r->w);
    if (st == DP_OK && is_grey(r) && r->bits == 16)
        st = dp_pixels_add_pillow(r->err, r->out);
    if (st == DP_OK)
        st = dp_alloc(r->err, &buffer, (size_t)room, 1, "a strip of a TIFF");
    if (st != DP_OK)
        return st;
    st = read_blocks(r, buffer, (size_t)room);
    dp_free(buffer);
    return st == DP_OK ? turn(r) : st;
}

dp_status dp_tiff_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name)
{
    struct reader r = {
        .err = err, .name = name, .bytes = bytes, .size = size, .out = out};
    *out = (dp_pixels){0};
    dp_status st = open_file(&r);
    if (st == DP_OK) {
        st = read_image(&r);
        TIFFClose(r.tiff);
    }
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}
