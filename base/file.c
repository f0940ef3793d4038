#define _DEFAULT_SOURCE /* madvise */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

static const char *file_kind(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static dp_status system_refused(dp_error *err, const char *path)
{
    return dp_fail(err, errno == ENOMEM ? DP_ENOMEM : DP_EIO, "%s: %s", path,
                   strerror(errno));
}

static dp_status map_opened(dp_error *err, dp_file_map *map, int fd,
                            const struct stat *about, const char *path)
{
    if (!S_ISREG(about->st_mode))
        return dp_fail(err, DP_EIO, "%s: %s, not a regular file", path,
                       file_kind(about->st_mode));
    if (about->st_size == 0)
        return DP_OK;
    if ((uintmax_t)about->st_size > SIZE_MAX)
        return dp_fail(err, DP_EIO, "%s: found %jd bytes, expected at most %zu", path,
                       (intmax_t)about->st_size, SIZE_MAX);
    const size_t size = (size_t)about->st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return system_refused(err, path);
    *map = (dp_file_map){data, size, data};
    return DP_OK;
}

dp_status dp_file_map_open(dp_error *err, dp_file_map *map, const char *path)
{
    struct stat about;
    *map = (dp_file_map){NULL, 0, NULL};
    /* Without O_NONBLOCK a pipe nobody writes to would block here, not be refused. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return system_refused(err, path);
    const dp_status st = fstat(fd, &about) != 0
                             ? system_refused(err, path)
                             : map_opened(err, map, fd, &about, path);
    close(fd);
    return st;
}

void dp_file_map_close(dp_file_map *map)
{
    if (map->base)
        munmap(map->base, map->size);
    *map = (dp_file_map){NULL, 0, NULL};
}

void dp_file_map_forget(const dp_file_map *map, size_t from, size_t to)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    from = (from + page - 1) / page * page;
    to = to / page * page;
    if (map->base && from < to) /* advice only: a refusal costs memory, nothing else */
        (void)madvise((char *)map->base + from, to - from, MADV_DONTNEED);
}

static dp_status too_long(dp_error *err, const char *name, size_t limit)
{
    return dp_fail(err, DP_EFORMAT,
                   "%s: the file is longer than the limit of %zu bytes", name, limit);
}

/* Room for `expected` bytes is made at once, and for one more: asking for it shows the
 * end, and then it holds the closing zero. */
static dp_status read_all(dp_error *err, unsigned char **data, size_t *size,
                          FILE *stream, const char *name, size_t limit, size_t expected)
{
    void *buffer = NULL;
    size_t used = 0, room = 0, step = expected + 1;
    dp_status st;
    do {
        st = dp_grow(err, &buffer, &room, used + step, 1, name);
        if (st != DP_OK)
            break;
        used += fread((unsigned char *)buffer + used, 1, room - used, stream);
        if (ferror(stream))
            st = system_refused(err, name);
        else if (used > limit)
            st = too_long(err, name, limit);
        step = CHUNK;
    } while (st == DP_OK && !feof(stream));

    if (st != DP_OK) {
        dp_free(buffer);
        return st;
    }
    *data = buffer;
    *size = used;
    (*data)[used] = 0;
    return DP_OK;
}

dp_status dp_file_load_stream(dp_error *err, unsigned char **data, size_t *size,
                              FILE *stream, const char *name, size_t limit)
{
    *data = NULL;
    *size = 0;
    return read_all(err, data, size, stream, name, limit, CHUNK);
}

static dp_status load_opened(dp_error *err, unsigned char **data, size_t *size,
                             FILE *stream, const struct stat *about, const char *path,
                             size_t limit)
{
    size_t expected = CHUNK;
    if (S_ISDIR(about->st_mode))
        return dp_fail(err, DP_EIO, "%s: a directory, not a file", path);
    if (S_ISREG(about->st_mode)) {
        if ((uintmax_t)about->st_size > limit)
            return too_long(err, path, limit);
        expected = (size_t)about->st_size;
    }
    return read_all(err, data, size, stream, path, limit, expected);
}

dp_status dp_file_load(dp_error *err, unsigned char **data, size_t *size,
                       const char *path, size_t limit)
{
    struct stat about;
    *data = NULL;
    *size = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return system_refused(err, path);
    const dp_status st =
        fstat(fileno(stream), &about) != 0
            ? system_refused(err, path)
            : load_opened(err, data, size, stream, &about, path, limit);
    fclose(stream);
    return st;
}
