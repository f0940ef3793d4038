#define _XOPEN_SOURCE 700 /* realpath */
#include "base/atomic_file.h"

#include "base/memory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, SUFFIX_ROOM = 48 };

static dp_status system_refused(dp_error *err, const char *path, int reason)
{
    return dp_fail(err, DP_EIO, "%s: cannot write: %s", path, strerror(reason));
}

/* ---- the temporaries there are --------------------------------------------------------- */

typedef struct temporary {
    struct temporary *next;
    char name[]; /* what an atomic file holds */
} temporary;

/* Of all threads: the files that are there are those in the list, whenever it is free. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static temporary *all;

static temporary *find_temporary(char *name)
{
    return (temporary *)(void *)(name - offsetof(temporary, name));
}

/* With the lock held. */
static void forget(const temporary *gone)
{
    temporary **at = &all;
    while (*at && *at != gone)
        at = &(*at)->next;
    if (*at)
        *at = gone->next;
}

/* Rename it to `path`, or remove it when that is NULL. Returns 0 or errno. */
static int end_temporary(dp_atomic_file *f, const char *path)
{
    temporary *t = find_temporary(f->temporary);
    pthread_mutex_lock(&lock);
    const int fault = (path ? rename(t->name, path) : unlink(t->name)) == 0 ? 0 : errno;
    if (fault == 0 || !path)
        forget(t);
    pthread_mutex_unlock(&lock);
    if (fault != 0 && path)
        return fault;
    dp_free(t);
    f->temporary = NULL;
    return 0;
}

void dp_atomic_file_abandon_all(void)
{
    pthread_mutex_lock(&lock);
    for (const temporary *t = all; t; t = t->next)
        unlink(t->name);
}

/* ---- opening ----------------------------------------------------------------------------- */

/* Opens a file that nobody has: O_EXCL, not a random name, keeps two writers apart.
 * mkstemp would do it too, but ignores the umask. */
static dp_status open_temporary(dp_error *err, dp_atomic_file *f, int *fd,
                                const char *path)
{
    const size_t room = strlen(f->path) + SUFFIX_ROOM;
    temporary *t;
    dp_status st = dp_alloc(err, &t, sizeof *t + room, 1, "a file name");
    if (st != DP_OK)
        return st;
    pthread_mutex_lock(&lock);
    *fd = -1;
    errno = EEXIST;
    for (int i = 0; i < TRIES && *fd < 0 && errno == EEXIST; i++) {
        snprintf(t->name, room, "%s.%ld-%d.tmp", f->path, (long)getpid(), i);
        *fd = open(t->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    const int reason = errno;
    if (*fd >= 0) {
        t->next = all;
        all = t;
        f->temporary = t->name;
    }
    pthread_mutex_unlock(&lock);
    if (*fd >= 0)
        return DP_OK;
    dp_free(t);
    return system_refused(err, path, reason);
}

/* *fd is open on success. */
static dp_status open_target(dp_error *err, dp_atomic_file *f, int *fd,
                             const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0 || S_ISREG(about.st_mode))
        return open_temporary(err, f, fd, path);
    *fd = open(path, O_WRONLY | O_CLOEXEC);
    return *fd >= 0 ? DP_OK : system_refused(err, path, errno);
}

dp_status dp_atomic_file_open(dp_error *err, dp_atomic_file *f, const char *path)
{
    *f = (dp_atomic_file){0};
    int fd = -1;
    char *resolved = realpath(path, NULL); /* NULL for a file yet to be made */
    dp_status st = dp_strdup(err, &f->path, resolved ? resolved : path);
    free(resolved); /* lint: realpath allocated it */
    if (st == DP_OK)
        st = open_target(err, f, &fd, path);
    if (st == DP_OK) {
        f->stream = fdopen(fd, "wb");
        if (!f->stream) {
            st = system_refused(err, path, errno);
            close(fd);
        }
    }
    if (st != DP_OK)
        dp_atomic_file_abandon(f);
    return st;
}

dp_status dp_atomic_file_write(dp_error *err, dp_atomic_file *f, const void *bytes,
                               size_t size)
{
    if (f->fault == 0 && fwrite(bytes, 1, size, f->stream) != size)
        f->fault = errno ? errno : EIO;
    return f->fault == 0 ? DP_OK : system_refused(err, f->path, f->fault);
}

/* The reason of the first failed write, 0 for none. A write of the caller's own leaves
 * a flag in the stream but no reason. */
static int close_stream(dp_atomic_file *f)
{
    int fault = f->fault;
    if (fault == 0 && ferror(f->stream))
        fault = EIO;
    if (fault == 0 && f->durable && fflush(f->stream) != 0)
        fault = errno;
    if (fault == 0 && f->durable && fsync(fileno(f->stream)) != 0 && errno != EINVAL)
        fault = errno;
    if (fclose(f->stream) != 0 && fault == 0)
        fault = errno;
    f->stream = NULL;
    return fault;
}

/* So that the rename is on the disk. Not every file system can; the file is whole there
 * all the same. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    const int fd = open(!slash ? "." : *path ? path : "/", O_RDONLY | O_CLOEXEC);
    if (slash)
        *slash = '/';
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

dp_status dp_atomic_file_commit(dp_error *err, dp_atomic_file *f)
{
    int fault = close_stream(f);
    if (fault == 0 && f->temporary) {
        fault = end_temporary(f, f->path);
        if (fault == 0 && f->durable)
            sync_folder(f->path);
    }
    const dp_status st = fault == 0 ? DP_OK : system_refused(err, f->path, fault);
    dp_atomic_file_abandon(f);
    return st;
}

void dp_atomic_file_abandon(dp_atomic_file *f)
{
    if (f->stream)
        fclose(f->stream);
    if (f->temporary)
        (void)end_temporary(f, NULL);
    dp_free(f->path);
    *f = (dp_atomic_file){0};
}

/* Cut the digits off the end of the first *size bytes; false when there are none. */
static bool cut_digits(const char *name, size_t *size)
{
    const size_t before = *size;
    while (*size > 0 && isdigit((unsigned char)name[*size - 1]))
        --*size;
    return *size < before;
}

/* As open_temporary names them: NAME.PROCESS-COUNTER.tmp */
static bool is_temporary(const char *name)
{
    static const char end[] = ".tmp";
    const size_t tail = sizeof end - 1;
    size_t size = strlen(name);
    if (size <= tail || strcmp(name + size - tail, end) != 0)
        return false;
    size -= tail;
    if (!cut_digits(name, &size) || size == 0 || name[--size] != '-')
        return false;
    return cut_digits(name, &size) && size > 1 && name[size - 1] == '.';
}

dp_status dp_atomic_file_tidy(dp_error *err, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? DP_OK : system_refused(err, folder, errno);
    const struct dirent *entry;
    while ((entry = readdir(dir)))
        if (is_temporary(entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    return DP_OK;
}
