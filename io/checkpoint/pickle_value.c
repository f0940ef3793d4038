#include "io/checkpoint/pickle_value.h"

#include "base/limits.h"
#include "base/memory.h"

#include <string.h>

/* 16 bytes, so that a hostile file of N bytes costs a small multiple of N. */
struct dp_tree_node {
    union {
        int64_t integer;
        double real;
        const char *text;
        struct {
            uint32_t first, room; /* its run in the items of the tree */
        } run;
    } as;
    uint32_t count; /* bytes of a text, items of a container */
    uint16_t tag;
    uint8_t kind;
};

/* ---- reading ---- */

dp_value_kind dp_tree_kind(const dp_tree *t, dp_value v)
{
    return v == DP_VALUE_ABSENT ? DP_VALUE_NONE : (dp_value_kind)t->nodes[v].kind;
}

const char *dp_tree_kind_name(dp_value_kind kind)
{
    static const char *const names[] = {
        [DP_VALUE_NONE] = "None",     [DP_VALUE_BOOL] = "bool",
        [DP_VALUE_INT] = "int",       [DP_VALUE_LONG] = "int",
        [DP_VALUE_FLOAT] = "float",   [DP_VALUE_TEXT] = "str",
        [DP_VALUE_BYTES] = "bytes",   [DP_VALUE_LIST] = "list",
        [DP_VALUE_TUPLE] = "tuple",   [DP_VALUE_SET] = "set",
        [DP_VALUE_DICT] = "dict",     [DP_VALUE_STORAGE] = "storage",
        [DP_VALUE_TENSOR] = "tensor", [DP_VALUE_GLOBAL] = "global",
        [DP_VALUE_OPAQUE] = "object",
    };
    return names[kind];
}

int64_t dp_tree_int(const dp_tree *t, dp_value v)
{
    return t->nodes[v].as.integer;
}

double dp_tree_float(const dp_tree *t, dp_value v)
{
    return t->nodes[v].as.real;
}

dp_name dp_tree_text(const dp_tree *t, dp_value v)
{
    return (dp_name){t->nodes[v].as.text, t->nodes[v].count};
}

unsigned dp_tree_tag(const dp_tree *t, dp_value v)
{
    return t->nodes[v].tag;
}

static bool has_items(const struct dp_tree_node *n)
{
    return n->kind >= DP_VALUE_LIST && n->kind <= DP_VALUE_TENSOR;
}

size_t dp_tree_count(const dp_tree *t, dp_value v)
{
    const struct dp_tree_node *n = &t->nodes[v];
    if (!has_items(n))
        return 0;
    return n->kind == DP_VALUE_DICT ? n->count / 2 : n->count;
}

dp_value dp_tree_item(const dp_tree *t, dp_value v, size_t i)
{
    const struct dp_tree_node *n = &t->nodes[v];
    return t->items[n->as.run.first + (n->kind == DP_VALUE_DICT ? 2 * i + 1 : i)];
}

dp_value dp_tree_key(const dp_tree *t, dp_value v, size_t i)
{
    const struct dp_tree_node *n = &t->nodes[v];
    return n->kind == DP_VALUE_DICT ? t->items[n->as.run.first + 2 * i]
                                    : DP_VALUE_ABSENT;
}

dp_value dp_tree_find(const dp_tree *t, dp_value v, const char *key)
{
    if (dp_tree_kind(t, v) != DP_VALUE_DICT)
        return DP_VALUE_ABSENT;
    for (size_t i = dp_tree_count(t, v); i-- > 0;) {
        const dp_value k = dp_tree_key(t, v, i);
        if (dp_tree_kind(t, k) == DP_VALUE_TEXT &&
            dp_name_equals(dp_tree_text(t, k), key))
            return dp_tree_item(t, v, i);
    }
    return DP_VALUE_ABSENT;
}

/* ---- building ---- */

static dp_status add(dp_error *err, dp_tree *t, dp_value *out, struct dp_tree_node node)
{
    if (t->count >= DP_MAX_TREE_VALUES)
        return dp_fail(err, DP_EFORMAT,
                       "found more than %d values, expected at most that",
                       DP_MAX_TREE_VALUES);
    void *nodes = t->nodes;
    const dp_status st = dp_grow(err, &nodes, &t->room, t->count + 1, sizeof node,
                                 "a checkpoint's values");
    t->nodes = nodes;
    if (st != DP_OK)
        return st;
    t->nodes[t->count] = node;
    *out = (dp_value)t->count++;
    return DP_OK;
}

dp_status dp_tree_add_int(dp_error *err, dp_tree *t, dp_value *out, dp_value_kind kind,
                          int64_t value)
{
    return add(err, t, out,
               (struct dp_tree_node){.kind = (uint8_t)kind, .as.integer = value});
}

dp_status dp_tree_add_float(dp_error *err, dp_tree *t, dp_value *out, double value)
{
    return add(err, t, out,
               (struct dp_tree_node){.kind = DP_VALUE_FLOAT, .as.real = value});
}

dp_status dp_tree_add_text(dp_error *err, dp_tree *t, dp_value *out, dp_value_kind kind,
                           dp_name text)
{
    if (text.size > UINT32_MAX)
        return dp_fail(err, DP_EFORMAT, "found a %s of %zu bytes, expected at most %u",
                       dp_tree_kind_name(kind), text.size, (unsigned)UINT32_MAX);
    return add(err, t, out,
               (struct dp_tree_node){.kind = (uint8_t)kind,
                                     .as.text = text.text,
                                     .count = (uint32_t)text.size});
}

dp_status dp_tree_add_global(dp_error *err, dp_tree *t, dp_value *out, unsigned tag,
                             const char *text)
{
    return add(err, t, out,
               (struct dp_tree_node){.kind = DP_VALUE_GLOBAL,
                                     .tag = (uint16_t)tag,
                                     .as.text = text,
                                     .count = (uint32_t)strlen(text)});
}

static dp_status join(dp_error *err, char **out, dp_name module, dp_name name)
{
    void *text;
    *out = NULL;
    const dp_status st =
        dp_alloc(err, &text, module.size + name.size + 2, 1, "a global's name");
    if (st != DP_OK)
        return st;
    *out = text;
    size_t used = 0;
    if (module.size) {
        memcpy(*out, module.text, module.size);
        (*out)[module.size] = '.';
        used = module.size + 1;
    }
    if (name.size)
        memcpy(*out + used, name.text, name.size);
    for (char *c = *out; c < *out + used + name.size; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            *c = '?';
    return DP_OK;
}

/* Where `name` stands in the sorted list, or should. */
static size_t global_place(const dp_tree *t, const char *name, bool *there)
{
    size_t low = 0, high = t->globals_count;
    *there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(t->globals_sorted[middle], name);
        *there = *there || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Both lists have room for `need`. */
static dp_status grow_globals(dp_error *err, dp_tree *t, size_t need)
{
    void *list = t->globals, *sorted = t->globals_sorted;
    size_t room = t->globals_room;
    dp_status st = dp_grow(err, &sorted, &room, need, sizeof *t->globals, "globals");
    t->globals_sorted = sorted;
    if (st == DP_OK)
        st = dp_grow(err, &list, &t->globals_room, need, sizeof *t->globals, "globals");
    t->globals = list;
    return st;
}

/* *out is the list's own copy of the joined name; `joined` is taken over. */
static dp_status intern_global(dp_error *err, dp_tree *t, const char **out,
                               char *joined)
{
    bool there;
    const size_t place = global_place(t, joined, &there);
    if (there) {
        *out = t->globals_sorted[place];
        dp_free(joined);
        return DP_OK;
    }
    dp_status st = DP_OK;
    if (t->globals_count >= DP_MAX_TREE_GLOBALS)
        st = dp_fail(err, DP_EFORMAT,
                     "found more than %d different globals, expected at most that",
                     DP_MAX_TREE_GLOBALS);
    if (st == DP_OK)
        st = grow_globals(err, t, t->globals_count + 1);
    if (st != DP_OK) {
        dp_free(joined);
        return st;
    }
    memmove(t->globals_sorted + place + 1, t->globals_sorted + place,
            (t->globals_count - place) * sizeof *t->globals_sorted);
    t->globals_sorted[place] = joined;
    t->globals[t->globals_count++] = joined;
    *out = joined;
    return DP_OK;
}

dp_status dp_tree_add_opaque(dp_error *err, dp_tree *t, dp_value *out, dp_name module,
                             dp_name name)
{
    char *joined;
    const char *text = NULL;
    dp_status st = join(err, &joined, module, name);
    if (st == DP_OK)
        st = intern_global(err, t, &text, joined);
    if (st != DP_OK)
        return st;
    return dp_tree_add_text(err, t, out, DP_VALUE_OPAQUE, dp_name_from(text));
}

static dp_status grow_items(dp_error *err, dp_tree *t, size_t more)
{
    if (more > DP_MAX_TREE_ITEMS - t->items_used)
        return dp_fail(err, DP_EFORMAT,
                       "found more than %d items of containers, expected at most that",
                       DP_MAX_TREE_ITEMS);
    void *items = t->items;
    const dp_status st = dp_grow(err, &items, &t->items_room, t->items_used + more,
                                 sizeof *t->items, "a checkpoint's containers");
    t->items = items;
    return st;
}

dp_status dp_tree_add_items(dp_error *err, dp_tree *t, dp_value *out,
                            dp_value_kind kind, const dp_value *items, size_t count)
{
    dp_status st = grow_items(err, t, count);
    if (st == DP_OK)
        st = add(err, t, out,
                 (struct dp_tree_node){
                     .kind = (uint8_t)kind,
                     .count = (uint32_t)count,
                     .as.run = {(uint32_t)t->items_used, (uint32_t)count}});
    if (st != DP_OK)
        return st;
    if (count)
        memcpy(t->items + t->items_used, items, count * sizeof *items);
    t->items_used += count;
    return DP_OK;
}

/* Give the container room for `need` items: in place when its run is the last one, else
 * at the end and doubled, so that appending one by one stays linear. */
static dp_status move_run(dp_error *err, dp_tree *t, dp_value container, size_t need)
{
    const struct dp_tree_node n = t->nodes[container];
    const bool last = (size_t)n.as.run.first + n.as.run.room == t->items_used;
    const size_t room = need > 2 * (size_t)n.count ? need : 2 * (size_t)n.count;
    const size_t more = last ? room - n.as.run.room : room;
    const dp_status st = grow_items(err, t, more);
    if (st != DP_OK)
        return st;
    struct dp_tree_node *moved = &t->nodes[container];
    if (!last) {
        if (n.count)
            memcpy(t->items + t->items_used, t->items + n.as.run.first,
                   n.count * sizeof *t->items);
        moved->as.run.first = (uint32_t)t->items_used;
    }
    moved->as.run.room = (uint32_t)room;
    t->items_used += more;
    return DP_OK;
}

dp_status dp_tree_append(dp_error *err, dp_tree *t, dp_value container,
                         const dp_value *items, size_t count)
{
    const size_t need = t->nodes[container].count + count;
    if (need > t->nodes[container].as.run.room) {
        const dp_status st = move_run(err, t, container, need);
        if (st != DP_OK)
            return st;
    }
    struct dp_tree_node *n = &t->nodes[container];
    if (count)
        memcpy(t->items + n->as.run.first + n->count, items, count * sizeof *items);
    n->count = (uint32_t)need;
    return DP_OK;
}

void dp_tree_done(dp_tree *t)
{
    for (size_t i = 0; i < t->globals_count; i++)
        dp_free(t->globals[i]);
    dp_free(t->globals);
    dp_free(t->globals_sorted);
    dp_free(t->nodes);
    dp_free(t->items);
    *t = (dp_tree){0};
}
