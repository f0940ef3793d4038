#include "io/image/png.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "core/limits.h"
#include "io/image/exif.h"
#include "io/image/image_limits.h"

#include <stdbool.h>
#include <string.h>

#include <png.h>

enum { CHUNK_MAX = 1 << 20 }; /* bytes that one chunk may make libpng allocate */

/* What libpng's callbacks need to know. libpng reports an error by not returning.
 * So each direction has two functions: one sets the jump and holds nothing that would be
 * lost, and one around it cleans up. */
struct reader {
    dp_error *err;
    const char *name;
    const unsigned char *next;
    size_t left;
    png_structp png;
    png_infop info, end;
    png_bytepp rows;
    bool no_memory;
    uint8_t *samples;     /* of an image whose conversion is ours; else NULL */
    int sample_bytes;     /* of one: 2 for grey of 16 bits, 1 for a palette's index */
    dp_pixels *pixels;    /* an image is wanted, or ... */
    dp_label_map *labels; /* ... a label map             */
};

struct writer {
    dp_error *err;
    const char *name;
    dp_atomic_file file; /* open when a file is written, or ... */
    uint8_t *bytes;      /* what is written to memory           */
    size_t size, room;
    png_structp png;
    png_infop info;
};

/* What is written: rows of w pixels of `channels` bytes. */
struct image {
    const uint8_t *data;
    int h, w, channels;
    const png_color *palette; /* NULL for none */
    int colours;
};

/* ---- reading --------------------------------------------------------------- */

static dp_status out_of_memory(struct reader *r)
{
    return dp_fail(r->err, DP_ENOMEM, "%s: out of memory: a PNG reader", r->name);
}

static void refuse(png_structp png, png_const_charp text)
{
    struct reader *r = png_get_error_ptr(png);
    if (r->no_memory)
        (void)out_of_memory(r);
    else
        (void)dp_fail(r->err, DP_EFORMAT, "%s: the PNG is damaged or not complete (%s)",
                      r->name, text);
    png_longjmp(png, 1);
}

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    struct reader *r = png_get_mem_ptr(png);
    void *memory;
    r->no_memory = dp_alloc(r->err, &memory, size, 1, "a PNG reader") != DP_OK;
    return memory;
}

static void give_memory(png_structp png, png_voidp memory)
{
    (void)png;
    dp_free(memory);
}

/* libpng warns of what it repairs or leaves out; no pixel is lost by that. */
static void ignore_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void take_bytes(png_structp png, png_bytep to, size_t size)
{
    struct reader *r = png_get_io_ptr(png);
    if (size > r->left)
        png_error(png, "the data ends early");
    memcpy(to, r->next, size);
    r->next += size;
    r->left -= size;
}

static dp_status create_reader(struct reader *r)
{
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, refuse, ignore_warning,
                                      r, take_memory, give_memory);
    if (r->png) {
        r->info = png_create_info_struct(r->png);
        r->end = png_create_info_struct(r->png);
    }
    return r->info && r->end ? DP_OK : out_of_memory(r);
}

static void read_header(struct reader *r)
{
    png_structp png = r->png;
    png_set_read_fn(png, r, take_bytes);
    /* Sizes are checked by check_size, whose sentence tells more than libpng's. */
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, CHUNK_MAX);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT,
                                (png_const_bytep) "eXIf", 1);
    png_read_info(png, r->info);
}

/* Deflate makes at most 1032 bytes of one. */
static dp_status check_size(const struct reader *r, size_t size)
{
    const png_uint_32 h = png_get_image_height(r->png, r->info);
    return dp_image_limits_check(
        r->err, &(dp_image_claim){.name = r->name,
                                  .format = "PNG",
                                  .w = png_get_image_width(r->png, r->info),
                                  .h = h,
                                  .size = size,
                                  .least = (uint64_t)png_get_rowbytes(r->png, r->info) *
                                           h / 1032});
}

static dp_status check_labels(const struct reader *r)
{
    const int kind = png_get_color_type(r->png, r->info);
    const int bits = png_get_bit_depth(r->png, r->info);
    if ((kind == PNG_COLOR_TYPE_GRAY || kind == PNG_COLOR_TYPE_PALETTE) && bits <= 8)
        return DP_OK;
    const char *word = kind == PNG_COLOR_TYPE_GRAY   ? "grey"
                       : kind & PNG_COLOR_MASK_ALPHA ? "with alpha"
                                                     : "RGB";
    return dp_fail(r->err, DP_EUNSUPPORTED,
                   "%s: a PNG of %d bits, %s, is no label map: that has 1 to 8 bits, "
                   "grey or with a palette",
                   r->name, bits, word);
}

/* Where Pillow's pixels are others than OpenCV's, both are made of the stored samples: grey
 * of 16 bits, and palettes with fewer colours than the bits can number. */
static int count_sample_bytes(const struct reader *r)
{
    png_colorp colours;
    int count = 0;
    const int kind = png_get_color_type(r->png, r->info);
    const int bits = png_get_bit_depth(r->png, r->info);
    if (r->labels)
        return 0;
    if (kind == PNG_COLOR_TYPE_GRAY)
        return bits == 16 ? 2 : 0;
    if (kind != PNG_COLOR_TYPE_PALETTE)
        return 0;
    (void)png_get_PLTE(r->png, r->info, &colours, &count);
    return count < 1 << bits ? 1 : 0;
}

/* What libpng hands over: bytes of three channels, or samples. */
static void set_transforms(struct reader *r)
{
    png_structp png = r->png;
    const int kind = png_get_color_type(png, r->info);
    (void)png_set_interlace_handling(png);
    r->sample_bytes = count_sample_bytes(r);
    if (r->labels || r->sample_bytes) {
        png_set_packing(png);
    } else {
        png_set_strip_16(png);
        png_set_strip_alpha(png);
        if (kind == PNG_COLOR_TYPE_PALETTE)
            png_set_palette_to_rgb(png);
        else if (!(kind & PNG_COLOR_MASK_COLOR))
            png_set_expand_gray_1_2_4_to_8(png);
        if (!(kind & PNG_COLOR_MASK_COLOR))
            png_set_gray_to_rgb(png);
        else
            png_set_bgr(png);
    }
    png_read_update_info(png, r->info);
}

static dp_status set_rows(struct reader *r)
{
    const int h = (int)png_get_image_height(r->png, r->info);
    const int w = (int)png_get_image_width(r->png, r->info);
    const int bytes = r->sample_bytes;
    const size_t row = (size_t)w * (size_t)(r->labels ? 1 : bytes ? bytes : 3);
    void *rows = NULL;
    dp_status st = r->labels ? dp_label_map_resize(r->err, r->labels, h, w)
                             : dp_pixels_init(r->err, r->pixels, h, w);
    if (st == DP_OK && bytes)
        st = dp_pixels_add_pillow(r->err, r->pixels);
    if (st == DP_OK && bytes)
        st = dp_alloc(r->err, &r->samples, (size_t)h, row, "rows of a PNG");
    if (st == DP_OK)
        st = dp_alloc(r->err, &rows, (size_t)h, sizeof(png_bytep), "rows of a PNG");
    if (st != DP_OK)
        return st;
    r->rows = rows;
    uint8_t *first = r->labels ? r->labels->labels
                     : bytes   ? r->samples
                               : r->pixels->data;
    for (int y = 0; y < h; y++)
        r->rows[y] = first + (size_t)y * row;
    if (png_get_rowbytes(r->png, r->info) != row)
        return dp_fail(r->err, DP_EFORMAT,
                       "%s: PNG rows: found %zu bytes, expected %zu", r->name,
                       png_get_rowbytes(r->png, r->info), row);
    return DP_OK;
}

static void put_bgr(uint8_t *to, png_color c)
{
    to[0] = c.blue;
    to[1] = c.green;
    to[2] = c.red;
}

/* OpenCV keeps the high byte, Pillow cuts what is above 255. */
static void convert_grey(struct reader *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *sample = r->samples + 2 * i;
        memset(r->pixels->data + 3 * i, sample[0], 3);
        memset(r->pixels->pillow + 3 * i, sample[0] ? UINT8_MAX : sample[1], 3);
    }
}

/* An index without a colour is black, with Pillow a grey of its own number. */
static void convert_indices(struct reader *r, size_t count)
{
    png_colorp list = NULL;
    int colours = 0;
    (void)png_get_PLTE(r->png, r->info, &list, &colours);
    for (size_t i = 0; i < count; i++) {
        const uint8_t index = r->samples[i];
        const bool known = index < colours;
        put_bgr(r->pixels->data + 3 * i, known ? list[index] : (png_color){0, 0, 0});
        put_bgr(r->pixels->pillow + 3 * i,
                known ? list[index] : (png_color){index, index, index});
    }
}

static void convert_samples(struct reader *r)
{
    const size_t count = (size_t)r->pixels->h * (size_t)r->pixels->w;
    if (r->sample_bytes == 2)
        convert_grey(r, count);
    else if (r->sample_bytes == 1)
        convert_indices(r, count);
}

static int find_orientation(const struct reader *r)
{
    png_uint_32 size = 0;
    png_bytep tiff = NULL;
    if (png_get_eXIf_1(r->png, r->info, &size, &tiff) == 0 &&
        png_get_eXIf_1(r->png, r->end, &size, &tiff) == 0)
        return DP_EXIF_NONE;
    return dp_exif_orientation(tiff, size);
}

static dp_status read_image(struct reader *r)
{
    const size_t size = r->left;
    read_header(r);
    dp_status st = check_size(r, size);
    if (st == DP_OK && r->labels)
        st = check_labels(r);
    if (st == DP_OK) {
        set_transforms(r);
        st = set_rows(r);
    }
    if (st != DP_OK)
        return st;
    png_read_image(r->png, r->rows);
    png_read_end(r->png, r->end);
    if (r->labels)
        return DP_OK;
    convert_samples(r);
    return dp_exif_turn(r->err, r->pixels, find_orientation(r));
}

static dp_status read_or_escape(struct reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return r->err->code;
    return read_image(r);
}

static dp_status decode(struct reader *r)
{
    dp_status st = create_reader(r);
    if (st == DP_OK)
        st = read_or_escape(r);
    png_destroy_read_struct(&r->png, &r->info, &r->end);
    dp_free(r->rows);
    dp_free(r->samples);
    return st;
}

dp_status dp_png_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name)
{
    *out = (dp_pixels){0};
    struct reader r = {
        .err = err, .name = name, .next = bytes, .left = size, .pixels = out};
    const dp_status st = decode(&r);
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}

dp_status dp_png_decode_labels(dp_error *err, dp_label_map *out, const void *bytes,
                               size_t size, const char *name)
{
    struct reader r = {
        .err = err, .name = name, .next = bytes, .left = size, .labels = out};
    return decode(&r);
}

dp_status dp_png_load_labels(dp_error *err, dp_label_map *out, const char *path)
{
    unsigned char *bytes;
    size_t size;
    dp_status st = dp_file_load(err, &bytes, &size, path, DP_MAX_IMAGE_BYTES);
    if (st == DP_OK)
        st = dp_png_decode_labels(err, out, bytes, size, path);
    dp_free(bytes);
    return st;
}

/* ---- writing --------------------------------------------------------------- */

static void refuse_to_write(png_structp png, png_const_charp text)
{
    struct writer *w = png_get_error_ptr(png);
    (void)dp_fail(w->err, DP_ENOMEM, "%s: cannot write a PNG: %s", w->name, text);
    png_longjmp(png, 1);
}

static dp_status keep_bytes(struct writer *w, const uint8_t *bytes, size_t size)
{
    void *memory = w->bytes;
    const dp_status st =
        dp_grow(w->err, &memory, &w->room, w->size + size, 1, "a PNG in memory");
    w->bytes = memory;
    if (st != DP_OK)
        return st;
    memcpy(w->bytes + w->size, bytes, size);
    w->size += size;
    return DP_OK;
}

static void put_bytes(png_structp png, png_bytep bytes, size_t size)
{
    struct writer *w = png_get_io_ptr(png);
    const dp_status st = w->file.stream
                             ? dp_atomic_file_write(w->err, &w->file, bytes, size)
                             : keep_bytes(w, bytes, size);
    if (st != DP_OK)
        png_longjmp(png, 1);
}

/* libpng asks for a flush at the end; commit does that. */
static void flush_nothing(png_structp png)
{
    (void)png;
}

static dp_status create_writer(struct writer *w)
{
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, refuse_to_write,
                                     ignore_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    return w->info
               ? DP_OK
               : dp_fail(w->err, DP_ENOMEM, "%s: out of memory: a PNG writer", w->name);
}

static void write_chunks(struct writer *w, const struct image *p)
{
    png_set_write_fn(w->png, w, put_bytes, flush_nothing);
    const int kind = p->channels == 3 ? PNG_COLOR_TYPE_RGB
                     : p->palette     ? PNG_COLOR_TYPE_PALETTE
                                      : PNG_COLOR_TYPE_GRAY;
    png_set_IHDR(w->png, w->info, (png_uint_32)p->w, (png_uint_32)p->h, 8, kind,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (p->palette)
        png_set_PLTE(w->png, w->info, p->palette, p->colours);
    png_write_info(w->png, w->info);
    if (p->channels == 3)
        png_set_bgr(w->png);
    for (int y = 0; y < p->h; y++)
        png_write_row(w->png, p->data + (size_t)y * (size_t)p->w * (size_t)p->channels);
    png_write_end(w->png, w->info);
}

static dp_status write_or_escape(struct writer *w, const struct image *p)
{
    if (setjmp(png_jmpbuf(w->png)))
        return w->err->code;
    write_chunks(w, p);
    return DP_OK;
}

/* Write to the file that is open in w, or else to memory. */
static dp_status write_image(struct writer *w, const struct image *p)
{
    if (!p->data || p->h < 1 || p->w < 1)
        return dp_fail(w->err, DP_EARG, "%s: there are no pixels to write", w->name);
    dp_status st = create_writer(w);
    if (st == DP_OK)
        st = write_or_escape(w, p);
    png_destroy_write_struct(&w->png, &w->info);
    return st;
}

static dp_status save(dp_error *err, const char *path, const struct image *p)
{
    struct writer w = {.err = err, .name = path};
    dp_status st = dp_atomic_file_open(err, &w.file, path);
    if (st == DP_OK)
        st = write_image(&w, p);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &w.file);
    dp_atomic_file_abandon(&w.file);
    return st;
}

dp_status dp_png_save(dp_error *err, const char *path, const dp_pixels *pixels)
{
    const struct image p = {
        .data = pixels->data, .h = pixels->h, .w = pixels->w, .channels = 3};
    return save(err, path, &p);
}

static dp_status check_palette(dp_error *err, const char *path,
                               const dp_label_map *labels, int colours)
{
    if (colours < 1 || colours > PNG_MAX_PALETTE_LENGTH)
        return dp_fail(err, DP_EARG,
                       "%s: colours of a palette: found %d, expected 1 to %d", path,
                       colours, PNG_MAX_PALETTE_LENGTH);
    const size_t count = (size_t)labels->h * (size_t)labels->w;
    for (size_t i = 0; i < count; i++)
        if (labels->labels[i] >= colours)
            return dp_fail(err, DP_EARG,
                           "%s: label %d has no colour: the palette has %d", path,
                           labels->labels[i], colours);
    return DP_OK;
}

/* A label map as an image; `list` is room for its palette. */
static dp_status image_of_labels(dp_error *err, struct image *p,
                                 png_color list[PNG_MAX_PALETTE_LENGTH],
                                 const char *name, const dp_label_map *labels,
                                 const uint8_t *palette, int colours)
{
    *p = (struct image){
        .data = labels->labels, .h = labels->h, .w = labels->w, .channels = 1};
    if (!palette)
        return DP_OK;
    const dp_status st = check_palette(err, name, labels, colours);
    if (st != DP_OK)
        return st;
    for (int i = 0; i < colours; i++)
        list[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
    p->palette = list;
    p->colours = colours;
    return DP_OK;
}

dp_status dp_png_save_labels(dp_error *err, const char *path,
                             const dp_label_map *labels, const uint8_t *palette,
                             int colours)
{
    png_color list[PNG_MAX_PALETTE_LENGTH];
    struct image p;
    const dp_status st = image_of_labels(err, &p, list, path, labels, palette, colours);
    return st == DP_OK ? save(err, path, &p) : st;
}

dp_status dp_png_encode_labels(dp_error *err, uint8_t **bytes, size_t *size,
                               const dp_label_map *labels, const uint8_t *palette,
                               int colours)
{
    static const char name[] = "label map";
    png_color list[PNG_MAX_PALETTE_LENGTH];
    struct image p;
    struct writer w = {.err = err, .name = name};
    *bytes = NULL;
    *size = 0;
    dp_status st = image_of_labels(err, &p, list, name, labels, palette, colours);
    if (st == DP_OK)
        st = write_image(&w, &p);
    if (st != DP_OK) {
        dp_free(w.bytes);
        return st;
    }
    *bytes = w.bytes;
    *size = w.size;
    return DP_OK;
}
