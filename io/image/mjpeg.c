#include "io/image/mjpeg.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum { PREFIX = 0xff, TEM = 0x01, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

struct scan {
    dp_error *err;
    dp_mjpeg *m;
    FILE *stream;
    const char *name;
    size_t most;
    dp_status st;
};

/* The next byte, kept; -1 when there is none, and why in s->st. */
static int next(struct scan *s)
{
    dp_mjpeg *m = s->m;
    const int c = getc(s->stream);
    if (c == EOF)
        s->st = ferror(s->stream) ? dp_fail(s->err, DP_EIO, "%s: cannot read: %s",
                                            s->name, strerror(errno))
                                  : dp_fail(s->err, DP_EFORMAT,
                                            "%s: the stream is cut here", s->name);
    else if (m->size == s->most)
        s->st =
            dp_fail(s->err, DP_EUNSUPPORTED,
                    "%s: a JPEG of more than %zu bytes in a stream", s->name, s->most);
    else
        s->st = dp_grow(s->err, &m->data, &m->capacity, m->size + 1, 1,
                        "a JPEG of a stream");
    if (s->st != DP_OK)
        return -1;
    m->data[m->size++] = (uint8_t)c;
    return c;
}

/* The code after a prefix and its fill bytes. */
static int read_code(struct scan *s)
{
    int c;
    do
        c = next(s);
    while (c == PREFIX);
    return c;
}

/* The marker that ends the coded data of a scan. */
static int skip_coded(struct scan *s)
{
    for (;;) {
        int c = next(s);
        while (c >= 0 && c != PREFIX)
            c = next(s);
        c = c < 0 ? c : read_code(s);
        if (c != 0 && !(c >= RST0 && c < SOI))
            return c;
    }
}

static void skip_segment(struct scan *s)
{
    const int high = next(s), low = high < 0 ? -1 : next(s);
    for (int left = high * 256 + low - 2; low >= 0 && left > 0; left--)
        if (next(s) < 0)
            return;
}

static dp_status damaged(struct scan *s)
{
    return dp_fail(s->err, DP_EFORMAT, "%s: no JPEG is where one should begin or go on",
                   s->name);
}

/* From behind SOI to behind EOI. */
static dp_status read_markers(struct scan *s)
{
    int code = next(s) == PREFIX ? read_code(s) : 0;
    while (s->st == DP_OK && code != EOI) {
        if (code == 0 || code == SOI)
            return damaged(s);
        if (code != TEM && !(code >= RST0 && code < SOI))
            skip_segment(s);
        if (s->st == DP_OK && code == SOS)
            code = skip_coded(s);
        else if (s->st == DP_OK)
            code = next(s) == PREFIX ? read_code(s) : 0;
    }
    return s->st;
}

dp_status dp_mjpeg_read(dp_error *err, dp_mjpeg *m, bool *end, FILE *stream,
                        const char *name, size_t most)
{
    struct scan s = {err, m, stream, name, most, DP_OK};
    m->size = 0;
    const int first = getc(stream);
    *end = first == EOF && !ferror(stream);
    if (*end)
        return DP_OK;
    if (first != EOF)
        (void)ungetc(first, stream);
    const int a = next(&s), b = a < 0 ? -1 : next(&s);
    if (s.st != DP_OK)
        return s.st;
    return a == PREFIX && b == SOI ? read_markers(&s) : damaged(&s);
}

void dp_mjpeg_done(dp_mjpeg *m)
{
    dp_free(m->data);
    *m = (dp_mjpeg){0};
}
