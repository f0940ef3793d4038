#define _POSIX_C_SOURCE 200809L
#include "runner/run_directory.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".records";

/* ---- reading parts --------------------------------------------------------------------- */

struct reading {
    dp_work_folder *folder;
    int part;
};

/* A result stands against any failure; of two of a kind the later one does. */
static dp_status take_record(dp_error *err, void *arg, const dp_record *r)
{
    const struct reading *reading = arg;
    dp_work_folder *f = reading->folder;
    if (r->item >= f->count || (r->kind != DP_WORK_DONE && r->kind != DP_WORK_FAILED))
        return dp_fail(err, DP_EFORMAT,
                       "%s: found a record of item %llu, kind %u, expected items "
                       "below %zu",
                       f->path, (unsigned long long)r->item, r->kind, f->count);
    dp_work_entry *e = &f->entries[r->item];
    if (e->state != DP_WORK_DONE || r->kind == DP_WORK_DONE)
        *e = (dp_work_entry){(dp_work_state)r->kind, reading->part, r->at, r->size};
    return DP_OK;
}

static dp_status add_part(dp_error *err, dp_work_folder *f, const char *name)
{
    void *list = f->parts;
    dp_status st = dp_grow(err, &list, &f->part_capacity, f->part_count + 1,
                           sizeof *f->parts, "parts of a work folder");
    f->parts = list;
    if (st != DP_OK)
        return st;
    dp_work_part *part = &f->parts[f->part_count];
    *part = (dp_work_part){0};
    st = dp_strdup(err, &part->name, name);
    f->part_count += st == DP_OK;
    return st;
}

static int compare_parts(const void *a, const void *b)
{
    const dp_work_part *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The names of all parts but the own one, sorted. */
static dp_status find_parts(dp_error *err, dp_work_folder *f, const char *own)
{
    DIR *dir = opendir(f->path);
    if (!dir)
        return dp_fail(err, DP_EIO, "%s: cannot open: %s", f->path, strerror(errno));
    dp_status st = DP_OK;
    struct dirent *entry;
    while (st == DP_OK && (errno = 0, entry = readdir(dir))) {
        const char *name = entry->d_name;
        const size_t size = strlen(name);
        if (size < sizeof suffix ||
            strcmp(name + size - sizeof suffix + 1, suffix) != 0)
            continue;
        if (!own || strncmp(name, own, size - sizeof suffix + 1) != 0 ||
            own[size - sizeof suffix + 1] != '\0')
            st = add_part(err, f, name);
    }
    if (st == DP_OK && errno)
        st = dp_fail(err, DP_EIO, "%s: cannot read: %s", f->path, strerror(errno));
    closedir(dir);
    if (f->part_count > 0)
        qsort(f->parts, f->part_count, sizeof *f->parts, compare_parts);
    return st;
}

static dp_status read_part(dp_error *err, dp_work_folder *f, int part)
{
    dp_work_part *p = &f->parts[part];
    struct reading reading = {f, part};
    size_t whole;
    dp_text path = {.err = err};
    dp_text_add(&path, "%s/%s", f->path, p->name);
    dp_status st = path.status;
    if (st == DP_OK)
        st = dp_file_map_open(err, &p->map, dp_text_get(&path));
    if (st == DP_OK)
        st = dp_record_file_scan(err, p->map.data, p->map.size, dp_text_get(&path),
                                 f->key, take_record, &reading, &whole);
    dp_text_done(&path);
    return st;
}

static dp_status open_own(dp_error *err, dp_work_folder *f, const char *own)
{
    struct reading reading = {f, -1};
    dp_text path = {.err = err};
    dp_text_add(&path, "%s/%s%s", f->path, own, suffix);
    dp_status st = path.status;
    if (st == DP_OK)
        st = dp_record_file_open(err, &f->own, dp_text_get(&path), f->key, take_record,
                                 &reading);
    dp_text_done(&path);
    return st;
}

/* ---- folders --------------------------------------------------------------------------- */

dp_status dp_work_folder_open(dp_error *err, dp_work_folder *f, const char *path,
                              const uint8_t key[DP_RECORD_KEY_BYTES], size_t count,
                              const char *own)
{
    void *memory;
    *f = (dp_work_folder){.count = count};
    memcpy(f->key, key, sizeof f->key);
    dp_status st = dp_strdup(err, &f->path, path);
    if (st == DP_OK) {
        st = dp_alloc(err, &memory, count, sizeof *f->entries, "items of a run");
        f->entries = memory;
    }
    if (st == DP_OK && own)
        st = open_own(err, f, own);
    if (st == DP_OK)
        st = find_parts(err, f, own);
    for (size_t i = 0; i < f->part_count && st == DP_OK; i++)
        st = read_part(err, f, (int)i);
    if (st != DP_OK)
        dp_work_folder_close(f);
    return st;
}

void dp_work_folder_close(dp_work_folder *f)
{
    if (f->own.path)
        dp_record_file_close(&f->own);
    for (size_t i = 0; i < f->part_count; i++) {
        dp_file_map_close(&f->parts[i].map);
        dp_free(f->parts[i].name);
    }
    dp_free(f->parts);
    dp_free(f->entries);
    dp_free(f->path);
    *f = (dp_work_folder){0};
}

dp_status dp_work_folder_put(dp_error *err, dp_work_folder *f, size_t item,
                             dp_work_state state, const void *payload, size_t size)
{
    dp_work_entry *e = &f->entries[item];
    if (state == DP_WORK_FAILED && e->state == DP_WORK_FAILED)
        return DP_OK;
    const dp_status st =
        dp_record_file_append(err, &f->own, item, (uint32_t)state, payload, size);
    if (st == DP_OK)
        *e = (dp_work_entry){state, -1, 0, 0};
    return st;
}

size_t dp_work_folder_tally(const dp_work_folder *f, dp_work_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += f->entries[i].state == state;
    return count;
}

const unsigned char *dp_work_folder_get(const dp_work_folder *f, size_t item,
                                        size_t *size)
{
    const dp_work_entry *e = &f->entries[item];
    *size = e->size;
    return f->parts[e->part].map.data + e->at;
}
