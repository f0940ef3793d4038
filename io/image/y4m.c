#include "io/image/y4m.h"

#include "io/image/image_limits.h"

#include <errno.h>
#include <string.h>

enum { LINE = 1024 };

static dp_status cut_short(dp_error *err, FILE *f, const char *name)
{
    if (ferror(f))
        return dp_fail(err, DP_EIO, "%s: cannot read: %s", name, strerror(errno));
    return dp_fail(err, DP_EFORMAT, "%s: the stream is cut here", name);
}

/* A line without its end; *end: there is nothing. DP_EFORMAT when it does not end. */
static dp_status read_line(dp_error *err, char line[LINE], bool *end, FILE *f,
                           const char *name)
{
    size_t size = 0;
    int c;
    while ((c = getc(f)) != EOF && c != '\n' && size < LINE - 1)
        line[size++] = (char)c;
    line[size] = '\0';
    *end = c == EOF && size == 0 && !ferror(f);
    return c == '\n' || *end ? DP_OK : cut_short(err, f, name);
}

static const struct {
    const char *name;
    int shift_y, shift_x;
    bool grey;
} spaces[] = {
    {"420", 1, 1, false},      {"420jpeg", 1, 1, false}, {"420mpeg2", 1, 1, false},
    {"420paldv", 1, 1, false}, {"422", 0, 1, false},     {"444", 0, 0, false},
    {"mono", 0, 0, true},
};

static dp_status set_space(dp_error *err, dp_y4m *y, const char *space,
                           const char *name)
{
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        if (strcmp(spaces[i].name, space) == 0) {
            y->yuv.shift_y = spaces[i].shift_y;
            y->yuv.shift_x = spaces[i].shift_x;
            y->yuv.grey = spaces[i].grey;
            return DP_OK;
        }
    return dp_fail(err, DP_EUNSUPPORTED,
                   "%s: colour space: found C%s, expected 8 bits of 420, 422, 444 or "
                   "mono; ffmpeg converts with -pix_fmt yuv420p",
                   name, space);
}

/* 0 where there is no number. */
static int get_number(const char *text)
{
    int value = 0;
    return sscanf(text, "%9d", &value) == 1 ? value : 0;
}

static dp_status set_field(dp_error *err, dp_y4m *y, const char *field,
                           const char *name)
{
    const char *value = field + 1;
    switch (field[0]) {
    case 'W':
        y->yuv.w = get_number(value);
        break;
    case 'H':
        y->yuv.h = get_number(value);
        break;
    case 'F':
        if (sscanf(value, "%9d:%9d", &y->rate, &y->per) != 2 || y->rate < 1 ||
            y->per < 1)
            y->rate = y->per = 0;
        break;
    case 'C':
        return set_space(err, y, value, name);
    case 'X':
        if (strcmp(value, "COLORRANGE=FULL") == 0)
            y->yuv.full_range = true;
        break;
    default:
        break;
    }
    return DP_OK;
}

dp_status dp_y4m_read_header(dp_error *err, dp_y4m *y, FILE *stream, const char *name,
                             int most)
{
    static const char magic[] = "YUV4MPEG2";
    char line[LINE];
    bool end;
    *y = (dp_y4m){.yuv = {.shift_y = 1, .shift_x = 1}};
    dp_status st = read_line(err, line, &end, stream, name);
    if (st == DP_EIO)
        return st;
    if (strncmp(line, magic, sizeof magic - 1) != 0)
        return dp_fail(err, DP_EFORMAT,
                       "%s: no Y4M stream: it does not begin with YUV4MPEG2", name);
    char *left = line + sizeof magic - 1;
    while (st == DP_OK && *(left += strspn(left, " "))) {
        char *field = left;
        left += strcspn(left, " ");
        if (*left)
            *left++ = '\0';
        st = set_field(err, y, field, name);
    }
    if (st != DP_OK)
        return st;
    st = dp_image_limits_check(
        err, &(dp_image_claim){.name = name,
                               .format = "Y4M stream",
                               .w = (uint64_t)(y->yuv.w > 0 ? y->yuv.w : 0),
                               .h = (uint64_t)(y->yuv.h > 0 ? y->yuv.h : 0)});
    if (st == DP_OK && (int64_t)y->yuv.w * y->yuv.h > most)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: frames of %d x %d pixels; at most %d in all are read", name,
                       y->yuv.w, y->yuv.h, most);
    return st;
}

dp_status dp_y4m_read_frame(dp_error *err, const dp_y4m *y, uint8_t *planes, bool *end,
                            FILE *stream, const char *name)
{
    char line[LINE];
    const size_t size = dp_yuv_size(&y->yuv);
    const dp_status st = read_line(err, line, end, stream, name);
    if (st != DP_OK || *end)
        return st;
    if (strncmp(line, "FRAME", 5) != 0 || (line[5] && line[5] != ' '))
        return dp_fail(err, DP_EFORMAT, "%s: found no FRAME line", name);
    return fread(planes, 1, size, stream) == size ? DP_OK
                                                  : cut_short(err, stream, name);
}

bool dp_y4m_write_header(const dp_y4m *y, FILE *stream)
{
    return fprintf(stream,
                   "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n",
                   y->yuv.w, y->yuv.h, y->rate ? y->rate : 25, y->per ? y->per : 1) > 0;
}

bool dp_y4m_write_frame(const dp_y4m *y, const uint8_t *planes, FILE *stream)
{
    const size_t size = dp_yuv_size(&y->yuv);
    return fputs("FRAME\n", stream) >= 0 && fwrite(planes, 1, size, stream) == size;
}
