#include "train/image_csv.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/name_index.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 3, MAX_BYTES = 1 << 30 };

typedef struct row {
    char *path, *label; /* in the file's text */
    dp_split split;
    size_t line;
} row;

typedef struct table {
    char *text; /* owned; fields are cut out in place */
    row *rows;  /* owned */
    size_t count, capacity;
    size_t columns; /* of every line; 0: none was read */
} table;

/* ---- lines and fields ------------------------------------------------------------ */

/* Cut the field at *at out of its line, and move *at behind its comma; NULL behind the last
 * one. NULL for a field in quotes that does not end. */
static char *cut_field(char **at)
{
    char *field = *at, *to = field, *from = field;
    const bool quoted = *from == '"';
    from += quoted;
    while (*from && (quoted || *from != ',')) {
        if (quoted && *from == '"' && *++from != '"')
            break;
        *to++ = *from++;
    }
    if (quoted && (from[-1] != '"' || from == field + 1 || (*from && *from != ',')))
        return NULL;
    *at = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return field;
}

static dp_status parse_split(dp_error *err, dp_split *split, const char *text)
{
    static const char *const names[DP_SPLITS] = {"train", "val"};
    for (int s = 0; s < DP_SPLITS; s++)
        if (strcmp(text, names[s]) == 0) {
            *split = (dp_split)s;
            return DP_OK;
        }
    return dp_fail(err, DP_EFORMAT, "found split '%s', expected 'train' or 'val'",
                   text);
}

/* A path whose "./" and "//" are gone, in place: the same file has the same name. */
static void simplify(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        const bool begins = to == path || to[-1] == '/';
        if (begins && from[0] == '.' && from[1] == '/')
            from += 2;
        else if (begins && from[0] == '/' && to != path)
            from++;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

static dp_status add_row(dp_error *err, table *t, char *text, size_t line)
{
    char *fields[FIELDS] = {NULL};
    size_t count = 0;
    while (text) {
        char *field = cut_field(&text);
        if (!field)
            return dp_fail(err, DP_EFORMAT, "a field in quotes does not end");
        if (count < FIELDS)
            fields[count] = field;
        count++;
    }
    if (t->columns == 0 && strcmp(fields[0], "path") == 0)
        return DP_OK;
    if (t->columns == 0)
        t->columns = count == FIELDS ? FIELDS : FIELDS - 1;
    if (count != t->columns)
        return dp_fail(err, DP_EFORMAT, "found %zu fields, expected %zu: path,label%s",
                       count, t->columns, t->columns == FIELDS ? ",split" : "");
    if (!*fields[0] || !*fields[1])
        return dp_fail(err, DP_EFORMAT, "the %s is empty",
                       *fields[0] ? "label" : "path");
    row r = {.path = fields[0], .label = fields[1], .line = line};
    simplify(r.path);
    dp_status st = fields[2] ? parse_split(err, &r.split, fields[2]) : DP_OK;
    if (st == DP_OK)
        st = dp_grow(err, &t->rows, &t->capacity, t->count + 1, sizeof r,
                     "the lines of a list");
    if (st == DP_OK)
        t->rows[t->count++] = r;
    return st;
}

static dp_status at_line(dp_error *err, dp_status st, size_t line)
{
    return st == DP_OK ? DP_OK : dp_fail_while(err, "line %zu", line);
}

static dp_status parse(dp_error *err, table *t, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    char *text = t->text;
    dp_status st = DP_OK;
    if (strlen(text) != size)
        return dp_fail(err, DP_EFORMAT, "a zero byte: not a text");
    if (strncmp(text, mark, sizeof mark - 1) == 0)
        text += sizeof mark - 1;
    for (size_t line = 1; *text && st == DP_OK; line++) {
        char *end = text + strcspn(text, "\n"), *next = end + (*end == '\n');
        if (end > text && end[-1] == '\r')
            end--;
        *end = '\0';
        if (*text)
            st = at_line(err, add_row(err, t, text, line), line);
        text = next;
    }
    return st;
}

/* ---- classes --------------------------------------------------------------------- */

static bool is_number(const char *text, int *number)
{
    char *end;
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits])
        return false;
    *number = (int)strtol(text, &end, 10);
    return true;
}

static dp_status name_numbers(dp_error *err, dp_image_lists *lists, int count)
{
    enum { ROOM = 12 };
    char *texts = NULL;
    const char **names = NULL;
    const dp_array arrays[] = {DP_ARRAY(texts, (size_t)count * ROOM),
                               DP_ARRAY(names, (size_t)count)};
    dp_status st = dp_alloc_arrays(err, arrays, 2, "names of classes");
    for (int i = 0; i < count && st == DP_OK; i++) {
        snprintf(texts + i * ROOM, ROOM, "%d", i);
        names[i] = texts + i * ROOM;
    }
    if (st == DP_OK)
        st = dp_image_lists_name(err, lists, names, (size_t)count);
    dp_free(texts);
    dp_free(names);
    return st;
}

/* *labels: one a row. Only called when all labels are numbers. */
static dp_status number_labels(dp_error *err, dp_image_lists *lists, const table *t,
                               int *labels, int class_count)
{
    const int limit = class_count > 0 ? class_count : DP_MAX_CLASSES;
    int most = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!is_number(t->rows[i].label, &labels[i]) || labels[i] >= limit)
            return at_line(err,
                           dp_fail(err, DP_EFORMAT, "found label %s, expected 0 to %d",
                                   t->rows[i].label, limit - 1),
                           t->rows[i].line);
        most = labels[i] >= most ? labels[i] + 1 : most;
    }
    return name_numbers(err, lists, class_count > 0 ? class_count : most);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static dp_status name_labels(dp_error *err, dp_image_lists *lists, const table *t,
                             int *labels)
{
    const char **names = NULL;
    dp_status st = dp_alloc(err, &names, t->count, sizeof *names, "names of classes");
    if (st != DP_OK)
        return st;
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        names[i] = t->rows[i].label;
    qsort(names, t->count, sizeof *names, compare_texts);
    for (size_t i = 0; i < t->count; i++)
        if (count == 0 || strcmp(names[count - 1], names[i]) != 0)
            names[count++] = names[i];
    st = dp_image_lists_name(err, lists, names, count);
    for (size_t i = 0; i < t->count && st == DP_OK; i++)
        labels[i] = (int)((const char **)bsearch(&t->rows[i].label, names, count,
                                                 sizeof *names, compare_texts) -
                          names);
    dp_free(names);
    return st;
}

static dp_status read_classes(dp_error *err, dp_image_lists *lists, const table *t,
                              int *labels, int class_count)
{
    int number;
    size_t numbers = 0;
    for (size_t i = 0; i < t->count; i++)
        numbers += is_number(t->rows[i].label, &number);
    if (t->count == 0)
        return dp_fail(err, DP_EFORMAT, "no images in it");
    if (numbers == t->count || class_count > 0)
        return number_labels(err, lists, t, labels, class_count);
    return name_labels(err, lists, t, labels);
}

/* ---- images ---------------------------------------------------------------------- */

static dp_status add_images(dp_error *err, dp_image_lists *lists, const table *t,
                            const int *labels, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    dp_status st = slash ? dp_strdup(err, &folder, path) : DP_OK;
    if (folder)
        folder[slash - path] = '\0';
    const size_t root = folder ? strlen(folder) + 1 : 0;
    for (size_t i = 0; i < t->count && st == DP_OK; i++) {
        const row *r = &t->rows[i];
        const bool absolute = *r->path == '/';
        st = dp_image_list_add(err, &lists->split[r->split], absolute ? NULL : folder,
                               r->path, absolute ? 0 : root, labels[i]);
        st = at_line(err, st, r->line);
    }
    dp_free(folder);
    return st;
}

static dp_status read(dp_error *err, dp_image_lists *lists, table *t, size_t size,
                      const char *path, int class_count)
{
    int *labels = NULL;
    dp_status st = parse(err, t, size);
    if (st == DP_OK)
        st = dp_alloc(err, &labels, t->count, sizeof *labels, "labels");
    if (st == DP_OK)
        st = read_classes(err, lists, t, labels, class_count);
    if (st == DP_OK)
        st = add_images(err, lists, t, labels, path);
    dp_free(labels);
    return st == DP_OK ? DP_OK : dp_fail_while(err, "%s", path);
}

dp_status dp_image_csv_read(dp_error *err, dp_image_lists *lists, const char *path,
                            int class_count)
{
    table t = {0};
    unsigned char *bytes;
    size_t size;
    dp_status st = dp_file_load(err, &bytes, &size, path, MAX_BYTES);
    if (st != DP_OK)
        return st;
    t.text = (char *)bytes;
    st = read(err, lists, &t, size, path, class_count);
    dp_free(t.rows);
    dp_free(t.text);
    return st;
}
