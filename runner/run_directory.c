#include "runner/run_directory.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char suffix[] = ".records";

/* ---- reading parts --------------------------------------------------------------------- */

struct reading {
    dp_run_directory *directory;
    int part;
};

/* A result stands against any failure; of two of a kind the later one does. */
static dp_status take_record(dp_error *err, void *arg, const dp_record *r)
{
    const struct reading *reading = arg;
    dp_run_directory *d = reading->directory;
    if (r->item >= d->count || (r->kind != DP_ITEM_DONE && r->kind != DP_ITEM_FAILED))
        return dp_fail(err, DP_EFORMAT,
                       "%s: found a record of item %llu, kind %u, expected items "
                       "below %zu",
                       d->path, (unsigned long long)r->item, r->kind, d->count);
    dp_run_item *e = &d->items[r->item];
    if (e->state != DP_ITEM_DONE || r->kind == DP_ITEM_DONE)
        *e = (dp_run_item){(dp_item_state)r->kind, reading->part, r->at, r->size};
    return DP_OK;
}

static dp_status read_part(dp_error *err, dp_run_directory *d, const char *name)
{
    struct reading reading = {d, (int)d->part_count};
    dp_file_map *map = &d->parts[d->part_count];
    size_t whole;
    char *path;
    dp_status st = dp_path_join(err, &path, d->path, name);
    if (st == DP_OK)
        st = dp_file_map_open(err, map, path);
    d->part_count += st == DP_OK;
    if (st == DP_OK)
        st = dp_record_file_scan(err, map->data, map->size, path, d->key, take_record,
                                 &reading, &whole);
    dp_free(path);
    return st;
}

/* All parts but the own one. */
static dp_status read_parts(dp_error *err, dp_run_directory *d, const char *own)
{
    dp_folder_names names;
    dp_status st = dp_folder_list(err, &names, d->path, suffix);
    if (st == DP_OK)
        st = dp_alloc(err, &d->parts, names.count, sizeof *d->parts,
                      "parts of a run directory");
    for (size_t i = 0; i < names.count && st == DP_OK; i++)
        if (!own || strcmp(names.name[i], own) != 0)
            st = read_part(err, d, names.name[i]);
    dp_folder_names_done(&names);
    return st;
}

static dp_status open_own(dp_error *err, dp_run_directory *d, const char *own)
{
    struct reading reading = {d, -1};
    char *path;
    dp_status st = dp_path_join(err, &path, d->path, own);
    if (st == DP_OK)
        st = dp_record_file_open(err, &d->own, path, d->key, take_record, &reading);
    dp_free(path);
    return st;
}

/* ---- the directory --------------------------------------------------------------------- */

static dp_status open_all(dp_error *err, dp_run_directory *d, const char *path,
                          const char *own)
{
    dp_status st = dp_strdup(err, &d->path, path);
    if (st == DP_OK)
        st = dp_alloc(err, &d->items, d->count, sizeof *d->items, "items of a run");
    if (st == DP_OK && own)
        st = open_own(err, d, own);
    return st == DP_OK ? read_parts(err, d, own) : st;
}

dp_status dp_run_directory_open(dp_error *err, dp_run_directory *d, const char *path,
                                const uint8_t key[DP_RECORD_KEY_BYTES], size_t count,
                                const char *own)
{
    dp_text name = {.err = err};
    *d = (dp_run_directory){.count = count};
    memcpy(d->key, key, sizeof d->key);
    if (own)
        dp_text_add(&name, "%s%s", own, suffix);
    dp_status st = name.status;
    if (st == DP_OK)
        st = open_all(err, d, path, own ? dp_text_get(&name) : NULL);
    if (st != DP_OK)
        dp_run_directory_close(d);
    dp_text_done(&name);
    return st;
}

/* Whether all parts of these names have no item that is done; then, with `remove_them`,
 * remove them. */
static dp_status visit_parts(dp_error *err, const dp_folder_names *names,
                             const char *folder, bool remove_them, bool *unused)
{
    dp_status st = DP_OK;
    *unused = true;
    for (size_t i = 0; i < names->count && st == DP_OK && *unused; i++) {
        char *path;
        bool used = false;
        st = dp_path_join(err, &path, folder, names->name[i]);
        if (st == DP_OK && remove_them)
            remove(path);
        else if (st == DP_OK)
            st = dp_record_file_is_used(err, &used, path, DP_ITEM_DONE);
        *unused = !used;
        dp_free(path);
    }
    return st;
}

dp_status dp_run_directory_discard(dp_error *err, const char *path, bool *removed)
{
    dp_folder_names names;
    *removed = false;
    dp_status st = dp_folder_list(err, &names, path, suffix);
    if (st == DP_OK)
        st = visit_parts(err, &names, path, false, removed);
    if (st == DP_OK && *removed)
        st = visit_parts(err, &names, path, true, removed);
    dp_folder_names_done(&names);
    return st;
}

void dp_run_directory_close(dp_run_directory *d)
{
    if (d->own.path)
        dp_record_file_close(&d->own);
    for (size_t i = 0; i < d->part_count; i++)
        dp_file_map_close(&d->parts[i]);
    dp_free(d->parts);
    dp_free(d->items);
    dp_free(d->path);
    *d = (dp_run_directory){0};
}

dp_status dp_run_directory_put(dp_error *err, dp_run_directory *d, size_t item,
                               dp_item_state state, const void *payload, size_t size)
{
    dp_run_item *e = &d->items[item];
    if (state == DP_ITEM_FAILED && e->state == DP_ITEM_FAILED)
        return DP_OK;
    const dp_status st =
        dp_record_file_append(err, &d->own, item, (uint32_t)state, payload, size);
    if (st == DP_OK)
        *e = (dp_run_item){state, -1, 0, 0};
    return st;
}

size_t dp_run_directory_tally(const dp_run_directory *d, dp_item_state state, int part,
                              int parts)
{
    size_t count = 0;
    for (size_t i = (size_t)part - 1; i < d->count; i += (size_t)parts)
        count += d->items[i].state == state;
    return count;
}

const unsigned char *dp_run_directory_get(const dp_run_directory *d, size_t item,
                                          size_t *size)
{
    const dp_run_item *e = &d->items[item];
    *size = e->size;
    return d->parts[e->part].data + e->at;
}
