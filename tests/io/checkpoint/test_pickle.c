/* The pickle interpreter: what it builds, what it skips, what it refuses. */
#include "io/checkpoint/pickle.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Byte strings with their length: they hold zeros. */
#define BYTES(text) (text), sizeof(text) - 1

static dp_error err;
static dp_pickle_values values;
static dp_pickle_value root;
static size_t used;
static unsigned char *copy;

static dp_status read_bytes(const char *bytes, size_t size)
{
    /* A block of its own, so that a sanitizer sees a byte read too far. Texts of the values
     * point into it. */
    free(copy);
    copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    dp_pickle_values_done(&values);
    err = (dp_error){0};
    used = 0;
    return dp_pickle_read(&err, &values, &root, &used, "p", copy, size);
}

static void teardown(void)
{
    dp_pickle_values_done(&values);
    free(copy);
}

/* ---- values as text ---- */

static void add(char *out, const char *text)
{
    strncat(out, text, 2000 - strlen(out));
}

static void render(char *out, dp_pickle_value v);

static void render_items(char *out, dp_pickle_value v, const char *open,
                         const char *close)
{
    add(out, open);
    for (size_t i = 0; i < dp_pickle_value_count(&values, v); i++) {
        if (i)
            add(out, ", ");
        if (dp_pickle_value_kind(&values, v) == DP_PICKLE_DICT) {
            render(out, dp_pickle_value_key(&values, v, i));
            add(out, ": ");
        }
        render(out, dp_pickle_value_item(&values, v, i));
    }
    add(out, close);
}

static void render(char *out, dp_pickle_value v)
{
    char text[600];
    const dp_name name = dp_pickle_value_text(&values, v);
    switch (dp_pickle_value_kind(&values, v)) {
    case DP_PICKLE_NONE:
        add(out, "None");
        return;
    case DP_PICKLE_BOOL:
        add(out, dp_pickle_value_int(&values, v) ? "True" : "False");
        return;
    case DP_PICKLE_INT:
        snprintf(text, sizeof text, "%lld", (long long)dp_pickle_value_int(&values, v));
        break;
    case DP_PICKLE_FLOAT:
        snprintf(text, sizeof text, "%g", dp_pickle_value_float(&values, v));
        break;
    case DP_PICKLE_TEXT:
        snprintf(text, sizeof text, "'%.*s'", (int)name.size, name.text);
        break;
    case DP_PICKLE_BYTES:
        snprintf(text, sizeof text, "b'%.*s'", (int)name.size, name.text);
        break;
    case DP_PICKLE_LONG:
        snprintf(text, sizeof text, "long of %zu", name.size);
        break;
    case DP_PICKLE_GLOBAL:
        snprintf(text, sizeof text, "<%.*s>", (int)name.size, name.text);
        break;
    case DP_PICKLE_OPAQUE:
        snprintf(text, sizeof text, "<?%.*s>", (int)name.size, name.text);
        break;
    case DP_PICKLE_LIST:
        render_items(out, v, "[", "]");
        return;
    case DP_PICKLE_TUPLE:
        render_items(out, v, "(", ")");
        return;
    case DP_PICKLE_SET:
        render_items(out, v, "set(", ")");
        return;
    case DP_PICKLE_DICT:
        render_items(out, v, "{", "}");
        return;
    case DP_PICKLE_STORAGE:
        render_items(out, v, "storage(", ")");
        return;
    case DP_PICKLE_TENSOR:
        render_items(out, v, "tensor(", ")");
        return;
    }
    add(out, text);
}

/* ---- what is built ---- */

#define STORAGE                                \
    "(U\x07storagectorch\nFloatStorage\nU\x01" \
    "0U\x03"                                   \
    "cpuK\x06tQ"
#define TENSOR_ARGS "(" STORAGE "K\x00K\x02K\x03\x86K\x03K\x01\x86\x89)t"
#define TENSOR      "ctorch._utils\n_rebuild_tensor_v2\n" TENSOR_ARGS "R"
#define TENSOR_TEXT "tensor(storage(<FloatStorage>, '0', 'cpu', 6), 0, (2, 3), (3, 1))"

static const struct {
    const char *bytes;
    size_t size;
    const char *expected;
} built[] = {
    {BYTES("\x80\x02N."), "None"},
    {BYTES("N."), "None"},
    {BYTES("\x80\x02(\x88\x89t."), "(True, False)"},
    {BYTES("(K\xffM\x01\xffJ\xff\xff\xff\xff"
           "J\x00\x00\x00\x80t."),
     "(255, 65281, -1, -2147483648)"},
    {BYTES("(\x8a\x00\x8a\x01\xff\x8a\x02\x00\x01\x8a\x08\x00\x00\x00\x00\x00\x00\x00"
           "\x80t."),
     "(0, -1, 256, -9223372036854775808)"},
    {BYTES("\x8b\x02\x00\x00\x00\x34\x12."), "4660"},
    {BYTES("\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09."), "long of 9"},
    {BYTES("G\x3f\xf8\x00\x00\x00\x00\x00\x00."), "1.5"},
    {BYTES("X\x02\x00\x00\x00hi."), "'hi'"},
    {BYTES("\x8c\x02hi."), "'hi'"},
    {BYTES("\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."), "'hi'"},
    {BYTES("U\x02hi."), "'hi'"},
    {BYTES("T\x02\x00\x00\x00hi."), "'hi'"},
    {BYTES("C\x02hi."), "b'hi'"},
    {BYTES("B\x02\x00\x00\x00hi."), "b'hi'"},
    {BYTES("\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi."), "b'hi'"},
    {BYTES("\x96\x02\x00\x00\x00\x00\x00\x00\x00hi."), "b'hi'"},
    {BYTES("(])}\x8ft."), "([], (), {}, set())"},
    {BYTES("K\x01\x85K\x02K\x03\x86K\x04K\x05K\x06\x87\x87."),
     "((1), (2, 3), (4, 5, 6))"},
    {BYTES("(K\x01K\x02l."), "[1, 2]"},
    {BYTES("](K\x01K\x02"
           "eK\x03"
           "a."),
     "[1, 2, 3]"},
    {BYTES("(U\x01"
           "aK\x01"
           "d."),
     "{'a': 1}"},
    {BYTES("}U\x01"
           "aK\x01s(U\x01"
           "bK\x02K\x07Nu."),
     "{'a': 1, 'b': 2, 7: None}"},
    {BYTES("\x8f(K\x01K\x02\x90."), "set(1, 2)"},
    {BYTES("(K\x01\x91."), "set(1)"},
    {BYTES("K\x01K\x02"
           "0."),
     "1"},
    {BYTES("K\x01(K\x02K\x03"
           "1."),
     "1"},
    {BYTES("K\x01(0."), "1"}, /* POP takes a mark that is on top */
    {BYTES("K\x01"
           "2\x86."),
     "(1, 1)"},
    {BYTES("K\x09q\x01"
           "0h\x01."),
     "9"},
    {BYTES("K\x09r\x01\x00\x00\x00"
           "0j\x01\x00\x00\x00."),
     "9"},
    {BYTES("\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00K\x09\x94"
           "0h\x00."),
     "9"},
    /* containers by name */
    {BYTES("ccollections\nOrderedDict\n)R(U\x01"
           "aK\x01u."),
     "{'a': 1}"},
    {BYTES("ccollections\nOrderedDict\n](]U\x01"
           "aaK\x01"
           "a]U\x01"
           "baK\x02"
           "ae\x85R."),
     "{'a': 1, 'b': 2}"},
    {BYTES("ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R."), "{}"},
    {BYTES("\x8c\x0b"
           "collections\x8c\x0bOrderedDict\x93)\x81."),
     "{}"},
    {BYTES("c__builtin__\nset\n](K\x01K\x02"
           "e\x85R."),
     "set(1, 2)"},
    {BYTES("ctorch\nSize\nK\x02K\x03\x86\x85R."), "(2, 3)"},
    {BYTES("ctorch\nfloat32\n."), "<float32>"},
    /* a module's state dict: its _metadata are taken and not kept */
    {BYTES("ccollections\nOrderedDict\n)RU\x01"
           "aK\x01s}U\x09_metadata}sb."),
     "{'a': 1}"},
    /* tensors */
    {BYTES(TENSOR "."), TENSOR_TEXT},
    {BYTES("ctorch._utils\n_rebuild_tensor\n(" STORAGE
           "K\x00K\x02K\x03\x86K\x03K\x01\x86tR."),
     TENSOR_TEXT},
    {BYTES("ctorch._utils\n_rebuild_tensor_v3\n"
           "((U\x07storagectorch.storage\nUntypedStorage\nU\x01"
           "0U\x03"
           "cpuK\x04tQK\x00K\x02\x85K\x01\x85\x89)ctorch\nuint16\ntR."),
     "tensor(storage(<torch.storage.UntypedStorage>, '0', 'cpu', 4), 0, (2), (1), "
     "<uint16>)"},
    {BYTES("ctorch._utils\n_rebuild_parameter\n" TENSOR "\x88)\x87R."), TENSOR_TEXT},
    {BYTES("ctorch._utils\n_rebuild_parameter_with_state\n(" TENSOR "\x88)}tR."),
     TENSOR_TEXT},
    {BYTES("ctorch.nn.parameter\nParameter\n" TENSOR "\x85R(\x88\x89)tb."),
     TENSOR_TEXT},
    {BYTES("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
           "ctorch.nn.parameter\nParameter\n" TENSOR_ARGS "}tR."),
     TENSOR_TEXT},
};

START_TEST(a_pickle_builds_its_values)
{
    char text[2048] = "";
    ck_assert_msg(read_bytes(built[_i].bytes, built[_i].size) == DP_OK, "%d: %s", _i,
                  err.text);
    render(text, root);
    ck_assert_str_eq(text, built[_i].expected);
    ck_assert_uint_eq(used, built[_i].size);
}
END_TEST

START_TEST(what_follows_the_end_is_not_read)
{
    ck_assert_int_eq(read_bytes(BYTES("N.cos\nsystem\n")), DP_OK);
    ck_assert_uint_eq(used, 2);
    ck_assert_uint_eq(values.globals_count, 0);
}
END_TEST

/* ---- what is skipped ---- */

static const struct {
    const char *bytes;
    size_t size;
    const char *expected;
    const char *global;
} skipped[] = {
    {BYTES("cos\nsystem\nU\x02id\x85R."), "<?os.system>", "os.system"},
    {BYTES("\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."), "<?os.system>",
     "os.system"},
    {BYTES("cargparse\nNamespace\n)\x81}U\x02lrK\x01sb."), "<?argparse.Namespace>",
     "argparse.Namespace"},
    {BYTES("ca\nb\n)}\x92."), "<?a.b>", "a.b"},
    {BYTES("ca\x1b[0m\nb\xc3\n."), "<?a?[0m.b?>", "a?[0m.b?"},
    {BYTES("ca\nb\n)RK\x01"
           "aU\x01kK\x01s(K\x01K\x02"
           "eN\x85R."),
     "<?a.b>", "a.b"},
    {BYTES("ca\nb\n)R(K\x01K\x02\x90."), "<?a.b>", "a.b"},
    {BYTES("}U\x04metaca\nb\n)RsU\x05"
           "epochK\x07s."),
     "{'meta': <?a.b>, 'epoch': 7}", "a.b"},
    /* calls of calls */
    {BYTES("c__builtin__\ngetattr\nc__builtin__\n__import__\nU\x02os\x85RU\x06system"
           "\x86RU\x02id\x85R."),
     "<?__builtin__.getattr>", "__builtin__.getattr"},
    /* what a tensor needs, but unknown */
    {BYTES("ctorch._utils\n_rebuild_qtensor\n)R."), "<?torch._utils._rebuild_qtensor>",
     "torch._utils._rebuild_qtensor"},
    {BYTES("(U\x07storagectorch\nFancyStorage\nU\x01"
           "0U\x03"
           "cpuK\x06tQ."),
     "<?torch.FancyStorage>", "torch.FancyStorage"},
    {BYTES("(U\x06modulecm\nNet\nU\x01"
           "fU\x01stQ)\x81."),
     "<?m.Net>", "m.Net"},
    {BYTES("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
           "cmy\nTensor\n" TENSOR_ARGS "}tR."),
     "<?my.Tensor>", "my.Tensor"},
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE
           "K\x00K\x02\x85K\x01\x85\x89)}U\x03neg\x88stR."),
     "<?torch._utils._rebuild_tensor_v2.(conj_or_neg)>",
     "torch._utils._rebuild_tensor_v2.(conj_or_neg)"},
    /* known names that are not made to be called */
    {BYTES("ctorch\nFloatStorage\n\x8a\x05\x00\x00\x00\x00\x70\x85R."),
     "<?torch.FloatStorage>", "torch.FloatStorage"},
    {BYTES("ctorch\nfloat32\n)R."), "<?torch.float32>", "torch.float32"},
    {BYTES("ctorch\nTensor\n)R."), "<?torch.Tensor>", "torch.Tensor"},
};

START_TEST(an_unknown_global_has_no_effect_and_is_named)
{
    char text[2048] = "";
    ck_assert_msg(read_bytes(skipped[_i].bytes, skipped[_i].size) == DP_OK, "%d: %s",
                  _i, err.text);
    render(text, root);
    ck_assert_str_eq(text, skipped[_i].expected);
    ck_assert_uint_ge(values.globals_count, 1);
    bool listed = false;
    for (size_t i = 0; i < values.globals_count; i++)
        listed = listed || strcmp(values.globals[i], skipped[_i].global) == 0;
    ck_assert(listed);
}
END_TEST

START_TEST(globals_are_listed_once_in_their_order)
{
    ck_assert_int_eq(read_bytes(BYTES("(cz\nz\nca\na\ncm\nm\nca\na\ncz\nz\nt.")),
                     DP_OK);
    ck_assert_uint_eq(values.globals_count, 3);
    ck_assert_str_eq(values.globals[0], "z.z");
    ck_assert_str_eq(values.globals[1], "a.a");
    ck_assert_str_eq(values.globals[2], "m.m");
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    const char *bytes;
    size_t size;
    const char *sentence; /* a part of it */
} refused[] = {
    {BYTES(""), "byte 0: found 0 more bytes, expected 1"},
    {BYTES("N"), "byte 1"},
    {BYTES("\x80\x01N."), "PROTO: found protocol 1, expected 2 to 5"},
    {BYTES("\x80\x06N."), "PROTO: found protocol 6"},
    {BYTES("."), "STOP: 0 values"},
    {BYTES("NN."), "STOP: 2 values"},
    {BYTES("N(."), "STOP: 1 values and 1 marks"},
    /* text opcodes and the rest, by name */
    {BYTES("I01\n."), "byte 0: opcode INT (0x49)"},
    {BYTES("L1L\n."), "opcode LONG"},
    {BYTES("F1\n."), "opcode FLOAT"},
    {BYTES("S'a'\n."), "opcode STRING"},
    {BYTES("Va\n."), "opcode UNICODE"},
    {BYTES("Np0\n."), "byte 1: opcode PUT"},
    {BYTES("g0\n."), "opcode GET"},
    {BYTES("P0\n."), "opcode PERSID"},
    {BYTES("(ios\nsystem\n."), "opcode INST"},
    {BYTES("(cos\nsystem\no."), "opcode OBJ"},
    {BYTES("\x82\x01."), "opcode EXT1"},
    {BYTES("\x83\x01\x00."), "opcode EXT2"},
    {BYTES("\x84\x01\x00\x00\x00."), "opcode EXT4"},
    {BYTES("\x97."), "opcode NEXT_BUFFER"},
    {BYTES("\x98."), "opcode READONLY_BUFFER"},
    {BYTES("\xff."), "opcode without a name (0xff)"},
    /* lengths beyond the end */
    {BYTES("X\xff\xff\xff\xffhi."), "BINUNICODE: found 3 more bytes"},
    {BYTES("\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi."), "BINUNICODE8"},
    {BYTES("\x8e\xff\xff\xff\xff\xff\xff\xff\x7fhi."), "BINBYTES8"},
    {BYTES("\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), "FRAME: found a frame of"},
    {BYTES("\x8b\xff\xff\xff\xff\x01."), "LONG4"},
    {BYTES("\x8a\x05\x01."), "LONG1"},
    {BYTES("G\x00\x00."), "BINFLOAT"},
    {BYTES("cos\nsystem"), "GLOBAL: no end of line"},
    /* an empty stack, a missing mark, and marks that may not be passed */
    {BYTES("0."), "POP: found 0 values"},
    {BYTES("1."), "POP_MARK: no mark"},
    {BYTES("t."), "TUPLE: no mark"},
    {BYTES("u."), "SETITEMS: no mark"},
    {BYTES("\x85."), "TUPLE1: found 0 values"},
    {BYTES("N(\x85."), "TUPLE1: found 0 values"},
    {BYTES("N(NR."), "REDUCE: found 1 values"},
    {BYTES("R."), "REDUCE: found 0 values"},
    {BYTES("(u."), "SETITEMS: found 0 values"},
    {BYTES("Q."), "BINPERSID: found 0 values"},
    {BYTES("2."), "DUP: found 0 values"},
    /* the memo */
    {BYTES("h\x00."), "BINGET: no value under memo index 0"},
    {BYTES("Nq\x02h\x01."), "BINGET: no value under memo index 1"},
    {BYTES("q\x00."), "BINPUT: found 0 values"},
    {BYTES("Nr\xff\xff\xff\xff."), "memo index 4294967295 is too high after 6 bytes"},
    {BYTES("j\xff\xff\xff\xff."), "LONG_BINGET: no value"},
    /* containers of another kind */
    {BYTES("}(K\x01K\x02"
           "e."),
     "APPENDS: found a dict to fill, expected a list"},
    {BYTES("]K\x01K\x02s."), "SETITEM: found a list to fill, expected a dict"},
    {BYTES("](K\x01K\x02u."), "SETITEMS: found a list to fill"},
    {BYTES(TENSOR "K\x01K\x02s."), "SETITEM: found a tensor to fill"},
    {BYTES(STORAGE "K\x01K\x02s."), "SETITEM: found a storage to fill"},
    {BYTES("K\x01K\x02K\x03s."), "SETITEM: found a int to fill"},
    {BYTES("}(K\x01u."), "SETITEMS: 1 keys and values do not make pairs"},
    {BYTES("(K\x01"
           "d."),
     "DICT: 1 keys and values do not"},
    {BYTES(")K\x01\x90."), "ADDITEMS: no mark"},
    /* building what takes no state */
    {BYTES("K\x01}b."), "BUILD: a int cannot be built"},
    {BYTES("]}b."), "BUILD: a list cannot be built"},
    {BYTES(TENSOR "}b."), "BUILD: a tensor cannot be built from a dict"},
    {BYTES(TENSOR "(" STORAGE "K\x00))tb."), "BUILD: a tensor cannot be built"},
    /* calls */
    {BYTES("ctorch\nSize\n]R."), "REDUCE: a call of list; it needs a tuple"},
    {BYTES("K\x01)R."), "REDUCE: a call of int; it needs a global"},
    {BYTES("U\x02os)R."), "REDUCE: a call of str; it needs a global"},
    {BYTES("ctorch\nSize\n)R."), "torch.Size"},
    {BYTES("ctorch\nSize\nJ\xff\xff\xff\xff\x85\x85R."), "torch.Size"},
    {BYTES("ccollections\nOrderedDict\nK\x01\x85R."), "a dict of int"},
    {BYTES("ccollections\nOrderedDict\n]K\x01"
           "a\x85R."),
     "it needs pairs in it"},
    {BYTES("c__builtin__\nset\nK\x01\x85R."), "a set of int"},
    {BYTES("N\x8c\x01"
           "a\x93."),
     "STACK_GLOBAL: the global is not named by texts"},
    /* persistent ids */
    {BYTES("K\x01Q."), "BINPERSID: a persistent id of int"},
    {BYTES(")Q."), "BINPERSID: a persistent id of tuple"},
    {BYTES("(U\x07storagectorch\nFloatStorage\nU\x01"
           "0tQ."),
     "BINPERSID: a persistent id"},
    {BYTES("(U\x07storagectorch\nSize\nU\x01"
           "0U\x03"
           "cpuK\x06tQ."),
     "BINPERSID: a persistent id of other items"},
    {BYTES("(U\x07storagectorch\nFloatStorage\nU\x01"
           "0U\x03"
           "cpuJ\xff\xff\xff\xfftQ."),
     "BINPERSID: a persistent id of other items"},
    {BYTES("(U\x07storagectorch\nFloatStorage\nU\x01"
           "0U\x03"
           "cpuK\x06K\x01tQ."),
     "BINPERSID: a persistent id of other items"},
    /* tensors whose arguments are of other kinds */
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n)R."), "another number of arguments"},
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n(K\x00K\x00)))tR."),
     "_rebuild_tensor_v2 of int; it needs a storage"},
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE "J\xff\xff\xff\xff))))tR."),
     "offset, shape and strides"},
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE "K\x00K\x01\x85))tR."),
     "offset, shape and strides"},
    {BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE
           "K\x00\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01\x85K\x01\x85tR."),
     "offset, shape and strides"},
    {BYTES("ctorch._utils\n_rebuild_parameter\nK\x01\x85R."), "a parameter of int"},
};

START_TEST(a_wrong_pickle_is_refused_in_words)
{
    ck_assert_int_eq(read_bytes(refused[_i].bytes, refused[_i].size), DP_EFORMAT);
    ck_assert_msg(strstr(err.text, refused[_i].sentence) != NULL,
                  "%d: found \"%s\", expected \"...%s...\"", _i, err.text,
                  refused[_i].sentence);
    ck_assert_int_eq(strncmp(err.text, "p: byte ", 8), 0);
}
END_TEST

START_TEST(a_pickle_cut_anywhere_is_refused)
{
    for (size_t size = 0; size < built[_i].size; size++)
        ck_assert_int_eq(read_bytes(built[_i].bytes, size), DP_EFORMAT);
}
END_TEST

START_TEST(a_key_that_stands_twice_counts_as_the_last)
{
    ck_assert_int_eq(read_bytes(BYTES("}(U\x01"
                                      "aK\x01U\x01"
                                      "aK\x02u.")),
                     DP_OK);
    const dp_pickle_value v = dp_pickle_value_find(&values, root, "a");
    ck_assert_int_eq(dp_pickle_value_int(&values, v), 2);
    ck_assert_uint_eq(dp_pickle_value_find(&values, root, "b"), DP_PICKLE_ABSENT);
    ck_assert_uint_eq(dp_pickle_value_find(&values, v, "a"), DP_PICKLE_ABSENT);
}
END_TEST

START_TEST(only_a_dict_has_keys)
{
    ck_assert_int_eq(read_bytes(BYTES("K\x01K\x02K\x03\x87.")), DP_OK);
    for (size_t i = 0; i < dp_pickle_value_count(&values, root); i++)
        ck_assert_uint_eq(dp_pickle_value_key(&values, root, i), DP_PICKLE_ABSENT);
    ck_assert_int_eq(dp_pickle_value_kind(&values, DP_PICKLE_ABSENT), DP_PICKLE_NONE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/pickle");
    TCase *t = tcase_create("pickle");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, a_pickle_builds_its_values, 0, COUNT(built));
    tcase_add_test(t, what_follows_the_end_is_not_read);
    tcase_add_loop_test(t, an_unknown_global_has_no_effect_and_is_named, 0,
                        COUNT(skipped));
    tcase_add_test(t, globals_are_listed_once_in_their_order);
    tcase_add_loop_test(t, a_wrong_pickle_is_refused_in_words, 0, COUNT(refused));
    tcase_add_loop_test(t, a_pickle_cut_anywhere_is_refused, 0, COUNT(built));
    tcase_add_test(t, a_key_that_stands_twice_counts_as_the_last);
    tcase_add_test(t, only_a_dict_has_keys);
    suite_add_tcase(s, t);
    return suite_run(s);
}
