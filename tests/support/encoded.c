#include "tests/support/encoded.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

/* Length, type and checksum; the signature. */
enum { CHUNK_EDGE = 12, PNG_HEAD = 8, EXIF_MARKER = JPEG_APP0 + 1 };

static void put_u32(uint8_t *to, size_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void append(encoded *file, const void *bytes, size_t size)
{
    file->data = realloc(file->data, file->size + size);
    ck_assert_ptr_nonnull(file->data);
    memcpy(file->data + file->size, bytes, size);
    file->size += size;
}

void insert_bytes(encoded *file, size_t at, const void *bytes, size_t size)
{
    ck_assert_uint_le(at, file->size);
    append(file, bytes, size);
    memmove(file->data + at + size, file->data + at, file->size - size - at);
    memcpy(file->data + at, bytes, size);
}

static size_t get_u32(const uint8_t *from)
{
    return (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 |
           from[3];
}

size_t find_chunk(const encoded *png, const char *type)
{
    size_t at = PNG_HEAD;
    while (at + CHUNK_EDGE <= png->size && memcmp(png->data + at + 4, type, 4) != 0)
        at += get_u32(png->data + at) + CHUNK_EDGE;
    ck_assert_msg(at + CHUNK_EDGE <= png->size, "no chunk %s", type);
    return at;
}

void fix_checksum(encoded *png, size_t at)
{
    const size_t size = get_u32(png->data + at);
    ck_assert_uint_le(at + size + CHUNK_EDGE, png->size);
    put_u32(png->data + at + 8 + size, crc32(0, png->data + at + 4, (uInt)(size + 4)));
}

void insert_chunk(encoded *png, size_t at, const char *type, const void *data,
                  size_t size)
{
    uint8_t edge[CHUNK_EDGE] = {0};
    put_u32(edge, size);
    memcpy(edge + 4, type, 4);
    insert_bytes(png, at, edge, sizeof edge);
    if (size > 0)
        insert_bytes(png, at + 8, data, size);
    fix_checksum(png, at);
}

static void write_png(png_structp png, png_bytep bytes, size_t size)
{
    append(png_get_io_ptr(png), bytes, size);
}

static void flush_png(png_structp png)
{
    (void)png;
}

static size_t png_row_bytes(const png_kind *kind)
{
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    return ((size_t)kind->w * (size_t)(channels[kind->color] * kind->bits) + 7) / 8;
}

encoded encode_png(const png_kind *kind)
{
    encoded file = {NULL, 0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(png);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &file, write_png, flush_png);
    png_set_IHDR(png, info, (png_uint_32)kind->w, (png_uint_32)kind->h, kind->bits,
                 kind->color,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color palette[256];
    for (int i = 0; i < kind->colours; i++)
        palette[i] = (png_color){kind->palette[3 * i], kind->palette[3 * i + 1],
                                 kind->palette[3 * i + 2]};
    if (kind->colours > 0)
        png_set_PLTE(png, info, palette, kind->colours);
    png_write_info(png, info);
    const int passes = kind->interlaced ? png_set_interlace_handling(png) : 1;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < kind->h; y++)
            png_write_row(png, kind->rows + (size_t)y * png_row_bytes(kind));
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

static void set_jpeg_kind(j_compress_ptr c, const jpeg_kind *kind)
{
    c->image_width = (JDIMENSION)kind->w;
    c->image_height = (JDIMENSION)kind->h;
    c->input_components = kind->channels;
    c->in_color_space = kind->channels == 1   ? JCS_GRAYSCALE
                        : kind->channels == 2 ? JCS_UNKNOWN
                        : kind->channels == 3 ? JCS_RGB
                                              : JCS_CMYK;
    jpeg_set_defaults(c);
    if (kind->inverted_adobe)
        jpeg_set_colorspace(c, JCS_YCCK);
    jpeg_set_quality(c, kind->quality, TRUE);
    if (kind->progressive)
        jpeg_simple_progression(c);
    c->arith_code = kind->arithmetic;
    c->restart_in_rows = kind->restart_rows;
    if (kind->full_chroma) {
        c->comp_info[0].h_samp_factor = 1;
        c->comp_info[0].v_samp_factor = 1;
    }
}

encoded encode_jpeg(const jpeg_kind *kind)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr manager;
    unsigned char *data = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&manager);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &size);
    set_jpeg_kind(&c, kind);
    jpeg_start_compress(&c, TRUE);
    if (kind->app1)
        jpeg_write_marker(&c, EXIF_MARKER, kind->app1, (unsigned)kind->app1_size);
    const size_t row_bytes = (size_t)kind->w * (size_t)kind->channels;
    uint8_t *row = malloc(row_bytes);
    for (int y = 0; y < kind->h; y++) {
        memcpy(row, kind->pixels + (size_t)y * row_bytes, row_bytes);
        (void)jpeg_write_scanlines(&c, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (encoded){data, size};
}

void make_tiff(uint8_t tiff[TIFF_SIZE], int orientation, bool big_endian)
{
    static const uint8_t little[TIFF_SIZE] = {'I', 'I',  42, 0, 8, 0, 0, 0, 1,
                                              0,   0x12, 1,  3, 0, 1, 0, 0, 0};
    static const uint8_t big[TIFF_SIZE] = {'M', 'M', 0,    42, 0, 0, 0, 8, 0,
                                           1,   1,   0x12, 0,  3, 0, 0, 0, 1};
    memcpy(tiff, big_endian ? big : little, TIFF_SIZE);
    tiff[18] = (uint8_t)(big_endian ? orientation >> 8 : orientation);
    tiff[19] = (uint8_t)(big_endian ? orientation : orientation >> 8);
}
