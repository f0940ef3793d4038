#include "io/checkpoint/zip.h"

#include "base/memory.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Sizes of the fixed parts of the records, and their first four bytes. */
enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    COMMENT_MAX = 65535,
    LOCAL_MARK = 0x04034b50,
    ENTRY_MARK = 0x02014b50,
    END_MARK = 0x06054b50,
    END64_MARK = 0x06064b50,
    LOCATOR_MARK = 0x07064b50,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_DESCRIPTOR = 1 << 3, /* sizes and CRC follow the content */
    FLAGS_REFUSED = FLAG_ENCRYPTED | 1 << 5 | 1 << 6 | 1 << 13,
};

/* What a 32-bit and a 16-bit field hold when the value is in the ZIP64 record. */
static const uint32_t see64 = UINT32_MAX;
static const uint16_t see64_short = UINT16_MAX;

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* ---- the end records ---- */

typedef struct directory {
    uint64_t count, size, offset;
    uint64_t end; /* where the end records start */
} directory;

/* The offset of the end record, the last one whose comment reaches the end of the file. */
static bool find_end(const dp_zip *z, size_t *at)
{
    if (z->size < END_SIZE)
        return false;
    const size_t last = z->size - END_SIZE;
    const size_t first = last > COMMENT_MAX ? last - COMMENT_MAX : 0;
    for (size_t i = last + 1; i-- > first;)
        if (get32(z->data + i) == END_MARK && get16(z->data + i + 20) == last - i) {
            *at = i;
            return true;
        }
    return false;
}

/* Whether the 32-bit (or 16-bit) field either repeats the wide one or points to it. */
static bool agrees(uint64_t narrow, uint64_t sentinel, uint64_t wide)
{
    return narrow == sentinel || narrow == wide;
}

/* The ZIP64 end record that the locator in front of the end record names. */
static dp_status read_end64(dp_error *err, const dp_zip *z, directory *d, size_t end)
{
    const unsigned char *locator = z->data + end - LOCATOR_SIZE;
    const uint64_t at = get64(locator + 8);
    const uint64_t limit = end - LOCATOR_SIZE;
    if (get32(locator + 4) != 0 || get32(locator + 16) > 1)
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: a ZIP archive of several disks is not read", z->path);
    if (limit < END64_SIZE || at > limit - END64_SIZE ||
        get32(z->data + at) != END64_MARK || get64(z->data + at + 4) != limit - at - 12)
        return dp_fail(err, DP_EFORMAT,
                       "%s: no ZIP64 end record at byte %llu, where its locator points",
                       z->path, (unsigned long long)at);
    const unsigned char *p = z->data + at;
    if (get32(p + 16) != 0 || get32(p + 20) != 0 || get64(p + 24) != get64(p + 32))
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: a ZIP archive of several disks is not read", z->path);
    const directory wide = {get64(p + 32), get64(p + 40), get64(p + 48), at};
    if (!agrees(d->count, see64_short, wide.count) ||
        !agrees(d->size, see64, wide.size) || !agrees(d->offset, see64, wide.offset))
        return dp_fail(err, DP_EFORMAT, "%s: two ZIP end records contradict each other",
                       z->path);
    *d = wide;
    return DP_OK;
}

static dp_status read_end(dp_error *err, const dp_zip *z, directory *d)
{
    size_t end;
    if (!find_end(z, &end))
        return dp_fail(err, DP_EFORMAT,
                       "%s: the ZIP archive has no end record; is the file cut short?",
                       z->path);
    const unsigned char *p = z->data + end;
    if (get16(p + 4) != 0 || get16(p + 6) != 0 || get16(p + 8) != get16(p + 10))
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: a ZIP archive of several disks is not read", z->path);
    *d = (directory){get16(p + 10), get32(p + 12), get32(p + 16), end};
    if (end >= LOCATOR_SIZE && get32(p - LOCATOR_SIZE) == LOCATOR_MARK) {
        const dp_status st = read_end64(err, z, d, end);
        if (st != DP_OK)
            return st;
    }
    if (d->size > d->end || d->offset != d->end - d->size)
        return dp_fail(
            err, DP_EFORMAT,
            "%s: the ZIP directory of %llu bytes at byte %llu must end at byte %llu",
            z->path, (unsigned long long)d->size, (unsigned long long)d->offset,
            (unsigned long long)d->end);
    if (d->count > DP_MAX_ZIP_MEMBERS || d->count > d->size / ENTRY_SIZE)
        return dp_fail(err, DP_EFORMAT,
                       "%s: too many ZIP members: %llu in %llu bytes; the limit is %d",
                       z->path, (unsigned long long)d->count,
                       (unsigned long long)d->size, DP_MAX_ZIP_MEMBERS);
    return DP_OK;
}

/* ---- the directory ---- */

static dp_status bad_member(dp_error *err, const dp_zip *z, dp_name name,
                            const char *what)
{
    const int shown = name.size < 200 ? (int)name.size : 200;
    return dp_fail(err, DP_EFORMAT, "%s: ZIP member %.*s: %s", z->path, shown,
                   name.text, what);
}

/* The values of 64 bits that the extra fields hold, in their order, for those whose
 * narrow field says so. False when one is missing. */
static bool read_extra64(const unsigned char *p, size_t size, uint64_t **values,
                         int count)
{
    if (count == 0)
        return true;
    while (size >= 4) {
        const size_t length = get16(p + 2);
        if (length > size - 4)
            return false;
        if (get16(p) == EXTRA_ZIP64) {
            if (length < 8 * (size_t)count)
                return false;
            for (int i = 0; i < count; i++)
                *values[i] = get64(p + 4 + 8 * i);
            return true;
        }
        p += 4 + length;
        size -= 4 + length;
    }
    return false;
}

/* One entry of the directory, at *p; *p moves behind it. */
static dp_status read_entry(dp_error *err, const dp_zip *z, dp_zip_member *m,
                            dp_name *name, const unsigned char **p,
                            const unsigned char *end)
{
    const unsigned char *e = *p;
    if (end - e < ENTRY_SIZE || get32(e) != ENTRY_MARK)
        return dp_fail(err, DP_EFORMAT, "%s: an entry of the ZIP directory is damaged",
                       z->path);
    const size_t name_size = get16(e + 28), extra_size = get16(e + 30);
    const size_t size = ENTRY_SIZE + name_size + extra_size + get16(e + 32);
    if (size > (size_t)(end - e))
        return dp_fail(err, DP_EFORMAT, "%s: an entry of the ZIP directory is damaged",
                       z->path);
    *name = (dp_name){(const char *)e + ENTRY_SIZE, name_size};
    *m = (dp_zip_member){.flags = get16(e + 8),
                         .method = get16(e + 10),
                         .crc = get32(e + 16),
                         .size = get32(e + 20),
                         .content_size = get32(e + 24),
                         .header = get32(e + 42)};
    uint64_t *wide[3];
    int count = 0;
    if (m->content_size == see64)
        wide[count++] = &m->content_size;
    if (m->size == see64)
        wide[count++] = &m->size;
    if (m->header == see64)
        wide[count++] = &m->header;
    if (!read_extra64(e + ENTRY_SIZE + name_size, extra_size, wide, count))
        return bad_member(err, z, *name,
                          "no ZIP64 sizes where the entry points to them");
    *p = e + size;
    return DP_OK;
}

static int compare_headers(const void *a, const void *b)
{
    const dp_zip_member *x = *(dp_zip_member *const *)a,
                        *y = *(dp_zip_member *const *)b;
    return (x->header > y->header) - (x->header < y->header);
}

/* Each member ends where the next one starts, the last where the directory does. */
static dp_status set_limits(dp_error *err, dp_zip *z, const directory *d)
{
    dp_zip_member **order;
    dp_status st =
        dp_alloc(err, &order, z->count, sizeof(dp_zip_member *), "a ZIP directory");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < z->count; i++)
        order[i] = &z->members[i];
    qsort(order, z->count, sizeof *order, compare_headers);

    for (size_t i = 0; i < z->count && st == DP_OK; i++) {
        dp_zip_member *m = order[i];
        m->limit = i + 1 < z->count ? order[i + 1]->header : d->offset;
        if (m->header > m->limit || m->limit - m->header < LOCAL_SIZE ||
            m->limit - m->header - LOCAL_SIZE < m->size)
            st = bad_member(err, z, z->names[m - z->members],
                            "overlaps what follows it");
    }
    if (st == DP_OK && z->count && order[0]->header != 0)
        st =
            dp_fail(err, DP_EFORMAT, "%s: %llu bytes stand before the first ZIP member",
                    z->path, (unsigned long long)order[0]->header);
    dp_free(order);
    return st;
}

static dp_status read_directory(dp_error *err, dp_zip *z, const directory *d)
{
    dp_status st = dp_alloc(err, &z->members, (size_t)d->count, sizeof *z->members,
                            "a ZIP directory");
    if (st == DP_OK)
        st = dp_alloc(err, &z->names, (size_t)d->count, sizeof *z->names,
                      "a ZIP directory");
    const unsigned char *p = z->data + d->offset, *end = p + d->size;
    while (st == DP_OK && z->count < d->count) {
        st = read_entry(err, z, &z->members[z->count], &z->names[z->count], &p, end);
        z->count += st == DP_OK;
    }
    if (st == DP_OK && p != end)
        st = dp_fail(err, DP_EFORMAT,
                     "%s: %zu bytes follow the last entry of the ZIP directory",
                     z->path, (size_t)(end - p));
    return st == DP_OK ? set_limits(err, z, d) : st;
}

dp_status dp_zip_init(dp_error *err, dp_zip *z, const char *path,
                      const unsigned char *data, size_t size)
{
    directory d = {0, 0, 0, 0};
    *z = (dp_zip){.path = path, .data = data, .size = size};
    dp_status st = read_end(err, z, &d);
    if (st == DP_OK)
        st = read_directory(err, z, &d);
    if (st == DP_OK)
        st = dp_name_index_init(err, &z->index, z->names, z->count);
    if (st == DP_OK) {
        const ptrdiff_t twice = dp_name_index_find_twice(&z->index);
        if (twice != DP_NAME_NONE)
            st = bad_member(err, z, z->names[twice], "stands twice");
    }
    if (st != DP_OK)
        dp_zip_done(z);
    return st;
}

/* ---- members ---- */

ptrdiff_t dp_zip_find(const dp_zip *z, dp_name name)
{
    return dp_name_index_find(&z->index, name);
}

/* Whether the local header, and the sizes in it, repeat the directory's. Where sizes
 * follow the content, the header may leave them out. */
static bool repeats_entry(const dp_zip_member *m, dp_name name, const unsigned char *p)
{
    const bool described = m->flags & FLAG_DESCRIPTOR;
    const size_t name_size = get16(p + 26), extra_size = get16(p + 28);
    if (get32(p) != LOCAL_MARK || get16(p + 6) != m->flags ||
        get16(p + 8) != m->method || name_size != name.size ||
        memcmp(p + LOCAL_SIZE, name.text, name.size) != 0)
        return false;
    uint64_t size = get32(p + 18), content_size = get32(p + 22);
    const uint32_t crc = get32(p + 14);
    uint64_t *wide[2];
    int count = 0;
    if (content_size == see64)
        wide[count++] = &content_size;
    if (size == see64)
        wide[count++] = &size;
    if (!read_extra64(p + LOCAL_SIZE + name_size, extra_size, wide, count))
        return false;
    if (described && size == 0 && content_size == 0)
        return true;
    return size == m->size && content_size == m->content_size &&
           (crc == m->crc || (described && crc == 0));
}

dp_status dp_zip_locate(dp_error *err, const dp_zip *z, size_t place,
                        const unsigned char **bytes, size_t *size)
{
    const dp_zip_member *m = &z->members[place];
    const dp_name name = z->names[place];
    if (m->method != 0 || m->flags & FLAGS_REFUSED) {
        bad_member(err, z, name,
                   m->method ? "is compressed; only stored members are read"
                             : "is encrypted; only stored members are read");
        err->code = DP_EUNSUPPORTED;
        return err->code;
    }
    /* The directory made sure of header + LOCAL_SIZE + size <= limit <= file size. */
    const unsigned char *p = z->data + m->header;
    const uint64_t room = m->limit - m->header;
    const uint64_t head = LOCAL_SIZE + (uint64_t)get16(p + 26) + get16(p + 28);
    if (m->size != m->content_size)
        return bad_member(err, z, name, "has two sizes, but is stored");
    if (head > room || m->size > room - head)
        return bad_member(err, z, name, "overlaps what follows it");
    if (!repeats_entry(m, name, p))
        return bad_member(err, z, name, "its local header contradicts the directory");
    *bytes = p + head;
    *size = (size_t)m->size;
    return DP_OK;
}

dp_status dp_zip_verify(dp_error *err, const dp_zip *z, size_t place)
{
    const unsigned char *bytes;
    size_t size;
    const dp_status st = dp_zip_locate(err, z, place, &bytes, &size);
    if (st != DP_OK)
        return st;
    const uint32_t crc = (uint32_t)crc32_z(0, bytes, size);
    if (crc == z->members[place].crc)
        return DP_OK;
    const dp_name name = z->names[place];
    return dp_fail(err, DP_EFORMAT,
                   "%s: ZIP member %.*s: found CRC-32 %08x, expected %08x", z->path,
                   name.size < 200 ? (int)name.size : 200, name.text, (unsigned)crc,
                   (unsigned)z->members[place].crc);
}

void dp_zip_done(dp_zip *z)
{
    dp_name_index_done(&z->index);
    dp_free(z->members);
    dp_free(z->names);
    *z = (dp_zip){0};
}
