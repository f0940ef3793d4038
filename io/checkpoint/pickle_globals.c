#include "io/checkpoint/pickle_globals.h"

#include <string.h>

typedef enum role {
    ROLE_DICT,
    ROLE_DEFAULT_DICT,
    ROLE_SET,
    ROLE_SIZE,
    ROLE_BYTES_STORAGE,
    ROLE_TENSOR_V2, /* v1 has the same four arguments in front */
    ROLE_TENSOR_V3,
    ROLE_PARAMETER,
    ROLE_FROM_TYPE,
    ROLE_TENSOR_CLASS
} role;

static const struct known {
    const char *module, *name, *text;
    role role;
} known[] = {
    {"collections", "OrderedDict", "collections.OrderedDict", ROLE_DICT},
    {"collections", "defaultdict", "collections.defaultdict", ROLE_DEFAULT_DICT},
    {"builtins", "dict", "builtins.dict", ROLE_DICT},
    {"__builtin__", "dict", "builtins.dict", ROLE_DICT},
    {"builtins", "set", "builtins.set", ROLE_SET},
    {"__builtin__", "set", "builtins.set", ROLE_SET},
    {"builtins", "frozenset", "builtins.frozenset", ROLE_SET},
    {"__builtin__", "frozenset", "builtins.frozenset", ROLE_SET},
    {"torch", "Size", "torch.Size", ROLE_SIZE},
    {"torch.storage", "UntypedStorage", "torch.storage.UntypedStorage",
     ROLE_BYTES_STORAGE},
    {"torch._utils", "_rebuild_tensor", "torch._utils._rebuild_tensor", ROLE_TENSOR_V2},
    {"torch._utils", "_rebuild_tensor_v2", "torch._utils._rebuild_tensor_v2",
     ROLE_TENSOR_V2},
    {"torch._utils", "_rebuild_tensor_v3", "torch._utils._rebuild_tensor_v3",
     ROLE_TENSOR_V3},
    {"torch._utils", "_rebuild_parameter", "torch._utils._rebuild_parameter",
     ROLE_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state",
     "torch._utils._rebuild_parameter_with_state", ROLE_PARAMETER},
    {"torch.nn.parameter", "Parameter", "torch.nn.parameter.Parameter", ROLE_PARAMETER},
    {"torch.autograd.variable", "Variable", "torch.autograd.variable.Variable",
     ROLE_PARAMETER},
    {"torch._tensor", "_rebuild_from_type_v2", "torch._tensor._rebuild_from_type_v2",
     ROLE_FROM_TYPE},
    {"torch", "Tensor", "torch.Tensor", ROLE_TENSOR_CLASS},
};

/* Tags: places in the table above, then storage classes, then dtypes, by the place in
 * dp_stored_types. */
enum {
    KNOWN = sizeof known / sizeof known[0],
    TAG_STORAGE = 100,
    TAG_DTYPE = 200,
};

static bool names_equal(const struct known *k, dp_name module, dp_name name)
{
    return dp_name_equals(module, k->module) && dp_name_equals(name, k->name);
}

dp_status dp_pickle_global_add(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                               dp_name module, dp_name name)
{
    for (unsigned i = 0; i < KNOWN; i++)
        if (names_equal(&known[i], module, name))
            return dp_pickle_values_add_global(err, p, out, i, known[i].text);

    const bool torch = dp_name_equals(module, "torch");
    const dp_stored_type *type = NULL;
    if (torch || dp_name_equals(module, "torch.cuda"))
        type = dp_stored_type_find_storage(name);
    if (type)
        return dp_pickle_values_add_global(
            err, p, out, TAG_STORAGE + (unsigned)(type - dp_stored_types),
            type->storage);
    if (torch)
        type = dp_stored_type_find_torch(name);
    if (type)
        return dp_pickle_values_add_global(
            err, p, out, TAG_DTYPE + (unsigned)(type - dp_stored_types), type->torch);
    return dp_pickle_values_add_opaque(err, p, out, module, name);
}

const dp_stored_type *dp_pickle_global_type(const dp_pickle_values *p,
                                            dp_pickle_value global)
{
    const unsigned tag = dp_pickle_value_tag(p, global);
    if (tag >= TAG_DTYPE)
        return &dp_stored_types[tag - TAG_DTYPE];
    return tag >= TAG_STORAGE ? &dp_stored_types[tag - TAG_STORAGE] : NULL;
}

/* ---- shapes of arguments ---- */

static bool is_kind(const dp_pickle_values *p, dp_pickle_value v, dp_pickle_kind kind)
{
    return dp_pickle_value_kind(p, v) == kind;
}

static bool is_role(const dp_pickle_values *p, dp_pickle_value v, role r)
{
    return is_kind(p, v, DP_PICKLE_GLOBAL) && dp_pickle_value_tag(p, v) < KNOWN &&
           known[dp_pickle_value_tag(p, v)].role == r;
}

static bool is_storage_class(const dp_pickle_values *p, dp_pickle_value v)
{
    const bool typed = is_kind(p, v, DP_PICKLE_GLOBAL) &&
                       dp_pickle_value_tag(p, v) >= TAG_STORAGE &&
                       dp_pickle_value_tag(p, v) < TAG_DTYPE;
    return typed || is_role(p, v, ROLE_BYTES_STORAGE);
}

static bool is_dtype(const dp_pickle_values *p, dp_pickle_value v)
{
    return is_kind(p, v, DP_PICKLE_GLOBAL) && dp_pickle_value_tag(p, v) >= TAG_DTYPE;
}

static bool is_count(const dp_pickle_values *p, dp_pickle_value v)
{
    return is_kind(p, v, DP_PICKLE_INT) && dp_pickle_value_int(p, v) >= 0;
}

static bool is_sequence(const dp_pickle_values *p, dp_pickle_value v)
{
    return is_kind(p, v, DP_PICKLE_LIST) || is_kind(p, v, DP_PICKLE_TUPLE);
}

static bool is_tuple_of_counts(const dp_pickle_values *p, dp_pickle_value v)
{
    if (!is_kind(p, v, DP_PICKLE_TUPLE))
        return false;
    for (size_t i = 0; i < dp_pickle_value_count(p, v); i++)
        if (!is_count(p, dp_pickle_value_item(p, v, i)))
            return false;
    return true;
}

static dp_status misfit(dp_error *err, const char *callable, const char *found,
                        const char *expected)
{
    return dp_fail(err, DP_EFORMAT, "%s of %s; it needs %s", callable, found, expected);
}

/* ---- what the names make ---- */

/* From nothing, or from a list of pairs (Python 2). */
static dp_status make_dict(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                           dp_pickle_value args)
{
    dp_status st = dp_pickle_values_add_items(err, p, out, DP_PICKLE_DICT, NULL, 0);
    if (dp_pickle_value_count(p, args) == 0 || st != DP_OK)
        return st;
    const dp_pickle_value pairs = dp_pickle_value_item(p, args, 0);
    if (!is_sequence(p, pairs))
        return misfit(err, "a dict",
                      dp_pickle_kind_name(dp_pickle_value_kind(p, pairs)),
                      "a list of pairs");
    for (size_t i = 0; i < dp_pickle_value_count(p, pairs) && st == DP_OK; i++) {
        const dp_pickle_value pair = dp_pickle_value_item(p, pairs, i);
        if (!is_sequence(p, pair) || dp_pickle_value_count(p, pair) != 2)
            return misfit(err, "a dict", "a list with another item", "pairs in it");
        const dp_pickle_value entry[2] = {dp_pickle_value_item(p, pair, 0),
                                          dp_pickle_value_item(p, pair, 1)};
        st = dp_pickle_values_append(err, p, *out, entry, 2);
    }
    return st;
}

static dp_status make_set(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                          dp_pickle_value args)
{
    dp_status st = dp_pickle_values_add_items(err, p, out, DP_PICKLE_SET, NULL, 0);
    if (dp_pickle_value_count(p, args) == 0 || st != DP_OK)
        return st;
    const dp_pickle_value list = dp_pickle_value_item(p, args, 0);
    if (!is_sequence(p, list))
        return misfit(err, "a set", dp_pickle_kind_name(dp_pickle_value_kind(p, list)),
                      "a list");
    for (size_t i = 0; i < dp_pickle_value_count(p, list) && st == DP_OK; i++) {
        const dp_pickle_value item = dp_pickle_value_item(p, list, i);
        st = dp_pickle_values_append(err, p, *out, &item, 1);
    }
    return st;
}

static dp_status make_size(dp_error *err, const dp_pickle_values *p,
                           dp_pickle_value *out, dp_pickle_value args)
{
    if (dp_pickle_value_count(p, args) != 1 ||
        !is_tuple_of_counts(p, dp_pickle_value_item(p, args, 0)))
        return misfit(err, "torch.Size", "other arguments", "one tuple of sizes");
    *out = dp_pickle_value_item(p, args, 0);
    return DP_OK;
}

/* Whether the tensor's elements are to be read with a sign turned around. */
static bool has_lazy_sign(const dp_pickle_values *p, dp_pickle_value args, size_t place)
{
    if (place >= dp_pickle_value_count(p, args))
        return false;
    static const char *const flags[] = {"conj", "neg"};
    for (size_t i = 0; i < 2; i++) {
        const dp_pickle_value v =
            dp_pickle_value_find(p, dp_pickle_value_item(p, args, place), flags[i]);
        if (v != DP_PICKLE_ABSENT &&
            (!is_kind(p, v, DP_PICKLE_BOOL) || dp_pickle_value_int(p, v)))
            return true;
    }
    return false;
}

static dp_status make_tensor(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                             dp_pickle_value args, bool typed, const char *callable)
{
    enum { STORAGE, OFFSET, SHAPE, STRIDES, DTYPE = 6 };
    const size_t count = dp_pickle_value_count(p, args);
    if (count < (typed ? DTYPE + 1 : STRIDES + 1) || count > 8)
        return misfit(err, callable, "another number of arguments",
                      "storage, offset, shape, strides, ...");
    dp_pickle_value item[5];
    for (size_t i = 0; i <= STRIDES; i++)
        item[i] = dp_pickle_value_item(p, args, i);
    if (is_kind(p, item[STORAGE], DP_PICKLE_OPAQUE)) {
        *out = item[STORAGE];
        return DP_OK;
    }
    if (!is_kind(p, item[STORAGE], DP_PICKLE_STORAGE))
        return misfit(err, callable,
                      dp_pickle_kind_name(dp_pickle_value_kind(p, item[STORAGE])),
                      "a storage");
    if (!is_count(p, item[OFFSET]) || !is_tuple_of_counts(p, item[SHAPE]) ||
        !is_tuple_of_counts(p, item[STRIDES]) ||
        dp_pickle_value_count(p, item[SHAPE]) !=
            dp_pickle_value_count(p, item[STRIDES]))
        return misfit(err, callable, "other arguments",
                      "offset, shape and strides as whole numbers from 0");
    if (has_lazy_sign(p, args, typed ? 7 : 6))
        return dp_pickle_values_add_opaque(err, p, out, dp_name_from(callable),
                                           dp_name_from("(conj_or_neg)"));
    if (!typed)
        return dp_pickle_values_add_items(err, p, out, DP_PICKLE_TENSOR, item, 4);

    item[4] = dp_pickle_value_item(p, args, DTYPE);
    if (is_kind(p, item[4], DP_PICKLE_OPAQUE)) {
        *out = item[4];
        return DP_OK;
    }
    if (!is_dtype(p, item[4]))
        return misfit(err, callable,
                      dp_pickle_kind_name(dp_pickle_value_kind(p, item[4])), "a dtype");
    return dp_pickle_values_add_items(err, p, out, DP_PICKLE_TENSOR, item, 5);
}

static dp_status make_parameter(dp_error *err, const dp_pickle_values *p,
                                dp_pickle_value *out, dp_pickle_value args)
{
    if (dp_pickle_value_count(p, args) == 0)
        return misfit(err, "a parameter", "nothing", "a tensor");
    *out = dp_pickle_value_item(p, args, 0);
    const dp_pickle_kind kind = dp_pickle_value_kind(p, *out);
    if (kind != DP_PICKLE_TENSOR && kind != DP_PICKLE_OPAQUE)
        return misfit(err, "a parameter", dp_pickle_kind_name(kind), "a tensor");
    return DP_OK;
}

static dp_status make_known(dp_error *err, dp_pickle_values *p, dp_pickle_value *out,
                            dp_pickle_value callable, dp_pickle_value args)
{
    const struct known *k = &known[dp_pickle_value_tag(p, callable)];
    switch (k->role) {
    case ROLE_DICT:
        return make_dict(err, p, out, args);
    case ROLE_DEFAULT_DICT:
        return dp_pickle_values_add_items(err, p, out, DP_PICKLE_DICT, NULL, 0);
    case ROLE_SET:
        return make_set(err, p, out, args);
    case ROLE_SIZE:
        return make_size(err, p, out, args);
    case ROLE_TENSOR_V2:
        return make_tensor(err, p, out, args, false, k->text);
    case ROLE_TENSOR_V3:
        return make_tensor(err, p, out, args, true, k->text);
    case ROLE_PARAMETER:
        return make_parameter(err, p, out, args);
    case ROLE_FROM_TYPE:
    case ROLE_TENSOR_CLASS:
    case ROLE_BYTES_STORAGE:
        break;
    }
    return dp_pickle_values_add_opaque(err, p, out, (dp_name){"", 0},
                                       dp_name_from(k->text));
}

/* _rebuild_from_type_v2(function, class, arguments, state): the function's tensor when
 * the class is one of torch's own; *callable and *args are what it stands for. Opaque
 * otherwise: a subclass may mean anything by its bytes. */
static dp_status unwrap_type(dp_error *err, dp_pickle_values *p,
                             dp_pickle_value *callable, dp_pickle_value *args)
{
    if (dp_pickle_value_count(p, *args) < 3 ||
        !is_kind(p, dp_pickle_value_item(p, *args, 2), DP_PICKLE_TUPLE))
        return misfit(err, "torch._tensor._rebuild_from_type_v2", "other arguments",
                      "function, class, arguments, state");
    const dp_pickle_value function = dp_pickle_value_item(p, *args, 0);
    const dp_pickle_value class = dp_pickle_value_item(p, *args, 1);
    if (is_role(p, class, ROLE_TENSOR_CLASS) || is_role(p, class, ROLE_PARAMETER)) {
        *callable = function;
        *args = dp_pickle_value_item(p, *args, 2);
        return DP_OK;
    }
    if (is_kind(p, class, DP_PICKLE_OPAQUE)) {
        *callable = class;
        return DP_OK;
    }
    return misfit(err, "torch._tensor._rebuild_from_type_v2",
                  dp_pickle_kind_name(dp_pickle_value_kind(p, class)),
                  "a class of tensors");
}

dp_status dp_pickle_global_reduce(dp_error *err, dp_pickle_values *p,
                                  dp_pickle_value *out, dp_pickle_value callable,
                                  dp_pickle_value args)
{
    if (!is_kind(p, args, DP_PICKLE_TUPLE))
        return misfit(err, "a call", dp_pickle_kind_name(dp_pickle_value_kind(p, args)),
                      "a tuple of arguments");
    if (is_role(p, callable, ROLE_FROM_TYPE)) {
        const dp_status st = unwrap_type(err, p, &callable, &args);
        if (st != DP_OK)
            return st;
    }
    if (is_kind(p, callable, DP_PICKLE_OPAQUE)) {
        *out = callable;
        return DP_OK;
    }
    if (!is_kind(p, callable, DP_PICKLE_GLOBAL))
        return misfit(err, "a call",
                      dp_pickle_kind_name(dp_pickle_value_kind(p, callable)),
                      "a global");
    if (dp_pickle_value_tag(p, callable) < KNOWN)
        return make_known(err, p, out, callable, args);
    return dp_pickle_values_add_opaque(err, p, out, dp_name_from("torch"),
                                       dp_pickle_value_text(p, callable));
}

/* ---- persistent ids ---- */

static bool is_view(const dp_pickle_values *p, dp_pickle_value v)
{
    if (is_kind(p, v, DP_PICKLE_NONE))
        return true;
    return is_kind(p, v, DP_PICKLE_TUPLE) && dp_pickle_value_count(p, v) == 3 &&
           is_kind(p, dp_pickle_value_item(p, v, 0), DP_PICKLE_TEXT) &&
           is_count(p, dp_pickle_value_item(p, v, 1)) &&
           is_count(p, dp_pickle_value_item(p, v, 2));
}

dp_status dp_pickle_global_persistent(dp_error *err, dp_pickle_values *p,
                                      dp_pickle_value *out, dp_pickle_value id)
{
    static const char expected[] = "('storage', class, key, place, count)";
    const size_t count =
        is_kind(p, id, DP_PICKLE_TUPLE) ? dp_pickle_value_count(p, id) : 0;
    if (count < 2 || count > 6 ||
        !is_kind(p, dp_pickle_value_item(p, id, 0), DP_PICKLE_TEXT))
        return misfit(err, "a persistent id",
                      dp_pickle_kind_name(dp_pickle_value_kind(p, id)), expected);

    dp_pickle_value item[6] = {0};
    for (size_t i = 0; i < count; i++)
        item[i] = dp_pickle_value_item(p, id, i);
    const dp_name kind = dp_pickle_value_text(p, item[0]);
    if (dp_name_equals(kind,
                       "module")) { /* a class with its source, which is ignored */
        *out = item[1];
        return DP_OK;
    }
    if (!dp_name_equals(kind, "storage") || count < 5)
        return misfit(err, "a persistent id", "another tuple", expected);
    if (is_kind(p, item[1], DP_PICKLE_OPAQUE)) {
        *out = item[1];
        return DP_OK;
    }
    if (!is_storage_class(p, item[1]) || !is_kind(p, item[2], DP_PICKLE_TEXT) ||
        !is_count(p, item[4]) || (count == 6 && !is_view(p, item[5])))
        return misfit(err, "a persistent id", "other items", expected);
    return dp_pickle_values_add_items(err, p, out, DP_PICKLE_STORAGE, item + 1,
                                      count - 1);
}
