#include "io/image/jpeg.h"

#include "base/atomic_file.h"
#include "core/limits.h"
#include "io/image/exif.h"
#include "io/image/image_limits.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { EXIF_MARKER = JPEG_APP0 + 1, EXIF_NAME = 6, MARKER_MAX = 0xffff };

/* What libjpeg's callbacks need to know; the same for reading and writing. libjpeg
 * reports an error by not returning. So each direction has two functions: one sets
 * `escape` and holds nothing that would be lost, and one around it cleans up. */
struct codec {
    struct jpeg_error_mgr manager;
    jmp_buf escape;
    dp_error *err;
    const char *name;
};

struct reader {
    struct codec codec;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct cinfo;
    dp_pixels pixels;
};

struct writer {
    struct codec codec;
    struct jpeg_compress_struct cinfo;
    struct jpeg_destination_mgr destination;
    dp_atomic_file file;
    unsigned char buffer[1 << 14];
};

/* ---- errors ---------------------------------------------------------------- */

static const int harmless[] = {JWRN_EXTRANEOUS_DATA,   JWRN_ADOBE_XFORM,
                               JWRN_JFIF_MAJOR,        JWRN_NOT_SEQUENTIAL,
                               JWRN_BOGUS_PROGRESSION, JWRN_BOGUS_ICC};

static dp_status status_of(int message)
{
    switch (message) {
    case JERR_OUT_OF_MEMORY:
        return DP_ENOMEM;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_IMAGE_TOO_BIG:
        return DP_EUNSUPPORTED;
    default:
        return DP_EFORMAT;
    }
}

static void escape(struct codec *codec)
{
    longjmp(codec->escape, 1);
}

static void refuse(j_common_ptr cinfo)
{
    struct codec *codec = cinfo->client_data;
    const dp_status st = status_of(cinfo->err->msg_code);
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    if (st == DP_ENOMEM)
        (void)dp_fail(codec->err, st, "%s: out of memory: %s", codec->name, text);
    else if (st == DP_EUNSUPPORTED)
        (void)dp_fail(codec->err, st,
                      "%s: a JPEG that is not read (%s): it needs 8 bits and 1, 3 or 4 "
                      "components, not lossless",
                      codec->name, text);
    else
        (void)dp_fail(codec->err, st, "%s: the JPEG is damaged or not complete (%s)",
                      codec->name, text);
    escape(codec);
}

/* level -1 is a warning, what is above is a trace. */
static void judge_warning(j_common_ptr cinfo, int level)
{
    if (level >= 0)
        return;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (cinfo->err->msg_code == harmless[i])
            return;
    refuse(cinfo);
}

static struct jpeg_error_mgr *codec_init(dp_error *err, struct codec *codec,
                                         const char *name)
{
    codec->err = err;
    codec->name = name;
    jpeg_std_error(&codec->manager);
    codec->manager.error_exit = refuse;
    codec->manager.emit_message = judge_warning;
    return &codec->manager;
}

/* ---- reading --------------------------------------------------------------- */

/* libjpeg decodes all scans of a multi-scan file before the first row. */
static void limit_scans(j_common_ptr common)
{
    const int scan = ((j_decompress_ptr)common)->input_scan_number;
    struct codec *codec = common->client_data;
    if (scan <= DP_MAX_JPEG_SCANS)
        return;
    (void)dp_fail(codec->err, DP_EUNSUPPORTED, "%s: a JPEG of more than %d scans",
                  codec->name, DP_MAX_JPEG_SCANS);
    escape(codec);
}

/* A sequential Huffman scan spends two bits on a block at least, the shortest code for
 * its DC and for its end. */
static uint64_t least_bytes(const struct jpeg_decompress_struct *c)
{
    if (c->progressive_mode || c->arith_code)
        return 0;
    uint64_t blocks = 0;
    for (int i = 0; i < c->num_components; i++)
        blocks += (uint64_t)c->comp_info[i].width_in_blocks *
                  c->comp_info[i].height_in_blocks;
    return blocks / 4;
}

static int find_orientation(const struct jpeg_decompress_struct *c)
{
    int orientation = DP_EXIF_NONE;
    for (jpeg_saved_marker_ptr m = c->marker_list; m && orientation == DP_EXIF_NONE;
         m = m->next)
        if (m->marker == EXIF_MARKER && m->data_length > EXIF_NAME &&
            memcmp(m->data, "Exif\0", EXIF_NAME) == 0)
            orientation =
                dp_exif_orientation(m->data + EXIF_NAME, m->data_length - EXIF_NAME);
    return orientation;
}

static uint8_t under_black(unsigned ink, unsigned k)
{
    return (uint8_t)(k - ((255 - ink) * k >> 8));
}

/* Inks are stored inverted: 255 is none. */
static void cmyk_to_bgr(uint8_t *bgr, const JSAMPLE *cmyk, int w)
{
    for (int x = 0; x < w; x++, bgr += 3, cmyk += 4) {
        bgr[0] = under_black(cmyk[2], cmyk[3]);
        bgr[1] = under_black(cmyk[1], cmyk[3]);
        bgr[2] = under_black(cmyk[0], cmyk[3]);
    }
}

/* a * b / 255, rounded as Pillow does it. */
static uint8_t part_of(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

static void cmyk_to_pillow(uint8_t *bgr, const JSAMPLE *cmyk, int w)
{
    for (int x = 0; x < w; x++, bgr += 3, cmyk += 4)
        for (int i = 0; i < 3; i++)
            bgr[i] = (uint8_t)(cmyk[3] - part_of(255u - cmyk[2 - i], cmyk[3]));
}

static void read_rows(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->cinfo;
    const size_t row = (size_t)r->pixels.w * 3;
    JSAMPARRAY inks = NULL;
    if (c->out_color_space == JCS_CMYK)
        inks =
            c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, c->output_width * 4, 1);
    for (int y = 0; y < r->pixels.h; y++) {
        JSAMPROW to = r->pixels.data + (size_t)y * row;
        (void)jpeg_read_scanlines(c, inks ? inks : &to, 1);
        if (!inks)
            continue;
        cmyk_to_bgr(to, inks[0], r->pixels.w);
        cmyk_to_pillow(r->pixels.pillow + (size_t)y * row, inks[0], r->pixels.w);
    }
}

static dp_status read_image(struct reader *r, const void *bytes, size_t size)
{
    struct jpeg_decompress_struct *c = &r->cinfo;
    jpeg_create_decompress(c);
    c->progress = &r->progress;
    jpeg_mem_src(c, bytes, size);
    jpeg_save_markers(c, EXIF_MARKER, MARKER_MAX);
    (void)jpeg_read_header(c, TRUE);
    const int orientation = find_orientation(c);

    dp_status st =
        dp_image_limits_check(r->codec.err, &(dp_image_claim){.name = r->codec.name,
                                                              .format = "JPEG",
                                                              .w = c->image_width,
                                                              .h = c->image_height,
                                                              .size = size,
                                                              .least = least_bytes(c)});
    if (st == DP_OK)
        st = dp_pixels_init(r->codec.err, &r->pixels, (int)c->image_height,
                            (int)c->image_width);
    if (st == DP_OK && c->num_components == 4)
        st = dp_pixels_add_pillow(r->codec.err, &r->pixels);
    if (st != DP_OK)
        return st;

    c->out_color_space = c->num_components == 4 ? JCS_CMYK : JCS_EXT_BGR;
    c->dct_method = JDCT_ISLOW;
    c->do_fancy_upsampling = TRUE;
    (void)jpeg_start_decompress(c);
    read_rows(r);
    (void)jpeg_finish_decompress(c);
    return dp_exif_turn(r->codec.err, &r->pixels, orientation);
}

static dp_status read_or_escape(struct reader *r, const void *bytes, size_t size)
{
    if (setjmp(r->codec.escape))
        return r->codec.err->code;
    return read_image(r, bytes, size);
}

dp_status dp_jpeg_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name)
{
    struct reader r;
    memset(&r, 0, sizeof r);
    r.cinfo.err = codec_init(err, &r.codec, name);
    r.cinfo.client_data = &r.codec;
    r.progress.progress_monitor = limit_scans;

    const dp_status st = read_or_escape(&r, bytes, size);
    jpeg_destroy_decompress(&r.cinfo);
    if (st != DP_OK)
        dp_pixels_done(&r.pixels);
    *out = r.pixels;
    return st;
}

/* ---- writing --------------------------------------------------------------- */

static void write_bytes(j_compress_ptr c, size_t size)
{
    struct writer *w = c->client_data;
    if (dp_atomic_file_write(w->codec.err, &w->file, w->buffer, size) != DP_OK)
        escape(&w->codec);
    w->destination.next_output_byte = w->buffer;
    w->destination.free_in_buffer = sizeof w->buffer;
}

static void start_buffer(j_compress_ptr c)
{
    write_bytes(c, 0);
}

static boolean empty_buffer(j_compress_ptr c)
{
    struct writer *w = c->client_data;
    write_bytes(c, sizeof w->buffer);
    return TRUE;
}

static void end_buffer(j_compress_ptr c)
{
    struct writer *w = c->client_data;
    write_bytes(c, sizeof w->buffer - w->destination.free_in_buffer);
}

static void write_image(struct writer *w, const dp_pixels *pixels, int quality)
{
    struct jpeg_compress_struct *c = &w->cinfo;
    jpeg_create_compress(c);
    w->destination.init_destination = start_buffer;
    w->destination.empty_output_buffer = empty_buffer;
    w->destination.term_destination = end_buffer;
    c->dest = &w->destination;
    c->image_width = (JDIMENSION)pixels->w;
    c->image_height = (JDIMENSION)pixels->h;
    c->input_components = 3;
    c->in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    c->comp_info[0].h_samp_factor = 1;
    c->comp_info[0].v_samp_factor = 1;

    jpeg_start_compress(c, TRUE);
    for (int y = 0; y < pixels->h; y++) {
        JSAMPROW row = pixels->data + (size_t)y * (size_t)pixels->w * 3;
        (void)jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static dp_status write_or_escape(struct writer *w, const dp_pixels *pixels, int quality)
{
    if (setjmp(w->codec.escape))
        return w->codec.err->code;
    write_image(w, pixels, quality);
    return dp_atomic_file_commit(w->codec.err, &w->file);
}

dp_status dp_jpeg_save(dp_error *err, const char *path, const dp_pixels *pixels,
                       int quality)
{
    if (quality < 1 || quality > 100)
        return dp_fail(err, DP_EARG, "%s: JPEG quality: found %d, expected 1 to 100",
                       path, quality);
    if (!pixels->data)
        return dp_fail(err, DP_EARG, "%s: there are no pixels to write", path);
    struct writer w;
    memset(&w, 0, sizeof w);
    w.cinfo.err = codec_init(err, &w.codec, path);
    w.cinfo.client_data = &w.codec;

    dp_status st = dp_atomic_file_open(err, &w.file, path);
    if (st == DP_OK)
        st = write_or_escape(&w, pixels, quality);
    dp_atomic_file_abandon(&w.file);
    jpeg_destroy_compress(&w.cinfo);
    return st;
}
