#include "io/image/exif.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

enum { ORIENTATION = 0x0112, MAGIC = 42, ENTRY = 12, VALUE = 8, TILE = 32 };

struct tiff {
    const unsigned char *data;
    size_t size;
    bool big_endian;
};

/* False, and *value untouched, when the two bytes at `at` are not all there. */
static bool read_u16(const struct tiff *t, size_t at, unsigned *value)
{
    if (at >= t->size || t->size - at < 2)
        return false;
    const unsigned a = t->data[at], b = t->data[at + 1];
    *value = t->big_endian ? a << 8 | b : b << 8 | a;
    return true;
}

static bool read_u32(const struct tiff *t, size_t at, uint32_t *value)
{
    unsigned first, second;
    if (!read_u16(t, at, &first) || !read_u16(t, at + 2, &second))
        return false;
    *value =
        t->big_endian ? (uint32_t)first << 16 | second : (uint32_t)second << 16 | first;
    return true;
}

static int find_orientation(const struct tiff *t)
{
    unsigned magic, entries, tag, value;
    uint32_t directory;
    if (!read_u16(t, 2, &magic) || magic != MAGIC || !read_u32(t, 4, &directory) ||
        !read_u16(t, directory, &entries))
        return DP_EXIF_NONE;
    for (size_t i = 0; i < entries; i++) {
        const size_t entry = (size_t)directory + 2 + i * ENTRY;
        if (!read_u16(t, entry, &tag))
            break;
        if (tag == ORIENTATION)
            return read_u16(t, entry + VALUE, &value) && value <= DP_EXIF_BACK_TURN
                       ? (int)value
                       : DP_EXIF_NONE;
    }
    return DP_EXIF_NONE;
}

int dp_exif_orientation(const unsigned char *tiff, size_t size)
{
    if (size < 2 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
        return DP_EXIF_NONE;
    const struct tiff t = {tiff, size, tiff[0] == 'M'};
    return find_orientation(&t);
}

static void swap_pixels(uint8_t *a, uint8_t *b)
{
    for (int i = 0; i < 3; i++) {
        const uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void mirror(dp_pixels *p)
{
    const size_t row = (size_t)p->w * 3;
    for (int y = 0; y < p->h; y++) {
        uint8_t *left = p->data + (size_t)y * row, *right = left + row - 3;
        for (; left < right; left += 3, right -= 3)
            swap_pixels(left, right);
    }
}

static void half_turn(dp_pixels *p)
{
    uint8_t *first = p->data, *last = p->data + ((size_t)p->h * (size_t)p->w - 1) * 3;
    for (; first < last; first += 3, last -= 3)
        swap_pixels(first, last);
}

/* Rows become columns: dst(x, y) = src(y, x). In tiles, so that both sides stay in the
 * cache. */
static void transpose(uint8_t *dst, const dp_pixels *src)
{
    const size_t h = (size_t)src->h, w = (size_t)src->w;
    for (size_t y0 = 0; y0 < h; y0 += TILE) {
        const size_t y1 = y0 + TILE < h ? y0 + TILE : h;
        for (size_t x0 = 0; x0 < w; x0 += TILE) {
            const size_t x1 = x0 + TILE < w ? x0 + TILE : w;
            for (size_t x = x0; x < x1; x++)
                for (size_t y = y0; y < y1; y++)
                    memcpy(dst + (x * h + y) * 3, src->data + (y * w + x) * 3, 3);
        }
    }
}

static dp_status transpose_in_place(dp_error *err, dp_pixels *p)
{
    dp_pixels turned;
    const dp_status st = dp_pixels_init(err, &turned, p->w, p->h);
    if (st != DP_OK)
        return st;
    transpose(turned.data, p);
    dp_free(p->data);
    p->data = turned.data;
    p->h = turned.h;
    p->w = turned.w;
    return DP_OK;
}

dp_status dp_exif_turn(dp_error *err, dp_pixels *p, int orientation)
{
    if (orientation >= DP_EXIF_TRANSPOSE && orientation <= DP_EXIF_BACK_TURN) {
        const dp_status st = transpose_in_place(err, p);
        if (st != DP_OK)
            return st;
    }
    switch (orientation) {
    case DP_EXIF_MIRROR:
    case DP_EXIF_QUARTER_TURN:
        mirror(p);
        break;
    case DP_EXIF_HALF_TURN:
    case DP_EXIF_TRANSVERSE:
        half_turn(p);
        break;
    case DP_EXIF_FLIP:
    case DP_EXIF_BACK_TURN: /* a half turn of a mirrored image is a flip */
        mirror(p);
        half_turn(p);
        break;
    case DP_EXIF_TRANSPOSE:
        break;
    default:
        return DP_OK;
    }
    p->turned = orientation;
    return DP_OK;
}

dp_status dp_exif_turn_back(dp_error *err, dp_pixels *p)
{
    const int reverse = p->turned == DP_EXIF_QUARTER_TURN ? DP_EXIF_BACK_TURN
                        : p->turned == DP_EXIF_BACK_TURN  ? DP_EXIF_QUARTER_TURN
                                                          : p->turned;
    const dp_status st = dp_exif_turn(err, p, reverse);
    if (st == DP_OK)
        p->turned = DP_EXIF_NONE;
    return st;
}
