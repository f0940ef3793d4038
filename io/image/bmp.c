#include "io/image/bmp.h"

#include "base/memory.h"
#include "io/image/image_limits.h"

#include <stdbool.h>
#include <string.h>

enum {
    FILE_HEADER = 14,
    OS2_HEADER = 12,
    MIN_HEADER = 40,
    MAX_HEADER = 124,
    MASKS_AT = FILE_HEADER + MIN_HEADER,
    MASK_BYTES = 12,
    PALETTE_MAX = 256
};
enum { PLAIN, RLE8, RLE4, BITFIELDS };

/* One colour channel of a pixel of 16 or 32 bits. */
struct channel {
    uint32_t mask;
    int shift;
};

struct bmp {
    dp_error *err;
    const char *name;
    const unsigned char *bytes;
    size_t size;
    uint32_t header, bits, compression;
    uint64_t w, h;
    bool top_down;
    size_t offset;                   /* of the first row           */
    size_t stride;                   /* bytes of a row             */
    uint8_t palette[PALETTE_MAX][3]; /* blue, green, red           */
    struct channel channel[3];       /* the same order             */
};

static uint32_t u16(const struct bmp *b, size_t at)
{
    return b->bytes[at] | (uint32_t)b->bytes[at + 1] << 8;
}

static uint32_t u32(const struct bmp *b, size_t at)
{
    return u16(b, at) | u16(b, at + 2) << 16;
}

static dp_status cut_short(const struct bmp *b)
{
    return dp_fail(b->err, DP_EFORMAT, "%s: the BMP is cut short, at %zu bytes",
                   b->name, b->size);
}

/* ---- headers --------------------------------------------------------------------- */

static dp_status read_sizes(struct bmp *b)
{
    b->header = b->size >= FILE_HEADER + 4 ? u32(b, FILE_HEADER) : 0;
    if (b->size < FILE_HEADER + OS2_HEADER || b->size - FILE_HEADER < b->header)
        return cut_short(b);
    b->offset = u32(b, 10);
    if (b->header == OS2_HEADER) {
        b->w = u16(b, 18);
        b->h = u16(b, 20);
        b->bits = u16(b, 24);
        return DP_OK;
    }
    if (b->header < MIN_HEADER || b->header > MAX_HEADER)
        return dp_fail(b->err, DP_EUNSUPPORTED,
                       "%s: a BMP header of %u bytes; 12 and %d to %d are read",
                       b->name, b->header, MIN_HEADER, MAX_HEADER);
    const uint32_t w = u32(b, 18), h = u32(b, 22);
    b->top_down = h > INT32_MAX;
    b->w = w;
    b->h = b->top_down ? -(uint64_t)h & UINT32_MAX : h;
    b->bits = u16(b, 28);
    b->compression = u32(b, 30);
    return DP_OK;
}

static bool is_read(const struct bmp *b)
{
    switch (b->compression) {
    case PLAIN:
        return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 ||
               b->bits == 24 || b->bits == 32;
    case RLE8:
        return b->bits == 8;
    case RLE4:
        return b->bits == 4;
    case BITFIELDS:
        return b->bits == 16 || b->bits == 24 || b->bits == 32;
    default:
        return false;
    }
}

static dp_status read_palette(struct bmp *b)
{
    const bool os2 = b->header == OS2_HEADER;
    const size_t entry = os2 ? 3 : 4, at = FILE_HEADER + b->header;
    uint32_t colours = os2 ? 0 : u32(b, 46);
    if (colours == 0 || colours > PALETTE_MAX)
        colours = 1u << b->bits;
    for (int i = 0; i < PALETTE_MAX; i++)
        memset(b->palette[i], i, 3);
    if (b->size - at < colours * entry)
        return cut_short(b);
    for (uint32_t i = 0; i < colours; i++)
        memcpy(b->palette[i], b->bytes + at + i * entry, 3);
    return DP_OK;
}

/* A mask's lowest bit; false when it has gaps or more than 8 bits. */
static bool set_channel(struct channel *c, uint32_t mask)
{
    *c = (struct channel){0};
    if (mask == 0)
        return true;
    while (!(mask >> c->shift & 1))
        c->shift++;
    c->mask = mask >> c->shift;
    return c->mask <= UINT8_MAX && (c->mask & (c->mask + 1)) == 0;
}

static dp_status read_masks(struct bmp *b)
{
    static const uint32_t of_16[] = {0x1f, 0x3e0, 0x7c00},
                          of_32[] = {0xff, 0xff00, 0xff0000};
    uint32_t masks[3];
    memcpy(masks, b->bits == 16 ? of_16 : of_32, sizeof masks);
    if (b->compression == BITFIELDS) {
        if (b->size < MASKS_AT + MASK_BYTES)
            return cut_short(b);
        uint32_t any = 0;
        for (size_t i = 0; i < 3; i++)
            any |= u32(b, MASKS_AT + 4 * i);
        for (size_t i = 0; i < 3 && any; i++)
            masks[i] = u32(b, MASKS_AT + 4 * (2 - i));
    }
    for (int i = 0; i < 3; i++)
        if (!set_channel(&b->channel[i], masks[i]))
            return dp_fail(b->err, DP_EUNSUPPORTED,
                           "%s: BMP channel mask %08x; masks of 1 to 8 bits in a row "
                           "are read",
                           b->name, masks[i]);
    return DP_OK;
}

static dp_status read_headers(struct bmp *b)
{
    dp_status st = read_sizes(b);
    if (st != DP_OK)
        return st;
    if (!is_read(b))
        return dp_fail(b->err, DP_EUNSUPPORTED,
                       "%s: a BMP of %u bits with compression %u is not read", b->name,
                       b->bits, b->compression);
    const uint64_t row_bits = b->w * b->bits;
    b->stride = (size_t)((row_bits + 31) / 32 * 4);
    const bool plain = b->compression != RLE8 && b->compression != RLE4;
    const uint64_t rows = b->h ? (b->h - 1) * b->stride + (row_bits + 7) / 8 : 0;
    st = dp_image_limits_check(b->err, &(dp_image_claim){.name = b->name,
                                                         .format = "BMP",
                                                         .w = b->w,
                                                         .h = b->h,
                                                         .size = b->size,
                                                         .least = plain ? rows : 0});
    if (st == DP_OK)
        st = b->bits <= 8 ? read_palette(b) : read_masks(b);
    if (st == DP_OK && (b->offset > b->size || (plain && b->size - b->offset < rows)))
        return cut_short(b);
    return st;
}

/* ---- run lengths ------------------------------------------------------------------ */

/* Where a run-length coded image is read and written. */
struct runs {
    const struct bmp *b;
    size_t at;
    uint8_t *index; /* h rows of w, the lowest first */
    uint64_t x, y;
};

static void put_index(struct runs *r, int index)
{
    if (r->x < r->b->w && r->y < r->b->h)
        r->index[r->y * r->b->w + r->x] = (uint8_t)index;
    r->x++;
}

/* Pixel i of bytes that hold one or two each. */
static int get_index(const struct bmp *b, const unsigned char *bytes, int i)
{
    if (b->compression == RLE8)
        return bytes[i];
    return i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4;
}

static bool read_absolute(struct runs *r, int count)
{
    const size_t bytes =
        r->b->compression == RLE8 ? (size_t)count : ((size_t)count + 1) / 2;
    const size_t padded = bytes + bytes % 2;
    if (r->b->size - r->at < bytes)
        return false;
    for (int i = 0; i < count; i++)
        put_index(r, get_index(r->b, r->b->bytes + r->at, i));
    r->at += r->b->size - r->at < padded ? bytes : padded;
    return true;
}

static bool read_delta(struct runs *r)
{
    if (r->b->size - r->at < 2)
        return false;
    r->x += r->b->bytes[r->at];
    r->y += r->b->bytes[r->at + 1];
    r->at += 2;
    return true;
}

/* A run of one byte's pixels. */
static void repeat(struct runs *r, int count, int value)
{
    const unsigned char both[1] = {(unsigned char)value};
    for (int i = 0; i < count; i++)
        put_index(r, get_index(r->b, both, r->b->compression == RLE8 ? 0 : i % 2));
}

/* False when the data end before the image does. */
static bool read_runs(struct runs *r)
{
    enum { END_OF_LINE, END, DELTA };
    while (r->b->size - r->at >= 2) {
        const int count = r->b->bytes[r->at], value = r->b->bytes[r->at + 1];
        r->at += 2;
        bool whole = true;
        if (count > 0) {
            repeat(r, count, value);
        } else if (value == END) {
            return true;
        } else if (value == END_OF_LINE) {
            r->x = 0;
            r->y++;
        } else if (value == DELTA) {
            whole = read_delta(r);
        } else {
            whole = read_absolute(r, value);
        }
        if (!whole)
            return false;
    }
    return r->y >= r->b->h || (r->y == r->b->h - 1 && r->x >= r->b->w);
}

static dp_status convert_runs(const struct bmp *b, dp_pixels *out)
{
    const size_t count = (size_t)(b->w * b->h);
    struct runs r = {.b = b, .at = b->offset};
    dp_status st = dp_alloc(b->err, &r.index, count, 1, "a BMP");
    if (st != DP_OK)
        return st;
    if (!read_runs(&r))
        st = cut_short(b);
    for (size_t y = 0; y < (size_t)b->h && st == DP_OK; y++) {
        const uint8_t *from = r.index + y * (size_t)b->w;
        uint8_t *to =
            out->data + (b->top_down ? y : (size_t)b->h - 1 - y) * (size_t)b->w * 3;
        for (size_t x = 0; x < (size_t)b->w; x++)
            memcpy(to + 3 * x, b->palette[from[x]], 3);
    }
    dp_free(r.index);
    return st;
}

/* ---- rows -------------------------------------------------------------------------- */

static void convert_palette(const struct bmp *b, uint8_t *to, const unsigned char *row)
{
    const size_t per_byte = 8 / b->bits;
    const unsigned mask = (1u << b->bits) - 1;
    for (size_t x = 0; x < b->w; x++) {
        const size_t shift = (per_byte - 1 - x % per_byte) * b->bits;
        memcpy(to + 3 * x, b->palette[(unsigned)row[x / per_byte] >> shift & mask], 3);
    }
}

static void convert_channels(const struct bmp *b, uint8_t *to, const unsigned char *row)
{
    const size_t bytes = b->bits / 8;
    for (size_t x = 0; x < b->w; x++) {
        uint32_t pixel = 0;
        for (size_t i = 0; i < bytes; i++)
            pixel |= (uint32_t)row[bytes * x + i] << (8 * i);
        for (int c = 0; c < 3; c++) {
            const uint32_t mask = b->channel[c].mask;
            const uint32_t value = pixel >> b->channel[c].shift & mask;
            to[3 * x + (size_t)c] = (uint8_t)(mask ? value * UINT8_MAX / mask : 0);
        }
    }
}

static dp_status convert(const struct bmp *b, dp_pixels *out)
{
    const dp_status st = dp_pixels_init(b->err, out, (int)b->h, (int)b->w);
    if (st != DP_OK || b->compression == RLE8 || b->compression == RLE4)
        return st == DP_OK ? convert_runs(b, out) : st;
    for (size_t y = 0; y < b->h; y++) {
        const unsigned char *row = b->bytes + b->offset + y * b->stride;
        uint8_t *to =
            out->data + (b->top_down ? y : (size_t)b->h - 1 - y) * (size_t)b->w * 3;
        if (b->bits <= 8)
            convert_palette(b, to, row);
        else
            convert_channels(b, to, row);
    }
    return DP_OK;
}

dp_status dp_bmp_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name)
{
    struct bmp b = {.err = err, .name = name, .bytes = bytes, .size = size};
    *out = (dp_pixels){0};
    dp_status st = read_headers(&b);
    if (st == DP_OK)
        st = convert(&b, out);
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}
