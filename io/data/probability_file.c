#define _POSIX_C_SOURCE 200809L /* fseeko */
#include "io/data/probability_file.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { ALIGNMENT = 8 };

static dp_status write_header(dp_error *err, dp_probability_file *s, const char *name)
{
    unsigned char length[8];
    dp_text text = {.err = err};
    const unsigned long long bytes = sizeof(float) * (unsigned long long)s->K *
                                     (unsigned long long)s->H *
                                     (unsigned long long)s->W;
    dp_text_add(&text, "{");
    dp_text_add_quoted(&text, name);
    dp_text_add(
        &text, ":{\"dtype\":\"F32\",\"shape\":[1,%d,%d,%d],\"data_offsets\":[0,%llu]}}",
        s->K, s->H, s->W, bytes);
    while (text.status == DP_OK && text.size % ALIGNMENT)
        dp_text_add(&text, " ");
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)text.size >> 8 * i);
    s->data = (long long)(sizeof length + text.size);

    dp_status st = text.status;
    if (st == DP_OK)
        st = dp_atomic_file_write(err, &s->file, length, sizeof length);
    if (st == DP_OK)
        st = dp_atomic_file_write(err, &s->file, text.data, text.size);
    dp_text_done(&text);
    return st;
}

dp_status dp_probability_file_open(dp_error *err, dp_probability_file *s,
                                   const char *path, const char *name, int K, int H,
                                   int W)
{
    *s = (dp_probability_file){.K = K, .H = H, .W = W};
    dp_status st = dp_atomic_file_open(err, &s->file, path);
    if (st != DP_OK)
        return st;
    if (!s->file.temporary)
        st = dp_fail(err, DP_EUNSUPPORTED,
                     "%s: a pipe or a device, not a file for scores", path);
    else
        st = write_header(err, s, name);
    if (st != DP_OK)
        dp_atomic_file_abandon(&s->file);
    return st;
}

static dp_status go_to(dp_error *err, dp_probability_file *s, int k, int y)
{
    const long long cells = ((long long)k * s->H + y) * s->W;
    const long long at = s->data + cells * (long long)sizeof(float);
    if (fseeko(s->file.stream, (off_t)at, SEEK_SET) == 0)
        return DP_OK;
    s->file.fault = errno;
    return dp_fail(err, DP_EIO, "%s: cannot be written at %lld: %s", s->file.path, at,
                   strerror(s->file.fault));
}

dp_status dp_probability_file_put(dp_error *err, dp_probability_file *s, int y,
                                  dp_tensor rows)
{
    const size_t cells = (size_t)rows.H * (size_t)s->W, K = (size_t)s->K;
    dp_status st = dp_grow(err, &s->plane, &s->plane_capacity, cells, sizeof *s->plane,
                           "rows of scores");
    for (int k = 0; k < s->K && st == DP_OK; k++) {
        for (size_t i = 0; i < cells; i++)
            s->plane[i] = rows.data[i * K + (size_t)k];
        st = go_to(err, s, k, y);
        if (st == DP_OK)
            st =
                dp_atomic_file_write(err, &s->file, s->plane, cells * sizeof *s->plane);
    }
    return st;
}

dp_status dp_probability_file_close(dp_error *err, dp_probability_file *s, dp_status st)
{
    if (st == DP_OK && s->file.stream)
        st = dp_atomic_file_commit(err, &s->file);
    dp_atomic_file_abandon(&s->file);
    dp_free(s->plane);
    *s = (dp_probability_file){0};
    return st;
}
