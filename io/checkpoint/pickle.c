#include "io/checkpoint/pickle.h"

#include "base/memory.h"
#include "core/limits.h"
#include "io/checkpoint/pickle_globals.h"

#include <string.h>

typedef struct machine {
    dp_pickle_values *values;
    const unsigned char *data;
    size_t size, at;        /* bytes; the next one to read     */
    dp_pickle_value *stack; /* owned */
    size_t depth, stack_room;
    size_t marks[DP_MAX_PICKLE_DEPTH]; /* depths of the stack at open marks */
    int mark_count;
    dp_pickle_value *memo; /* owned; DP_PICKLE_ABSENT where nothing is kept */
    size_t memo_count, memo_room;
    int operand; /* of the opcode: a width in bytes, a count, a kind of container */
    bool stopped;
    dp_error *err;
} machine;

/* ---- bytes ---- */

/* The next `count` bytes; NULL, and the failure recorded, when they are not there. */
static const unsigned char *take(machine *m, size_t count)
{
    if (count > m->size - m->at) {
        dp_fail(m->err, DP_EFORMAT, "found %zu more bytes, expected %zu",
                m->size - m->at, count);
        return NULL;
    }
    m->at += count;
    return m->data + m->at - count;
}

/* An unsigned little-endian number of `width` bytes, at most 8. */
static dp_status take_number(machine *m, uint64_t *value, int width)
{
    const unsigned char *p = take(m, (size_t)width);
    *value = 0;
    if (!p)
        return m->err->code;
    for (int i = width - 1; i >= 0; i--)
        *value = *value << 8 | p[i];
    return DP_OK;
}

/* As many bytes as a number of `width` bytes in front of them says. */
static dp_status take_counted(machine *m, dp_name *bytes, int width)
{
    uint64_t count;
    const dp_status st = take_number(m, &count, width);
    if (st != DP_OK)
        return st;
    const unsigned char *p = take(m, count > SIZE_MAX ? SIZE_MAX : (size_t)count);
    if (!p)
        return m->err->code;
    *bytes = (dp_name){(const char *)p, (size_t)count};
    return DP_OK;
}

/* The bytes up to the next line feed, which is passed. */
static dp_status take_line(machine *m, dp_name *line)
{
    const size_t left = m->size - m->at;
    const size_t limit = left < DP_MAX_TENSOR_NAME ? left : DP_MAX_TENSOR_NAME;
    const unsigned char *start = m->data + m->at;
    const unsigned char *end = limit ? memchr(start, '\n', limit) : NULL;
    if (!end)
        return dp_fail(m->err, DP_EFORMAT, "no end of line within %d bytes",
                       DP_MAX_TENSOR_NAME);
    *line = (dp_name){(const char *)start, (size_t)(end - start)};
    m->at += line->size + 1;
    return DP_OK;
}

/* ---- stack ---- */

static dp_status push(machine *m, dp_pickle_value v)
{
    if (m->depth >= DP_MAX_PICKLE_STACK)
        return dp_fail(m->err, DP_EFORMAT, "more than %d values on the stack",
                       DP_MAX_PICKLE_STACK);
    const dp_status st = dp_grow(m->err, &m->stack, &m->stack_room, m->depth + 1,
                                 sizeof v, "a pickle's stack");
    if (st == DP_OK)
        m->stack[m->depth++] = v;
    return st;
}

/* How many values lie above the topmost mark, or in all. */
static size_t above_mark(const machine *m)
{
    return m->depth - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

/* Whether `count` values may be taken without passing a mark. */
static dp_status need(machine *m, size_t count)
{
    if (above_mark(m) < count)
        return dp_fail(m->err, DP_EFORMAT,
                       "found %zu values on the stack, expected %zu", above_mark(m),
                       count);
    return DP_OK;
}

static dp_pickle_value top(const machine *m, size_t below)
{
    return m->stack[m->depth - 1 - below];
}

/* Replace the `count` values on top by v. */
static dp_status replace(machine *m, size_t count, dp_pickle_value v)
{
    m->depth -= count;
    return push(m, v);
}

/* Remove the topmost mark; the *count values above it remain on the stack. */
static dp_status close_mark(machine *m, size_t *count)
{
    if (m->mark_count == 0)
        return dp_fail(m->err, DP_EFORMAT, "no mark on the stack");
    *count = above_mark(m);
    m->mark_count--;
    return DP_OK;
}

static dp_status op_mark(machine *m)
{
    if (m->mark_count == DP_MAX_PICKLE_DEPTH)
        return dp_fail(m->err, DP_EFORMAT, "more than %d nested containers",
                       DP_MAX_PICKLE_DEPTH);
    m->marks[m->mark_count++] = m->depth;
    return DP_OK;
}

static dp_status op_pop(machine *m)
{
    if (m->mark_count && above_mark(m) == 0) {
        m->mark_count--;
        return DP_OK;
    }
    const dp_status st = need(m, 1);
    if (st == DP_OK)
        m->depth--;
    return st;
}

static dp_status op_pop_mark(machine *m)
{
    size_t count = 0;
    const dp_status st = close_mark(m, &count);
    m->depth -= count;
    return st;
}

static dp_status op_dup(machine *m)
{
    const dp_status st = need(m, 1);
    return st == DP_OK ? push(m, top(m, 0)) : st;
}

/* ---- memo ---- */

static dp_status memo_put(machine *m, uint64_t index)
{
    dp_status st = need(m, 1);
    if (st != DP_OK)
        return st;
    if (index >= m->at)
        return dp_fail(m->err, DP_EFORMAT,
                       "memo index %llu is too high after %zu bytes",
                       (unsigned long long)index, m->at);
    st = dp_grow(m->err, &m->memo, &m->memo_room, (size_t)index + 1, sizeof *m->memo,
                 "a pickle's memo");
    if (st != DP_OK)
        return st;
    while (m->memo_count <= index)
        m->memo[m->memo_count++] = DP_PICKLE_ABSENT;
    m->memo[index] = top(m, 0);
    return DP_OK;
}

static dp_status op_put(machine *m)
{
    uint64_t index;
    const dp_status st = take_number(m, &index, m->operand);
    return st == DP_OK ? memo_put(m, index) : st;
}

static dp_status op_memoize(machine *m)
{
    return memo_put(m, m->memo_count);
}

static dp_status op_get(machine *m)
{
    uint64_t index;
    const dp_status st = take_number(m, &index, m->operand);
    if (st != DP_OK)
        return st;
    if (index >= m->memo_count || m->memo[index] == DP_PICKLE_ABSENT)
        return dp_fail(m->err, DP_EFORMAT, "no value under memo index %llu",
                       (unsigned long long)index);
    return push(m, m->memo[index]);
}

/* ---- the frame ---- */

static dp_status op_proto(machine *m)
{
    uint64_t version;
    const dp_status st = take_number(m, &version, 1);
    if (st == DP_OK && (version < 2 || version > 5))
        return dp_fail(m->err, DP_EFORMAT, "found protocol %llu, expected 2 to 5",
                       (unsigned long long)version);
    return st;
}

static dp_status op_frame(machine *m)
{
    uint64_t length;
    const dp_status st = take_number(m, &length, 8);
    if (st == DP_OK && length > m->size - m->at)
        return dp_fail(m->err, DP_EFORMAT,
                       "found a frame of %llu bytes, expected at most %zu",
                       (unsigned long long)length, m->size - m->at);
    return st;
}

static dp_status op_stop(machine *m)
{
    if (m->depth != 1 || m->mark_count != 0)
        return dp_fail(m->err, DP_EFORMAT,
                       "%zu values and %d marks are left on the stack, not one value",
                       m->depth, m->mark_count);
    m->stopped = true;
    return DP_OK;
}

/* ---- atoms ---- */

static dp_status push_int(machine *m, dp_pickle_kind kind, int64_t value)
{
    dp_pickle_value v;
    const dp_status st = dp_pickle_values_add_int(m->err, m->values, &v, kind, value);
    return st == DP_OK ? push(m, v) : st;
}

/* 0 and 1 are the bools, anything else None. */
static dp_status op_constant(machine *m)
{
    return push_int(m, m->operand < 2 ? DP_PICKLE_BOOL : DP_PICKLE_NONE, m->operand);
}

/* BININT has a sign, the shorter two have none. */
static dp_status op_int(machine *m)
{
    uint64_t value;
    const dp_status st = take_number(m, &value, m->operand);
    if (st != DP_OK)
        return st;
    const int64_t number = (int64_t)value;
    return push_int(m, DP_PICKLE_INT,
                    m->operand == 4 && number > INT32_MAX ? number - 4294967296
                                                          : number);
}

static dp_status op_long(machine *m)
{
    dp_name bytes;
    dp_status st = take_counted(m, &bytes, m->operand);
    if (st != DP_OK)
        return st;
    if (bytes.size > 8) {
        dp_pickle_value v;
        st = dp_pickle_values_add_text(m->err, m->values, &v, DP_PICKLE_LONG, bytes);
        return st == DP_OK ? push(m, v) : st;
    }
    const bool negative = bytes.size && (unsigned char)bytes.text[bytes.size - 1] >> 7;
    uint64_t value = negative ? UINT64_MAX : 0;
    for (size_t i = bytes.size; i-- > 0;)
        value = value << 8 | (unsigned char)bytes.text[i];
    return push_int(m, DP_PICKLE_INT, (int64_t)value);
}

static dp_status op_float(machine *m)
{
    const unsigned char *p = take(m, 8);
    if (!p)
        return m->err->code;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) /* big-endian, unlike all the rest */
        bits = bits << 8 | p[i];
    double value;
    memcpy(&value, &bits, sizeof value);
    dp_pickle_value v;
    const dp_status st = dp_pickle_values_add_float(m->err, m->values, &v, value);
    return st == DP_OK ? push(m, v) : st;
}

static dp_status push_text(machine *m, dp_pickle_kind kind)
{
    dp_name text;
    dp_pickle_value v;
    dp_status st = take_counted(m, &text, m->operand);
    if (st == DP_OK)
        st = dp_pickle_values_add_text(m->err, m->values, &v, kind, text);
    return st == DP_OK ? push(m, v) : st;
}

static dp_status op_text(machine *m)
{
    return push_text(m, DP_PICKLE_TEXT);
}

static dp_status op_bytes(machine *m)
{
    return push_text(m, DP_PICKLE_BYTES);
}

/* ---- containers ---- */

/* Replace the `count` values on top by a container that holds them. */
static dp_status collect(machine *m, dp_pickle_kind kind, size_t count)
{
    const dp_pickle_value *items = count ? m->stack + m->depth - count : NULL;
    dp_pickle_value v;
    const dp_status st =
        dp_pickle_values_add_items(m->err, m->values, &v, kind, items, count);
    return st == DP_OK ? replace(m, count, v) : st;
}

static dp_status op_empty(machine *m)
{
    return collect(m, (dp_pickle_kind)m->operand, 0);
}

/* A dict's keys and values come in pairs. */
static dp_status check_pairs(machine *m, dp_pickle_kind kind, size_t count)
{
    return kind != DP_PICKLE_DICT || count % 2 == 0
               ? DP_OK
               : dp_fail(m->err, DP_EFORMAT, "%zu keys and values do not make pairs",
                         count);
}

static dp_status op_from_mark(machine *m)
{
    size_t count = 0;
    dp_status st = close_mark(m, &count);
    if (st == DP_OK)
        st = check_pairs(m, (dp_pickle_kind)m->operand, count);
    return st == DP_OK ? collect(m, (dp_pickle_kind)m->operand, count) : st;
}

static dp_status op_tuple(machine *m)
{
    const size_t count = (size_t)m->operand;
    const dp_status st = need(m, count);
    return st == DP_OK ? collect(m, DP_PICKLE_TUPLE, count) : st;
}

/* Put the `count` values on top into the container of that kind below them. An opaque
 * container swallows them. */
static dp_status fill(machine *m, dp_pickle_kind kind, size_t count)
{
    dp_status st = need(m, count + 1);
    if (st == DP_OK)
        st = check_pairs(m, kind, count);
    if (st != DP_OK)
        return st;
    const dp_pickle_value container = top(m, count);
    const dp_pickle_kind found = dp_pickle_value_kind(m->values, container);
    if (found != DP_PICKLE_OPAQUE && found != kind)
        return dp_fail(m->err, DP_EFORMAT, "found a %s to fill, expected a %s",
                       dp_pickle_kind_name(found), dp_pickle_kind_name(kind));
    if (found == kind)
        st = dp_pickle_values_append(m->err, m->values, container,
                                     m->stack + m->depth - count, count);
    m->depth -= count;
    return st;
}

static dp_status fill_from_mark(machine *m)
{
    size_t count = 0;
    const dp_status st = close_mark(m, &count);
    return st == DP_OK ? fill(m, (dp_pickle_kind)m->operand, count) : st;
}

/* APPEND and SETITEM: one item, or one entry. */
static dp_status fill_once(machine *m)
{
    return fill(m, (dp_pickle_kind)m->operand, m->operand == DP_PICKLE_DICT ? 2 : 1);
}

/* ---- names, and what they make ---- */

static dp_status push_global(machine *m, size_t taken, dp_name module, dp_name name)
{
    dp_pickle_value v;
    const dp_status st = dp_pickle_global_add(m->err, m->values, &v, module, name);
    return st == DP_OK ? replace(m, taken, v) : st;
}

static dp_status op_global(machine *m)
{
    dp_name module, name;
    dp_status st = take_line(m, &module);
    if (st == DP_OK)
        st = take_line(m, &name);
    return st == DP_OK ? push_global(m, 0, module, name) : st;
}

static dp_status op_stack_global(machine *m)
{
    const dp_status st = need(m, 2);
    if (st != DP_OK)
        return st;
    if (dp_pickle_value_kind(m->values, top(m, 0)) != DP_PICKLE_TEXT ||
        dp_pickle_value_kind(m->values, top(m, 1)) != DP_PICKLE_TEXT)
        return dp_fail(m->err, DP_EFORMAT, "the global is not named by texts");
    const dp_name module = dp_pickle_value_text(m->values, top(m, 1));
    const dp_name name = dp_pickle_value_text(m->values, top(m, 0));
    if (module.size > DP_MAX_TENSOR_NAME || name.size > DP_MAX_TENSOR_NAME)
        return dp_fail(m->err, DP_EFORMAT, "the global's name has %zu bytes",
                       module.size + name.size);
    return push_global(m, 2, module, name);
}

/* callable, args [, keywords]: the first two say what is made. */
static dp_status op_reduce(machine *m)
{
    const size_t operands = (size_t)m->operand;
    dp_pickle_value v;
    dp_status st = need(m, operands);
    if (st != DP_OK)
        return st;
    const dp_pickle_value callable = top(m, operands - 1);
    const dp_pickle_value args = top(m, operands - 2);
    st = dp_pickle_global_reduce(m->err, m->values, &v, callable, args);
    return st == DP_OK ? replace(m, operands, v) : st;
}

/* State for an object. A dict takes attributes (torch's _metadata), which are not kept;
 * a Variable of old takes (requires_grad, volatile, hooks). */
static dp_status op_build(machine *m)
{
    const dp_status st = need(m, 2);
    if (st != DP_OK)
        return st;
    const dp_pickle_values *p = m->values;
    const dp_pickle_value state = top(m, 0);
    const dp_pickle_kind kind = dp_pickle_value_kind(p, top(m, 1));
    const bool attributes =
        kind == DP_PICKLE_DICT && dp_pickle_value_kind(p, state) == kind;
    const bool flags =
        kind == DP_PICKLE_TENSOR && dp_pickle_value_kind(p, state) == DP_PICKLE_TUPLE &&
        dp_pickle_value_count(p, state) == 3 &&
        dp_pickle_value_kind(p, dp_pickle_value_item(p, state, 0)) == DP_PICKLE_BOOL;
    if (kind != DP_PICKLE_OPAQUE && !attributes && !flags)
        return dp_fail(m->err, DP_EFORMAT, "a %s cannot be built from a %s",
                       dp_pickle_kind_name(kind),
                       dp_pickle_kind_name(dp_pickle_value_kind(p, state)));
    m->depth--;
    return DP_OK;
}

static dp_status op_persistent(machine *m)
{
    dp_pickle_value v;
    dp_status st = need(m, 1);
    if (st == DP_OK)
        st = dp_pickle_global_persistent(m->err, m->values, &v, top(m, 0));
    return st == DP_OK ? replace(m, 1, v) : st;
}

/* ---- the opcodes ---- */

static const struct opcode {
    const char *name;
    dp_status (*run)(machine *m); /* NULL: refused */
    int operand;
} opcodes[256] = {
    [0x80] = {"PROTO", op_proto, 0},
    [0x95] = {"FRAME", op_frame, 0},
    ['.'] = {"STOP", op_stop, 0},
    ['('] = {"MARK", op_mark, 0},
    ['0'] = {"POP", op_pop, 0},
    ['1'] = {"POP_MARK", op_pop_mark, 0},
    ['2'] = {"DUP", op_dup, 0},
    ['q'] = {"BINPUT", op_put, 1},
    ['r'] = {"LONG_BINPUT", op_put, 4},
    [0x94] = {"MEMOIZE", op_memoize, 0},
    ['h'] = {"BINGET", op_get, 1},
    ['j'] = {"LONG_BINGET", op_get, 4},
    ['N'] = {"NONE", op_constant, 2},
    [0x88] = {"NEWTRUE", op_constant, 1},
    [0x89] = {"NEWFALSE", op_constant, 0},
    ['J'] = {"BININT", op_int, 4},
    ['K'] = {"BININT1", op_int, 1},
    ['M'] = {"BININT2", op_int, 2},
    [0x8a] = {"LONG1", op_long, 1},
    [0x8b] = {"LONG4", op_long, 4},
    ['G'] = {"BINFLOAT", op_float, 0},
    ['X'] = {"BINUNICODE", op_text, 4},
    [0x8c] = {"SHORT_BINUNICODE", op_text, 1},
    [0x8d] = {"BINUNICODE8", op_text, 8},
    ['T'] = {"BINSTRING", op_text, 4},
    ['U'] = {"SHORT_BINSTRING", op_text, 1},
    ['B'] = {"BINBYTES", op_bytes, 4},
    ['C'] = {"SHORT_BINBYTES", op_bytes, 1},
    [0x8e] = {"BINBYTES8", op_bytes, 8},
    [0x96] = {"BYTEARRAY8", op_bytes, 8},
    [')'] = {"EMPTY_TUPLE", op_tuple, 0},
    ['t'] = {"TUPLE", op_from_mark, DP_PICKLE_TUPLE},
    [0x85] = {"TUPLE1", op_tuple, 1},
    [0x86] = {"TUPLE2", op_tuple, 2},
    [0x87] = {"TUPLE3", op_tuple, 3},
    [']'] = {"EMPTY_LIST", op_empty, DP_PICKLE_LIST},
    ['l'] = {"LIST", op_from_mark, DP_PICKLE_LIST},
    ['a'] = {"APPEND", fill_once, DP_PICKLE_LIST},
    ['e'] = {"APPENDS", fill_from_mark, DP_PICKLE_LIST},
    ['}'] = {"EMPTY_DICT", op_empty, DP_PICKLE_DICT},
    ['d'] = {"DICT", op_from_mark, DP_PICKLE_DICT},
    ['s'] = {"SETITEM", fill_once, DP_PICKLE_DICT},
    ['u'] = {"SETITEMS", fill_from_mark, DP_PICKLE_DICT},
    [0x8f] = {"EMPTY_SET", op_empty, DP_PICKLE_SET},
    [0x90] = {"ADDITEMS", fill_from_mark, DP_PICKLE_SET},
    [0x91] = {"FROZENSET", op_from_mark, DP_PICKLE_SET},
    ['c'] = {"GLOBAL", op_global, 0},
    [0x93] = {"STACK_GLOBAL", op_stack_global, 0},
    ['R'] = {"REDUCE", op_reduce, 2},
    [0x81] = {"NEWOBJ", op_reduce, 2},
    [0x92] = {"NEWOBJ_EX", op_reduce, 3},
    ['b'] = {"BUILD", op_build, 0},
    ['Q'] = {"BINPERSID", op_persistent, 0},
};

static const char *const refused_names[256] = {
    ['P'] = "PERSID", ['I'] = "INT",          ['L'] = "LONG",
    ['F'] = "FLOAT",  ['S'] = "STRING",       ['V'] = "UNICODE",
    ['g'] = "GET",    ['p'] = "PUT",          ['i'] = "INST",
    ['o'] = "OBJ",    [0x82] = "EXT1",        [0x83] = "EXT2",
    [0x84] = "EXT4",  [0x97] = "NEXT_BUFFER", [0x98] = "READONLY_BUFFER"};

static dp_status step(machine *m, const char *name)
{
    const size_t at = m->at;
    const unsigned char *byte = take(m, 1);
    if (!byte)
        return dp_fail_while(m->err, "%s: byte %zu", name, at);
    const struct opcode *op = &opcodes[*byte];
    const char *refused = refused_names[*byte];
    if (!op->run)
        return dp_fail(m->err, DP_EFORMAT,
                       "%s: byte %zu: opcode %s (0x%02x) is not read", name, at,
                       refused ? refused : "without a name", *byte);
    m->operand = op->operand;
    const dp_status st = op->run(m);
    return st == DP_OK ? DP_OK
                       : dp_fail_while(m->err, "%s: byte %zu: %s", name, at, op->name);
}

dp_status dp_pickle_read(dp_error *err, dp_pickle_values *values, dp_pickle_value *root,
                         size_t *used, const char *name, const unsigned char *data,
                         size_t size)
{
    machine m = {.values = values, .data = data, .size = size, .err = err};
    const size_t items = values->items_used;
    dp_status st =
        dp_grow(err, &m.stack, &m.stack_room, 1, sizeof *m.stack, "a pickle's stack");
    while (st == DP_OK && !m.stopped) {
        st = step(&m, name);
        /* A call may copy a list; many calls on one long list would be a bomb. */
        if (st == DP_OK && (values->items_used - items) / 16 > m.at)
            st = dp_fail(err, DP_EFORMAT,
                         "%s: byte %zu: too many items in containers: %zu", name, m.at,
                         values->items_used - items);
    }
    if (st == DP_OK) {
        *root = m.stack[0];
        *used = m.at;
    }
    dp_free(m.stack);
    dp_free(m.memo);
    return st;
}
