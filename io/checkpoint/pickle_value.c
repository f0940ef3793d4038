#include "io/checkpoint/pickle_value.h"

#include "base/memory.h"
#include "core/limits.h"

#include <string.h>

/* 16 bytes, so that a hostile file of N bytes costs a small multiple of N. */
struct dp_pickle_node {
    union {
        int64_t integer;
        double real;
        const char *text;
        struct {
            uint32_t first, room; /* its run in all items */
        } run;
    } as;
    uint32_t count; /* bytes of a text, items of a container */
    uint16_t tag;
    uint8_t kind;
};

/* ---- reading ---- */

dp_pickle_kind dp_pickle_value_kind(const dp_pickle_values *p, dp_pickle_value v)
{
    return v == DP_PICKLE_ABSENT ? DP_PICKLE_NONE : (dp_pickle_kind)p->nodes[v].kind;
}

const char *dp_pickle_kind_name(dp_pickle_kind kind)
{
    static const char *const names[] = {
        [DP_PICKLE_NONE] = "None",     [DP_PICKLE_BOOL] = "bool",
        [DP_PICKLE_INT] = "int",       [DP_PICKLE_LONG] = "int",
        [DP_PICKLE_FLOAT] = "float",   [DP_PICKLE_TEXT] = "str",
        [DP_PICKLE_BYTES] = "bytes",   [DP_PICKLE_LIST] = "list",
        [DP_PICKLE_TUPLE] = "tuple",   [DP_PICKLE_SET] = "set",
        [DP_PICKLE_DICT] = "dict",     [DP_PICKLE_STORAGE] = "storage",
        [DP_PICKLE_TENSOR] = "tensor", [DP_PICKLE_GLOBAL] = "global",
        [DP_PICKLE_OPAQUE] = "object",
    };
    return names[kind];
}

int64_t dp_pickle_value_int(const dp_pickle_values *p, dp_pickle_value v)
{
    return p->nodes[v].as.integer;
}

double dp_pickle_value_float(const dp_pickle_values *p, dp_pickle_value v)
{
    return p->nodes[v].as.real;
}

dp_name dp_pickle_value_text(const dp_pickle_values *p, dp_pickle_value v)
{
    return (dp_name){p->nodes[v].as.text, p->nodes[v].count};
}

unsigned dp_pickle_value_tag(const dp_pickle_values *p, dp_pickle_value v)
{
    return p->nodes[v].tag;
}

static bool has_items(const struct dp_pickle_node *n)
{
    return n->kind >= DP_PICKLE_LIST && n->kind <= DP_PICKLE_TENSOR;
}

size_t dp_pickle_value_count(const dp_pickle_values *p, dp_pickle_value v)
{
    const struct dp_pickle_node *n = &p->nodes[v];
    if (!has_items(n))
        return 0;
    return n->kind == DP_PICKLE_DICT ? n->count / 2 : n->count;
}

dp_pickle_value dp_pickle_value_item(const dp_pickle_values *p, dp_pickle_value v,
                                     size_t i)
{
    const struct dp_pickle_node *n = &p->nodes[v];
    return p->items[n->as.run.first + (n->kind == DP_PICKLE_DICT ? 2 * i + 1 : i)];
}

dp_pickle_value dp_pickle_value_key(const dp_pickle_values *p, dp_pickle_value v,
                                    size_t i)
{
    const struct dp_pickle_node *n = &p->nodes[v];
    return n->kind == DP_PICKLE_DICT ? p->items[n->as.run.first + 2 * i]
                                     : DP_PICKLE_ABSENT;
}

dp_pickle_value dp_pickle_value_find(const dp_pickle_values *p, dp_pickle_value v,
                                     const char *key)
{
    if (dp_pickle_value_kind(p, v) != DP_PICKLE_DICT)
        return DP_PICKLE_ABSENT;
    for (size_t i = dp_pickle_value_count(p, v); i-- > 0;) {
        const dp_pickle_value k = dp_pickle_value_key(p, v, i);
        if (dp_pickle_value_kind(p, k) == DP_PICKLE_TEXT &&
            dp_name_equals(dp_pickle_value_text(p, k), key))
            return dp_pickle_value_item(p, v, i);
    }
    return DP_PICKLE_ABSENT;
}

/* ---- building ---- */

static dp_status add(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                     struct dp_pickle_node node)
{
    if (p->count >= DP_MAX_PICKLE_VALUES)
        return dp_fail(err, DP_EFORMAT, "more than %d values", DP_MAX_PICKLE_VALUES);
    const dp_status st = dp_grow(err, &p->nodes, &p->room, p->count + 1, sizeof node,
                                 "a checkpoint's values");
    if (st != DP_OK)
        return st;
    p->nodes[p->count] = node;
    *out = (dp_pickle_value)p->count++;
    return DP_OK;
}

dp_status dp_pickle_values_add_int(dp_error *err, dp_pickle_values *p,
                                   dp_pickle_value *out, dp_pickle_kind kind,
                                   int64_t value)
{
    return add(err, p, out,
               (struct dp_pickle_node){.kind = (uint8_t)kind, .as.integer = value});
}

dp_status dp_pickle_values_add_float(dp_error *err, dp_pickle_values *p,
                                     dp_pickle_value *out, double value)
{
    return add(err, p, out,
               (struct dp_pickle_node){.kind = DP_PICKLE_FLOAT, .as.real = value});
}

dp_status dp_pickle_values_add_text(dp_error *err, dp_pickle_values *p,
                                    dp_pickle_value *out, dp_pickle_kind kind,
                                    dp_name text)
{
    if (text.size > UINT32_MAX)
        return dp_fail(err, DP_EFORMAT, "found a %s of %zu bytes, expected at most %u",
                       dp_pickle_kind_name(kind), text.size, (unsigned)UINT32_MAX);
    return add(err, p, out,
               (struct dp_pickle_node){.kind = (uint8_t)kind,
                                       .as.text = text.text,
                                       .count = (uint32_t)text.size});
}

dp_status dp_pickle_values_add_global(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out, unsigned tag,
                                      const char *text)
{
    return add(err, p, out,
               (struct dp_pickle_node){.kind = DP_PICKLE_GLOBAL,
                                       .tag = (uint16_t)tag,
                                       .as.text = text,
                                       .count = (uint32_t)strlen(text)});
}

static dp_status join(dp_error *err, char **out, dp_name module, dp_name name)
{
    *out = NULL;
    const dp_status st =
        dp_alloc(err, out, module.size + name.size + 2, 1, "a global's name");
    if (st != DP_OK)
        return st;
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
static size_t global_place(const dp_pickle_values *p, const char *name, bool *there)
{
    size_t low = 0, high = p->globals_count;
    *there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(p->globals_sorted[middle], name);
        *there = *there || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Both lists have room for `need`. */
static dp_status grow_globals(dp_error *err, dp_pickle_values *p, size_t need)
{
    size_t room = p->globals_room;
    dp_status st =
        dp_grow(err, &p->globals_sorted, &room, need, sizeof *p->globals, "globals");
    if (st == DP_OK)
        st = dp_grow(err, &p->globals, &p->globals_room, need, sizeof *p->globals,
                     "globals");
    return st;
}

/* *out is the list's own copy of the joined name; `joined` is taken over. */
static dp_status intern_global(dp_error *err, dp_pickle_values *p, const char **out,
                               char *joined)
{
    bool there;
    const size_t place = global_place(p, joined, &there);
    if (there) {
        *out = p->globals_sorted[place];
        dp_free(joined);
        return DP_OK;
    }
    dp_status st = DP_OK;
    if (p->globals_count >= DP_MAX_PICKLE_GLOBALS)
        st = dp_fail(err, DP_EFORMAT, "more than %d different globals",
                     DP_MAX_PICKLE_GLOBALS);
    if (st == DP_OK)
        st = grow_globals(err, p, p->globals_count + 1);
    if (st != DP_OK) {
        dp_free(joined);
        return st;
    }
    memmove(p->globals_sorted + place + 1, p->globals_sorted + place,
            (p->globals_count - place) * sizeof *p->globals_sorted);
    p->globals_sorted[place] = joined;
    p->globals[p->globals_count++] = joined;
    *out = joined;
    return DP_OK;
}

dp_status dp_pickle_values_add_opaque(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out, dp_name module,
                                      dp_name name)
{
    char *joined;
    const char *text = NULL;
    dp_status st = join(err, &joined, module, name);
    if (st == DP_OK)
        st = intern_global(err, p, &text, joined);
    if (st != DP_OK)
        return st;
    return dp_pickle_values_add_text(err, p, out, DP_PICKLE_OPAQUE, dp_name_from(text));
}

static dp_status grow_items(dp_error *err, dp_pickle_values *p, size_t more)
{
    if (more > DP_MAX_PICKLE_ITEMS - p->items_used)
        return dp_fail(err, DP_EFORMAT, "more than %d items in containers",
                       DP_MAX_PICKLE_ITEMS);
    const dp_status st = dp_grow(err, &p->items, &p->items_room, p->items_used + more,
                                 sizeof *p->items, "a checkpoint's containers");
    return st;
}

dp_status dp_pickle_values_add_items(dp_error *err, dp_pickle_values *p,
                                     dp_pickle_value *out, dp_pickle_kind kind,
                                     const dp_pickle_value *items, size_t count)
{
    dp_status st = grow_items(err, p, count);
    if (st == DP_OK)
        st = add(err, p, out,
                 (struct dp_pickle_node){
                     .kind = (uint8_t)kind,
                     .count = (uint32_t)count,
                     .as.run = {(uint32_t)p->items_used, (uint32_t)count}});
    if (st != DP_OK)
        return st;
    if (count)
        memcpy(p->items + p->items_used, items, count * sizeof *items);
    p->items_used += count;
    return DP_OK;
}

/* Give the container room for `need` items: in place when its run is the last one, else
 * at the end and doubled, so that appending one by one stays linear. */
static dp_status move_run(dp_error *err, dp_pickle_values *p, dp_pickle_value container,
                          size_t need)
{
    const struct dp_pickle_node n = p->nodes[container];
    const bool last = (size_t)n.as.run.first + n.as.run.room == p->items_used;
    const size_t room = need > 2 * (size_t)n.count ? need : 2 * (size_t)n.count;
    const size_t more = last ? room - n.as.run.room : room;
    const dp_status st = grow_items(err, p, more);
    if (st != DP_OK)
        return st;
    struct dp_pickle_node *moved = &p->nodes[container];
    if (!last) {
        if (n.count)
            memcpy(p->items + p->items_used, p->items + n.as.run.first,
                   n.count * sizeof *p->items);
        moved->as.run.first = (uint32_t)p->items_used;
    }
    moved->as.run.room = (uint32_t)room;
    p->items_used += more;
    return DP_OK;
}

dp_status dp_pickle_values_append(dp_error *err, dp_pickle_values *p,
                                  dp_pickle_value container,
                                  const dp_pickle_value *items, size_t count)
{
    const size_t need = p->nodes[container].count + count;
    if (need > p->nodes[container].as.run.room) {
        const dp_status st = move_run(err, p, container, need);
        if (st != DP_OK)
            return st;
    }
    struct dp_pickle_node *n = &p->nodes[container];
    if (count)
        memcpy(p->items + n->as.run.first + n->count, items, count * sizeof *items);
    n->count = (uint32_t)need;
    return DP_OK;
}

void dp_pickle_values_done(dp_pickle_values *p)
{
    for (size_t i = 0; i < p->globals_count; i++)
        dp_free(p->globals[i]);
    dp_free(p->globals);
    dp_free(p->globals_sorted);
    dp_free(p->nodes);
    dp_free(p->items);
    *p = (dp_pickle_values){0};
}
