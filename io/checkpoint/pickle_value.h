/* pickle_value.h - the plain values a checkpoint holds, read-only once it is open
 *
 * What a pickle builds, and what remains of it: numbers, texts, containers, tensors, and
 * opaque places where an object stood that is not read. A value is a place among all values
 * and costs nothing to copy. Texts and bytes point into the file's mapping.
 *
 * From an open checkpoint the values below its root are no deeper than
 * DP_MAX_PICKLE_DEPTH, without cycles, and few enough to visit them all.
 *
 * Reading is safe for several threads.
 */
#ifndef DP_IO_CHECKPOINT_PICKLE_VALUE_H
#define DP_IO_CHECKPOINT_PICKLE_VALUE_H

#include "base/name_index.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum dp_pickle_kind {
    DP_PICKLE_NONE,
    DP_PICKLE_BOOL,
    DP_PICKLE_INT,  /* fits in 64 bits                                              */
    DP_PICKLE_LONG, /* does not: its bytes, little endian, two's complement         */
    DP_PICKLE_FLOAT,
    DP_PICKLE_TEXT, /* UTF-8 if the file is honest; not checked                     */
    DP_PICKLE_BYTES,
    DP_PICKLE_LIST,
    DP_PICKLE_TUPLE,
    DP_PICKLE_SET,
    DP_PICKLE_DICT, /* in the file's order; a key may stand twice                   */
    DP_PICKLE_STORAGE, /* items: class, key, place, element count [, view]             */
    DP_PICKLE_TENSOR, /* items: storage, offset, shape, strides [, type]              */
    DP_PICKLE_GLOBAL, /* a name that the reader knows; never called                   */
    DP_PICKLE_OPAQUE  /* an object that is not read; its text names the class         */
} dp_pickle_kind;

typedef uint32_t dp_pickle_value;

#define DP_PICKLE_ABSENT UINT32_MAX

typedef struct dp_pickle_values {
    struct dp_pickle_node *nodes; /* owned */
    size_t count, room;
    dp_pickle_value *items; /* owned; what the containers hold, each in one run */
    size_t items_used, items_room;
    char **globals; /* owned; "module.name" of what is not read, by first appearance */
    char **globals_sorted;
    size_t globals_count, globals_room;
} dp_pickle_values;

/* ---- reading ---- */

/* NONE of DP_PICKLE_ABSENT. */
dp_pickle_kind dp_pickle_value_kind(const dp_pickle_values *p, dp_pickle_value v);

/* "int", "dict", ...: Python's name of the kind. */
const char *dp_pickle_kind_name(dp_pickle_kind kind);

/* Of a BOOL (0, 1) or an INT. */
int64_t dp_pickle_value_int(const dp_pickle_values *p, dp_pickle_value v);

double dp_pickle_value_float(const dp_pickle_values *p, dp_pickle_value v);

/* Of TEXT, BYTES, LONG; of GLOBAL and OPAQUE the "module.name". */
dp_name dp_pickle_value_text(const dp_pickle_values *p, dp_pickle_value v);

/* Items of a LIST, TUPLE, SET, STORAGE, TENSOR; entries of a DICT; else 0. */
size_t dp_pickle_value_count(const dp_pickle_values *p, dp_pickle_value v);

/* Item i, or the value of entry i; and its key, DP_PICKLE_ABSENT but of a DICT. */
dp_pickle_value dp_pickle_value_item(const dp_pickle_values *p, dp_pickle_value v,
                                     size_t i);
dp_pickle_value dp_pickle_value_key(const dp_pickle_values *p, dp_pickle_value v,
                                    size_t i);

/* The value under a text key of a DICT, the last one when it stands twice, as Python
 * would have it; DP_PICKLE_ABSENT when there is none or v is no dict. */
dp_pickle_value dp_pickle_value_find(const dp_pickle_values *p, dp_pickle_value v,
                                     const char *key);

/* ---- building, for the readers ---- */

/* Values of the kinds without items: NONE, BOOL and INT first. The bytes must outlive the
 * values. All of these fail with DP_EFORMAT beyond DP_MAX_PICKLE_VALUES or
 * DP_MAX_PICKLE_ITEMS, and with DP_ENOMEM. Arrays of items that are given are not kept. */
dp_status dp_pickle_values_add_int(dp_error *err, dp_pickle_values *p,
                                   dp_pickle_value *out, dp_pickle_kind kind,
                                   int64_t value) DP_MUST_CHECK;
dp_status dp_pickle_values_add_float(dp_error *err, dp_pickle_values *p,
                                     dp_pickle_value *out, double value) DP_MUST_CHECK;
dp_status dp_pickle_values_add_text(dp_error *err, dp_pickle_values *p,
                                    dp_pickle_value *out, dp_pickle_kind kind,
                                    dp_name text) DP_MUST_CHECK;

/* A known global: `tag` is the reader's own, below 2^16; `text` outlives the values. */
dp_status dp_pickle_values_add_global(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out, unsigned tag,
                                      const char *text) DP_MUST_CHECK;
unsigned dp_pickle_value_tag(const dp_pickle_values *p, dp_pickle_value v);

/* An object that is not read, of the class "module.name", or "name" when the module is
 * empty. The name goes into the list of globals, once; bytes that are not printable
 * ASCII become '?'. */
dp_status dp_pickle_values_add_opaque(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out, dp_name module,
                                      dp_name name) DP_MUST_CHECK;

/* A container of `count` items; a DICT's are key, value, key, value, ... */
dp_status dp_pickle_values_add_items(dp_error *err, dp_pickle_values *p,
                                     dp_pickle_value *out, dp_pickle_kind kind,
                                     const dp_pickle_value *items,
                                     size_t count) DP_MUST_CHECK;

/* Append to a LIST, SET or DICT. */
dp_status dp_pickle_values_append(dp_error *err, dp_pickle_values *p,
                                  dp_pickle_value container,
                                  const dp_pickle_value *items,
                                  size_t count) DP_MUST_CHECK;

/* Release. Zeroed values are allowed. */
void dp_pickle_values_done(dp_pickle_values *p);

#endif
