#define _POSIX_C_SOURCE 200809L /* ftruncate, fcntl */
#include "runner/record_file.h"

#include "base/memory.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

static const unsigned char file_mark[8] = {'D', 'P', 'R', 'E', 'C', 0, 0, 1};
static const unsigned char record_mark[4] = {'R', 'E', 'C', 'D'};

enum {
    FILE_HEAD = 8 + DP_RECORD_KEY_BYTES,
    HEAD = 24, /* of a record, before its payload */
    TAIL = 4
};

static void put_number(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_number(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* Of all but the mark and the checksum itself. */
static uint32_t checksum(const unsigned char *record, size_t size)
{
    uLong crc = crc32(0, record + sizeof record_mark, HEAD - sizeof record_mark);
    return (uint32_t)crc32_z(crc, record + HEAD, size);
}

/* ---- reading --------------------------------------------------------------------------- */

/* False: no whole record starts here. */
static bool read_record(dp_record *r, const unsigned char *bytes, size_t at,
                        size_t size)
{
    const unsigned char *p = bytes + at;
    if (size - at < HEAD + TAIL || memcmp(p, record_mark, sizeof record_mark) != 0)
        return false;
    const uint64_t length = get_number(p + 16, 8);
    if (length > DP_MAX_RECORD_BYTES || length > size - at - HEAD - TAIL)
        return false;
    *r = (dp_record){.item = get_number(p + 8, 8),
                     .kind = (uint32_t)get_number(p + 4, 4),
                     .at = at + HEAD,
                     .size = (size_t)length,
                     .payload = p + HEAD};
    return get_number(p + HEAD + r->size, TAIL) == checksum(p, r->size);
}

dp_status dp_record_file_scan(dp_error *err, const unsigned char *bytes, size_t size,
                              const char *name, const uint8_t key[DP_RECORD_KEY_BYTES],
                              dp_record_visit *visit, void *arg, size_t *whole)
{
    const size_t mark = size < sizeof file_mark ? size : sizeof file_mark;
    *whole = 0;
    if (mark > 0 && memcmp(bytes, file_mark, mark) != 0)
        return dp_fail(err, DP_EFORMAT, "%s is no file of records", name);
    if (size < FILE_HEAD)
        return DP_OK; /* torn before its first record */
    if (key && memcmp(bytes + sizeof file_mark, key, DP_RECORD_KEY_BYTES) != 0)
        return dp_fail(err, DP_EARG, "%s: found records of another run", name);
    dp_record r;
    *whole = FILE_HEAD;
    while (read_record(&r, bytes, *whole, size)) {
        const dp_status st = visit(err, arg, &r);
        if (st != DP_OK)
            return st;
        *whole = r.at + r.size + TAIL;
    }
    return DP_OK;
}

/* ---- appending ------------------------------------------------------------------------- */

static dp_status refused(dp_error *err, const dp_record_file *f, int reason)
{
    return dp_fail(err, DP_EIO, "%s: cannot write: %s", f->path, strerror(reason));
}

/* A lock of this process, where the file system has locks. */
static dp_status lock(dp_error *err, const dp_record_file *f)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(f->fd, F_SETLK, &all) != 0 && (errno == EACCES || errno == EAGAIN))
        return dp_fail(err, DP_EIO, "%s: another process is writing to it", f->path);
    return DP_OK;
}

/* Write all, or leave the file as it was. */
static dp_status write_at_end(dp_error *err, dp_record_file *f,
                              const unsigned char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n =
            pwrite(f->fd, bytes + done, size - done, (off_t)(f->end + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            const int reason = n < 0 ? errno : ENOSPC;
            const bool cut = ftruncate(f->fd, (off_t)f->end) == 0;
            return dp_fail(err, DP_EIO, "%s: cannot write: %s%s", f->path,
                           strerror(reason),
                           cut ? "" : "; a torn record is at its end");
        }
        done += (size_t)n;
    }
    f->end += size;
    return DP_OK;
}

static dp_status scan_file(dp_error *err, dp_record_file *f, size_t size,
                           const uint8_t *key, dp_record_visit *visit, void *arg)
{
    void *bytes = NULL;
    if (size > 0) {
        bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, f->fd, 0);
        if (bytes == MAP_FAILED)
            return dp_fail(err, DP_EIO, "%s: cannot read: %s", f->path,
                           strerror(errno));
    }
    const dp_status st =
        dp_record_file_scan(err, bytes, size, f->path, key, visit, arg, &f->end);
    if (bytes)
        munmap(bytes, size);
    return st;
}

struct search {
    uint32_t kind;
    bool found;
};

static dp_status look_at(dp_error *err, void *arg, const dp_record *r)
{
    struct search *search = arg;
    (void)err;
    search->found = search->found || r->kind == search->kind;
    return DP_OK;
}

dp_status dp_record_file_is_used(dp_error *err, bool *used, const char *path,
                                 uint32_t kind)
{
    struct search search = {.kind = kind};
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    dp_record_file f = {.fd = -1};
    struct stat about;
    dp_status st = dp_strdup(err, &f.path, path);
    if (st != DP_OK)
        return st;
    f.fd = open(path, O_RDWR | O_CLOEXEC);
    if (f.fd < 0 || fstat(f.fd, &about) != 0)
        st = dp_fail(err, DP_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (st == DP_OK)
        st = scan_file(err, &f, (size_t)about.st_size, NULL, look_at, &search);
    *used = search.found ||
            (st == DP_OK && fcntl(f.fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK);
    dp_record_file_close(&f);
    return st;
}

static dp_status start(dp_error *err, dp_record_file *f, const uint8_t *key,
                       dp_record_visit *visit, void *arg)
{
    struct stat about;
    dp_status st = lock(err, f);
    if (st != DP_OK)
        return st;
    if (fstat(f->fd, &about) != 0)
        return refused(err, f, errno);
    const size_t size = (size_t)about.st_size;
    st = scan_file(err, f, size, key, visit, arg);
    if (st != DP_OK)
        return st;
    f->cut = size - f->end;
    if (f->cut > 0 && ftruncate(f->fd, (off_t)f->end) != 0)
        return refused(err, f, errno);
    if (f->end > 0)
        return DP_OK;
    unsigned char head[FILE_HEAD];
    memcpy(head, file_mark, sizeof file_mark);
    memcpy(head + sizeof file_mark, key, DP_RECORD_KEY_BYTES);
    return write_at_end(err, f, head, sizeof head);
}

dp_status dp_record_file_open(dp_error *err, dp_record_file *f, const char *path,
                              const uint8_t key[DP_RECORD_KEY_BYTES],
                              dp_record_visit *visit, void *arg)
{
    *f = (dp_record_file){.fd = -1};
    dp_status st = dp_strdup(err, &f->path, path);
    if (st != DP_OK)
        return st;
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    st = f->fd >= 0 ? start(err, f, key, visit, arg) : refused(err, f, errno);
    if (st != DP_OK)
        dp_record_file_close(f);
    return st;
}

dp_status dp_record_file_append(dp_error *err, dp_record_file *f, uint64_t item,
                                uint32_t kind, const void *payload, size_t size)
{
    if (size > DP_MAX_RECORD_BYTES)
        return dp_fail(err, DP_EARG, "%s: a record of %zu bytes, expected at most %d",
                       f->path, size, DP_MAX_RECORD_BYTES);
    const dp_status st =
        dp_grow(err, &f->buffer, &f->room, HEAD + size + TAIL, 1, "a record");
    if (st != DP_OK)
        return st;
    unsigned char *p = f->buffer;
    memcpy(p, record_mark, sizeof record_mark);
    put_number(p + 4, kind, 4);
    put_number(p + 8, item, 8);
    put_number(p + 16, size, 8);
    if (size > 0)
        memcpy(p + HEAD, payload, size);
    put_number(p + HEAD + size, checksum(p, size), TAIL);
    return write_at_end(err, f, p, HEAD + size + TAIL);
}

void dp_record_file_close(dp_record_file *f)
{
    if (f->path && f->fd >= 0)
        close(f->fd);
    dp_free(f->path);
    dp_free(f->buffer);
    *f = (dp_record_file){.fd = -1};
}
