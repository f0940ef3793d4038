#include "io/image/gif.h"

#include "base/memory.h"
#include "io/image/image_limits.h"

#include <limits.h>
#include <string.h>

#include <gif_lib.h>

enum { PALETTE_MAX = 256, TRANSPARENT = 1 /* in the flags of a graphic control */ };

struct reader {
    dp_error *err;
    const char *name;
    const unsigned char *next;
    size_t size, left;
    GifFileType *gif;
    int transparent; /* index; 0 when there is none */
    uint8_t *row;    /* indices */
    uint8_t palette[PALETTE_MAX][3];
};

static int take_bytes(GifFileType *gif, GifByteType *to, int wanted)
{
    struct reader *r = gif->UserData;
    const size_t count = (size_t)wanted < r->left ? (size_t)wanted : r->left;
    memcpy(to, r->next, count);
    r->next += count;
    r->left -= count;
    return (int)count;
}

static dp_status refuse(const struct reader *r, int code)
{
    const char *text = GifErrorString(code);
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        return dp_fail(r->err, DP_ENOMEM, "%s: out of memory: a GIF reader", r->name);
    return dp_fail(r->err, DP_EFORMAT, "%s: the GIF is damaged or not complete (%s)",
                   r->name, text ? text : "unknown error");
}

static dp_status read_extension(struct reader *r)
{
    int kind;
    GifByteType *block;
    if (DGifGetExtension(r->gif, &kind, &block) == GIF_ERROR)
        return refuse(r, r->gif->Error);
    if (kind == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 &&
        block[1] & TRANSPARENT)
        r->transparent = block[4];
    while (block)
        if (DGifGetExtensionNext(r->gif, &block) == GIF_ERROR)
            return refuse(r, r->gif->Error);
    return DP_OK;
}

/* To behind the description of the first image. */
static dp_status find_image(struct reader *r)
{
    GifRecordType record;
    dp_status st = DP_OK;
    while (st == DP_OK) {
        if (DGifGetRecordType(r->gif, &record) == GIF_ERROR)
            return refuse(r, r->gif->Error);
        if (record == TERMINATE_RECORD_TYPE)
            return dp_fail(r->err, DP_EFORMAT, "%s: the GIF holds no image", r->name);
        if (record == EXTENSION_RECORD_TYPE)
            st = read_extension(r);
        else if (record == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(r->gif) == GIF_ERROR ? refuse(r, r->gif->Error)
                                                         : DP_OK;
    }
    return st;
}

static void set_palette(struct reader *r)
{
    const ColorMapObject *map =
        r->gif->Image.ColorMap ? r->gif->Image.ColorMap : r->gif->SColorMap;
    for (int i = 0; i < PALETTE_MAX; i++)
        memset(r->palette[i], i, 3);
    for (int i = 0; map && i < map->ColorCount && i < PALETTE_MAX; i++) {
        r->palette[i][0] = map->Colors[i].Blue;
        r->palette[i][1] = map->Colors[i].Green;
        r->palette[i][2] = map->Colors[i].Red;
    }
}

static void fill(const struct reader *r, const dp_pixels *out)
{
    const size_t count = (size_t)out->h * (size_t)out->w;
    for (size_t i = 0; i < count; i++)
        memcpy(out->data + 3 * i, r->palette[r->transparent], 3);
}

static dp_status read_row(struct reader *r, const dp_pixels *out, int y)
{
    const GifImageDesc *image = &r->gif->Image;
    if (DGifGetLine(r->gif, r->row, image->Width) == GIF_ERROR)
        return refuse(r, r->gif->Error);
    uint8_t *to = out->data +
                  ((size_t)(image->Top + y) * (size_t)out->w + (size_t)image->Left) * 3;
    for (int x = 0; x < image->Width; x++)
        memcpy(to + 3 * x, r->palette[r->row[x]], 3);
    return DP_OK;
}

/* Rows of an interlaced image come in four passes. */
static dp_status read_rows(struct reader *r, const dp_pixels *out)
{
    static const struct {
        int first, step;
    } passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}}, all[] = {{0, 1}};
    const GifImageDesc *image = &r->gif->Image;
    const int count = image->Interlace ? 4 : 1;
    dp_status st = DP_OK;
    for (int i = 0; i < count; i++) {
        const int first = image->Interlace ? passes[i].first : all[0].first;
        const int step = image->Interlace ? passes[i].step : all[0].step;
        for (int y = first; y < image->Height && st == DP_OK; y += step)
            st = read_row(r, out, y);
    }
    return st;
}

static uint64_t larger(int a, int b)
{
    return (uint64_t)(a > b ? a : b);
}

/* A code of LZW has three bits at least and stands for at most 4096 pixels. */
static dp_status read_image(struct reader *r, dp_pixels *out)
{
    dp_status st = find_image(r);
    if (st != DP_OK)
        return st;
    const GifImageDesc *image = &r->gif->Image;
    const uint64_t w = larger(r->gif->SWidth, image->Left + image->Width);
    const uint64_t h = larger(r->gif->SHeight, image->Top + image->Height);
    const uint64_t coded = (uint64_t)image->Width * (uint64_t)image->Height;
    st =
        dp_image_limits_check(r->err, &(dp_image_claim){.name = r->name,
                                                        .format = "GIF",
                                                        .w = w,
                                                        .h = h,
                                                        .size = r->size,
                                                        .least = coded / 4096 * 3 / 8});
    if (st == DP_OK)
        st = dp_pixels_init(r->err, out, (int)h, (int)w);
    if (st == DP_OK)
        st = dp_alloc(r->err, &r->row, (size_t)image->Width, 1, "a row of a GIF");
    if (st != DP_OK)
        return st;
    set_palette(r);
    fill(r, out);
    st = read_rows(r, out);
    dp_free(r->row);
    return st;
}

dp_status dp_gif_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name)
{
    struct reader r = {
        .err = err, .name = name, .next = bytes, .size = size, .left = size};
    int code = D_GIF_SUCCEEDED;
    *out = (dp_pixels){0};
    r.gif = DGifOpen(&r, take_bytes, &code);
    if (!r.gif)
        return refuse(&r, code);
    const dp_status st = read_image(&r, out);
    (void)DGifCloseFile(r.gif, &code);
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}
