#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include "io/image/ppm.h"

#include "io/image/image_limits.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { NUMBER_MAX = 1000000 };

struct header {
    int w, h, most;
    int channels;
};

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first byte that is in no blank or comment. */
static int skip_blanks(FILE *f)
{
    int c = getc(f);
    while (is_space(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = getc(f);
        c = getc(f);
    }
    return c;
}

/* A decimal number after blanks and comments, with the one byte that ends it; -1: none. */
static int read_number(FILE *f)
{
    int c = skip_blanks(f), value = -1;
    for (; c >= '0' && c <= '9'; c = getc(f)) {
        value = (value < 0 ? 0 : value) * 10 + (c - '0');
        if (value > NUMBER_MAX)
            return -1;
    }
    return is_space(c) ? value : -1;
}

static dp_status cut_short(dp_error *err, FILE *f, const char *name)
{
    if (ferror(f))
        return dp_fail(err, DP_EIO, "%s: cannot read: %s", name, strerror(errno));
    return dp_fail(err, DP_EFORMAT, "%s: the PPM is damaged or not complete", name);
}

static dp_status read_header(dp_error *err, struct header *head, bool *end, FILE *f,
                             const char *name)
{
    const int first = getc(f);
    *end = first == EOF && !ferror(f);
    if (*end)
        return DP_OK;
    const int kind = getc(f);
    if (first != 'P' || (kind != '5' && kind != '6'))
        return ferror(f) ? cut_short(err, f, name)
                         : dp_fail(err, DP_EFORMAT,
                                   "%s: no PPM: it does not begin with P5 or P6", name);
    head->channels = kind == '6' ? 3 : 1;
    head->w = read_number(f);
    head->h = head->w < 0 ? -1 : read_number(f);
    head->most = head->h < 0 ? -1 : read_number(f);
    if (head->most < 0)
        return cut_short(err, f, name);
    if (head->most != UINT8_MAX)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: largest value of the PPM: found %d, expected 255", name,
                       head->most);
    return dp_image_limits_check(err, &(dp_image_claim){.name = name,
                                                        .format = "PPM",
                                                        .w = (uint64_t)head->w,
                                                        .h = (uint64_t)head->h});
}

/* Rows come red first, or grey, and lie blue first. */
static void convert_row(uint8_t *row, int w, int channels)
{
    for (int x = w; x-- > 0;) {
        uint8_t *to = row + 3 * x;
        if (channels == 1) {
            memset(to, row[x], 3);
        } else {
            const uint8_t red = to[0];
            to[0] = to[2];
            to[2] = red;
        }
    }
}

dp_status dp_ppm_read(dp_error *err, dp_pixels *out, bool *end, FILE *stream,
                      const char *name)
{
    struct header head = {0};
    *out = (dp_pixels){0};
    dp_status st = read_header(err, &head, end, stream, name);
    if (st != DP_OK || *end)
        return st;
    st = dp_pixels_init(err, out, head.h, head.w);
    const size_t bytes = (size_t)head.w * (size_t)head.channels;
    for (int y = 0; y < head.h && st == DP_OK; y++) {
        uint8_t *row = out->data + (size_t)y * (size_t)head.w * 3;
        if (fread(row, 1, bytes, stream) == bytes)
            convert_row(row, head.w, head.channels);
        else
            st = cut_short(err, stream, name);
    }
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}

dp_status dp_ppm_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name)
{
    void *memory;
    bool end = false;
    *out = (dp_pixels){0};
    memcpy(&memory, &bytes, sizeof memory); /* it is only read */
    FILE *f = size ? fmemopen(memory, size, "rb") : NULL;
    if (!f)
        return dp_fail(err, size ? DP_ENOMEM : DP_EFORMAT, "%s: cannot read a PPM",
                       name);
    const dp_status st = dp_ppm_read(err, out, &end, f, name);
    fclose(f);
    return st;
}
