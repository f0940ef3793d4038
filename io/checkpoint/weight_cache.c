#define _POSIX_C_SOURCE 200809L /* pread, st_mtim */
#include "io/checkpoint/weight_cache.h"

#include "base/atomic_file.h"
#include "base/checksum.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t max_floats = (uint64_t)1 << 36;

enum {
    CHUNK = 1 << 20,
    PAGE = 4096,
    ENDS = 1 << 16 /* bytes of a checkpoint's ends */
};

/* Without gaps, so that its bytes can be written and summed. */
typedef struct head {
    char magic[8];
    uint32_t order, chunk;
    uint8_t key[DP_SHA256_BYTES];
    uint64_t floats;
} head;
_Static_assert(sizeof(head) == 16 + DP_SHA256_BYTES + 8, "a head has no gaps");

static head make_head(const uint8_t key[DP_SHA256_BYTES], size_t floats)
{
    head h = {.order = 0x01020304, .chunk = CHUNK, .floats = floats};
    memcpy(h.magic, "dpcache1", sizeof h.magic);
    memcpy(h.key, key, sizeof h.key);
    return h;
}

static size_t chunks_of(uint64_t bytes)
{
    return (size_t)(bytes / CHUNK + (bytes % CHUNK != 0));
}

static size_t digest_at(size_t chunks)
{
    return sizeof(head) + chunks * sizeof(uint64_t);
}

/* Where the floats begin. */
static size_t floats_at(size_t chunks)
{
    return (digest_at(chunks) + DP_SHA256_BYTES + PAGE - 1) / PAGE * PAGE;
}

static void digest_head(uint8_t digest[DP_SHA256_BYTES], const head *h,
                        const uint64_t *sums, size_t chunks)
{
    dp_sha256 s;
    dp_sha256_init(&s);
    dp_sha256_add(&s, h, sizeof *h);
    dp_sha256_add(&s, sums, chunks * sizeof *sums);
    dp_sha256_finish(&s, digest);
}

/* ---- writing ------------------------------------------------------------------------ */

/* Floats on their way to the file, chunk by chunk. */
typedef struct writer {
    dp_atomic_file file;
    unsigned char *chunk; /* owned */
    size_t filled;
    uint64_t *sums; /* owned; of the chunks so far */
    size_t done;
    dp_error *err;
} writer;

static void flush_chunk(writer *w)
{
    if (w->filled == 0)
        return;
    w->sums[w->done++] = dp_checksum(w->chunk, w->filled);
    (void)dp_atomic_file_write(w->err, &w->file, w->chunk, w->filled);
    w->filled = 0;
}

/* NULL: zeros. */
static void put(writer *w, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    while (size > 0) {
        const size_t room = CHUNK - w->filled, n = size < room ? size : room;
        if (from)
            memcpy(w->chunk + w->filled, from, n);
        else
            memset(w->chunk + w->filled, 0, n);
        from = from ? from + n : NULL;
        size -= n;
        w->filled += n;
        if (w->filled == CHUNK)
            flush_chunk(w);
    }
}

static dp_status write_all(writer *w, const head *h, const dp_weight_piece *pieces,
                           size_t count)
{
    const size_t chunks = chunks_of(h->floats * sizeof(float));
    uint8_t digest[DP_SHA256_BYTES];
    FILE *stream = w->file.stream;
    if (fseek(stream, (long)floats_at(chunks), SEEK_SET) != 0)
        return dp_fail(w->err, DP_EIO, "%s: %s", w->file.path, strerror(errno));
    for (size_t i = 0; i < count; i++) {
        put(w, pieces[i].data, pieces[i].count * sizeof(float));
        put(w, NULL, pieces[i].padding * sizeof(float));
    }
    flush_chunk(w);
    digest_head(digest, h, w->sums, chunks);
    rewind(stream);
    (void)dp_atomic_file_write(w->err, &w->file, h, sizeof *h);
    (void)dp_atomic_file_write(w->err, &w->file, w->sums, chunks * sizeof *w->sums);
    (void)dp_atomic_file_write(w->err, &w->file, digest, sizeof digest);
    return dp_atomic_file_commit(w->err, &w->file);
}

dp_status dp_weight_cache_save(dp_error *err, const char *path,
                               const uint8_t key[DP_SHA256_BYTES],
                               const dp_weight_piece *pieces, size_t count)
{
    size_t floats = 0;
    for (size_t i = 0; i < count; i++)
        floats += pieces[i].count + pieces[i].padding;
    const head h = make_head(key, floats);
    writer w = {.err = err};
    dp_status st = dp_alloc(err, &w.chunk, CHUNK, 1, "a chunk of weights");
    if (st == DP_OK)
        st = dp_alloc(err, &w.sums, chunks_of(floats * sizeof(float)), sizeof *w.sums,
                      "sums of chunks");
    if (st == DP_OK)
        st = dp_atomic_file_open(err, &w.file, path);
    if (st == DP_OK)
        st = write_all(&w, &h, pieces, count);
    dp_atomic_file_abandon(&w.file);
    dp_free(w.chunk);
    dp_free(w.sums);
    return st;
}

/* ---- reading ------------------------------------------------------------------------ */

/* All of it, or false. */
static bool read_at(int fd, void *bytes, size_t size, size_t at)
{
    unsigned char *to = bytes;
    while (size > 0) {
        const ssize_t n = pread(fd, to, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        at += (size_t)n;
        size -= (size_t)n;
    }
    return true;
}

/* A file under way. */
typedef struct reader {
    int fd;
    size_t size; /* of the file */
    const char *path;
    size_t bytes, chunks; /* of the floats */
    uint64_t *sums;       /* owned */
    unsigned char *to;
    bool *whole; /* owned; of each chunk */
    dp_error *err;
} reader;

static dp_status refuse(const reader *r, const char *why)
{
    return dp_fail(r->err, DP_EFORMAT, "%s: %s", r->path, why);
}

static dp_status read_head(reader *r, const uint8_t key[DP_SHA256_BYTES], size_t *count)
{
    head h;
    uint8_t found[DP_SHA256_BYTES], digest[DP_SHA256_BYTES];
    if (!read_at(r->fd, &h, sizeof h, 0))
        return refuse(r, "not a weight cache");
    const head expected = make_head(key, (size_t)h.floats);
    if (memcmp(&h, &expected, sizeof h) != 0)
        return refuse(
            r, "the weights are of another checkpoint, config, processor or version");
    if (h.floats > max_floats || h.floats > r->size / sizeof(float))
        return refuse(r, "the file has no room for its numbers");
    r->bytes = (size_t)h.floats * sizeof(float);
    r->chunks = chunks_of(r->bytes);
    if (r->size != floats_at(r->chunks) + r->bytes)
        return refuse(r, "the file's size is not what its head says");
    dp_status st =
        dp_alloc(r->err, &r->sums, r->chunks, sizeof *r->sums, "sums of chunks");
    if (st == DP_OK)
        st =
            dp_alloc(r->err, &r->whole, r->chunks, sizeof *r->whole, "marks of chunks");
    if (st != DP_OK)
        return st;
    if (!read_at(r->fd, r->sums, r->chunks * sizeof *r->sums, sizeof h) ||
        !read_at(r->fd, found, sizeof found, digest_at(r->chunks)))
        return refuse(r, "the file ends in its head");
    digest_head(digest, &h, r->sums, r->chunks);
    *count = (size_t)h.floats;
    return memcmp(found, digest, sizeof digest) == 0 ? DP_OK
                                                     : refuse(r, "the head is damaged");
}

static void read_chunk(void *arg, int item, int worker)
{
    (void)worker;
    reader *r = arg;
    const size_t at = (size_t)item * CHUNK;
    const size_t size = r->bytes - at < CHUNK ? r->bytes - at : CHUNK;
    r->whole[item] = read_at(r->fd, r->to + at, size, floats_at(r->chunks) + at) &&
                     dp_checksum(r->to + at, size) == r->sums[item];
}

static dp_status read_floats(reader *r, dp_pool *pool)
{
    dp_parallel(pool, (int)r->chunks, read_chunk, r);
    for (size_t i = 0; i < r->chunks; i++)
        if (!r->whole[i])
            return refuse(r, "the weights are damaged");
    return DP_OK;
}

dp_status dp_weight_cache_load(dp_error *err, float **floats, size_t *count,
                               dp_store *store, const char *path,
                               const uint8_t key[DP_SHA256_BYTES], dp_pool *pool,
                               bool *missing)
{
    struct stat about;
    void *memory = NULL;
    /* Without O_NONBLOCK a pipe nobody writes to would block here. */
    reader r = {
        .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .path = path, .err = err};
    *missing = r.fd < 0 && errno == ENOENT;
    if (r.fd < 0)
        return dp_fail(err, DP_EIO, "%s: %s", path, strerror(errno));
    dp_status st = DP_OK;
    if (fstat(r.fd, &about) != 0 || !S_ISREG(about.st_mode))
        st = refuse(&r, "not a regular file");
    r.size = st == DP_OK ? (size_t)about.st_size : 0;
    if (st == DP_OK)
        st = read_head(&r, key, count);
    if (st == DP_OK)
        st = dp_store_take(err, store, &memory, *count, sizeof(float), "weights");
    *floats = memory;
    r.to = memory;
    if (st == DP_OK)
        st = read_floats(&r, pool);
    close(r.fd);
    dp_free(r.sums);
    dp_free(r.whole);
    return st;
}

/* ---- checkpoints -------------------------------------------------------------------- */

dp_status dp_weight_cache_identify(dp_error *err, dp_sha256 *sum, const char *path)
{
    struct stat about;
    unsigned char bytes[ENDS];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        if (fd >= 0)
            close(fd);
        return dp_fail(err, DP_EIO, "%s: no file that can be read", path);
    }
    const size_t size = (size_t)about.st_size, end = size < ENDS ? size : ENDS;
    const int64_t facts[] = {(int64_t)about.st_size, (int64_t)about.st_mtim.tv_sec,
                             (int64_t)about.st_mtim.tv_nsec};
    dp_sha256_add(sum, facts, sizeof facts);
    bool whole = read_at(fd, bytes, end, 0);
    if (whole)
        dp_sha256_add(sum, bytes, end);
    whole = whole && read_at(fd, bytes, end, size - end);
    if (whole)
        dp_sha256_add(sum, bytes, end);
    close(fd);
    return whole ? DP_OK : dp_fail(err, DP_EIO, "%s: cannot be read", path);
}
