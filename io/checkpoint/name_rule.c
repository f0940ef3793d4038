#include "io/checkpoint/name_rule.h"

#include <stdio.h>
#include <string.h>

/* ---- patterns --------------------------------------------------------------------- */

static bool add_capture(dp_name_match *m, const char *key, size_t key_size,
                        const char *text, size_t size)
{
    if (m->count == DP_NAME_RULE_HOLES)
        return false;
    m->captures[m->count].key = key;
    m->captures[m->count].key_size = key_size;
    m->captures[m->count].text = text;
    m->captures[m->count++].size = size;
    return true;
}

/* Whether `pattern` is the whole of `name`; fills m. */
static bool match_pattern(dp_name_match *m, const char *pattern, const char *name)
{
    m->count = 0;
    while (*pattern) {
        if (*pattern == '*')
            return add_capture(m, pattern, 1, name, strlen(name));
        if (*pattern != '{') {
            if (*pattern++ != *name++)
                return false;
            continue;
        }
        const size_t key = strcspn(pattern, "}");
        const size_t digits = strspn(name, "0123456789");
        if (digits == 0 || !add_capture(m, pattern + 1, key - 1, name, digits))
            return false;
        pattern += key + 1;
        name += digits;
    }
    return *name == '\0';
}

int dp_name_rule_match(const dp_name_rule *r, dp_name_match *m, const char *name)
{
    for (int p = 0; p < r->pieces; p++)
        if (match_pattern(m, r->from[p], name))
            return p;
    return -1;
}

/* The place of a hole's capture; -1 when there is none. */
static int find_capture(const dp_name_match *m, const char *key, size_t size)
{
    for (int i = 0; i < m->count; i++)
        if (m->captures[i].key_size == size &&
            memcmp(m->captures[i].key, key, size) == 0)
            return i;
    return -1;
}

size_t dp_name_expand(char *out, const char *pattern, const dp_name_match *m)
{
    size_t n = 0;
    while (*pattern) {
        const bool hole = *pattern == '{';
        const size_t key = hole ? strcspn(pattern, "}") - 1 : 1;
        const int c =
            hole || *pattern == '*' ? find_capture(m, pattern + hole, key) : -1;
        const size_t size = c >= 0 ? m->captures[c].size : 1;
        if (out)
            memcpy(out + n, c >= 0 ? m->captures[c].text : pattern, size);
        n += size;
        pattern += hole ? key + 2 : 1;
    }
    if (out)
        out[n] = '\0';
    return n;
}

/* NULL when the pattern is well formed; else what is wrong. */
static const char *check_pattern(const char *p)
{
    int holes = 0;
    for (; *p; p++) {
        if (*p == '*' && p[1] != '\0')
            return "* stands before the end";
        if (*p == '{') {
            const size_t key = strcspn(p, "}");
            if (p[key] != '}' || key < 2)
                return "{ without a name and }";
            p += key;
        }
        if (*p == '*' || *p == '}')
            holes++;
    }
    return holes > DP_NAME_RULE_HOLES ? "too many holes" : NULL;
}

/* Whether every hole of `to` is one of `from`. */
static bool holes_agree(const char *from, const char *to)
{
    for (; *to; to++) {
        char hole[64] = "*";
        if (*to == '{')
            snprintf(hole, sizeof hole, "%.*s", (int)strcspn(to, "}") + 1, to);
        if ((*to == '{' || *to == '*') && !strstr(from, hole))
            return false;
    }
    return true;
}

/* NULL when the rule's patterns go together; else what is wrong. */
static const char *check_patterns(const dp_name_rule *r)
{
    const char *wrong = check_pattern(r->to);
    for (int p = 0; p < r->pieces && !wrong; p++) {
        wrong = check_pattern(r->from[p]);
        if (!wrong && !holes_agree(r->from[p], r->to))
            wrong = "\"to\" uses what \"from\" lacks";
        /* One piece's name must give the others'. */
        if (!wrong && (!holes_agree(r->from[p], r->from[0]) ||
                       !holes_agree(r->from[0], r->from[p])))
            wrong = "the pieces of \"from\" have different holes";
    }
    return wrong;
}

/* ---- reading ----------------------------------------------------------------------- */

static dp_status check_keys(dp_error *err, const cJSON *item, const char *path)
{
    static const char *const known[] = {"from", "to", "squeeze", "unsqueeze",
                                        "reorder"};
    const cJSON *value;
    cJSON_ArrayForEach(value, item)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] &&
               (!value->string || strcmp(value->string, known[i]) != 0))
            i++;
        if (i == sizeof known / sizeof known[0])
            return dp_fail(err, DP_ECONFIG, "%s: rule: %s: unknown key", path,
                           value->string ? value->string : "");
    }
    return DP_OK;
}

/* A text, or a list of texts whose tensors are joined. */
static dp_status read_from(dp_error *err, dp_name_rule *r, const cJSON *from,
                           const char *path)
{
    const cJSON *item = cJSON_IsArray(from) ? from->child : from;
    for (; item; item = cJSON_IsArray(from) ? item->next : NULL) {
        if (!cJSON_IsString(item) || r->pieces == DP_NAME_RULE_PIECES)
            break;
        r->from[r->pieces++] = item->valuestring;
    }
    if (item || r->pieces == 0)
        return dp_fail(err, DP_ECONFIG,
                       "%s: from: must be a text, or a list of 1 to %d texts", path,
                       DP_NAME_RULE_PIECES);
    return DP_OK;
}

/* Whether `order` has each of 0 to n - 1. */
static bool is_order(const int *order, int n)
{
    unsigned seen = 0;
    for (int i = 0; i < n; i++)
        seen |= order[i] >= 0 && order[i] < n ? 1u << order[i] : 0;
    return seen == (1u << n) - 1;
}

/* NULL when the numbers are right; else what is wrong. */
static const char *read_axes(dp_name_rule *r, const cJSON *extents, const cJSON *order)
{
    const int n = cJSON_IsArray(extents) ? cJSON_GetArraySize(extents) : 0;
    int rest = 0;
    if (n < 2 || n > DP_NAME_RULE_AXES || !cJSON_IsArray(order) ||
        cJSON_GetArraySize(order) != n)
        return "needs lists \"extents\" and \"order\" of 2 to 4 numbers";
    for (int i = 0; i < n; i++) {
        const cJSON *extent = cJSON_GetArrayItem(extents, i);
        const cJSON *place = cJSON_GetArrayItem(order, i);
        const int number = cJSON_IsNumber(extent) ? extent->valueint : 0;
        if (number != -1 && (number < 1 || number > 64))
            return "extents: must be 1 to 64, or -1 for what is left";
        rest += number == -1;
        r->extents[i] = number;
        r->order[i] = cJSON_IsNumber(place) ? place->valueint : -1;
    }
    if (rest != 1)
        return "extents: one must be -1, for what is left";
    if (!is_order(r->order, n))
        return "order: must have each of the extents' places once, from 0";
    r->axes = n;
    return NULL;
}

dp_status dp_name_rule_read(dp_error *err, dp_name_rule *r, const cJSON *item,
                            const char *path)
{
    *r = (dp_name_rule){.pieces = 0};
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(item, "to");
    const cJSON *reorder = cJSON_GetObjectItemCaseSensitive(item, "reorder");
    dp_status st = check_keys(err, item, path);
    if (st == DP_OK)
        st = read_from(err, r, cJSON_GetObjectItemCaseSensitive(item, "from"), path);
    if (st == DP_OK && !cJSON_IsString(to))
        st = dp_fail(err, DP_ECONFIG, "%s: to: must be a text", path);
    if (st != DP_OK)
        return st;
    r->to = to->valuestring;
    r->squeeze = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "squeeze"));
    r->unsqueeze = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "unsqueeze"));
    const char *wrong = check_patterns(r);
    if (wrong)
        return dp_fail(err, DP_ECONFIG, "%s: rule %s: %s", path, r->from[0], wrong);
    if (reorder)
        wrong = read_axes(r, cJSON_GetObjectItemCaseSensitive(reorder, "extents"),
                          cJSON_GetObjectItemCaseSensitive(reorder, "order"));
    return wrong ? dp_fail(err, DP_ECONFIG, "%s: rule %s: reorder: %s", path,
                           r->from[0], wrong)
                 : DP_OK;
}

/* ---- use --------------------------------------------------------------------------- */

bool dp_name_rule_keeps_bytes(const dp_name_rule *r)
{
    return r->pieces == 1 && r->axes == 0;
}

static void squeeze(dp_named_tensor *t)
{
    int rank = 0;
    for (int d = 0; d < t->rank; d++)
        if (t->shape[d] != 1) {
            t->shape[rank] = t->shape[d];
            t->stride[rank++] = t->stride[d];
        }
    t->rank = rank;
}

/* A vector becomes (1, 1, 1, K). */
static void unsqueeze(dp_named_tensor *t)
{
    if (t->rank != 1)
        return;
    t->rank = 4;
    t->shape[3] = t->shape[0];
    t->stride[3] = t->stride[0];
    for (int d = 0; d < 3; d++) {
        t->shape[d] = 1;
        t->stride[d] = t->shape[3];
    }
}

void dp_name_rule_shape(const dp_name_rule *r, dp_named_tensor *t)
{
    if (r->squeeze)
        squeeze(t);
    if (r->unsqueeze)
        unsqueeze(t);
}

/* See the last axis of *t as the rule's axes, in the rule's order. */
static dp_status cut(dp_error *err, const dp_name_rule *r, dp_named_tensor *t)
{
    int64_t known = 1, shape[DP_NAME_RULE_AXES], stride[DP_NAME_RULE_AXES];
    const int last = t->rank - 1;
    for (int i = 0; i < r->axes; i++)
        known *= r->extents[i] > 0 ? r->extents[i] : 1;
    if (last < 0 || last + r->axes > DP_MAX_TENSOR_RANK || t->shape[last] % known) {
        char found[100];
        dp_named_tensor_format_shape(found, sizeof found, t->rank, t->shape);
        return dp_fail(err, DP_EFORMAT,
                       "tensor %.100s: the last extent of %s is no multiple of %lld",
                       t->name, found, (long long)known);
    }
    int64_t step = t->shape[last] > 1 ? t->stride[last] : 0;
    for (int i = r->axes - 1; i >= 0; i--) {
        shape[i] = r->extents[i] > 0 ? r->extents[i] : t->shape[last] / known;
        stride[i] = step;
        step *= shape[i];
    }
    for (int i = 0; i < r->axes; i++) {
        t->shape[last + i] = shape[r->order[i]];
        t->stride[last + i] = stride[r->order[i]];
    }
    t->rank = last + r->axes;
    return DP_OK;
}

/* Whether b may stand below a. */
static bool go_together(const dp_named_tensor *a, const dp_named_tensor *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank && a->rank > 0;
    for (int d = 1; d < a->rank && same; d++)
        same = a->shape[d] == b->shape[d];
    return same;
}

static dp_status check_pieces(dp_error *err, const dp_name_rule *r,
                              const dp_named_tensor *pieces)
{
    for (int p = 0; p < r->pieces; p++) {
        if (dp_dtype_size(pieces[p].dtype) == 0)
            return dp_fail(err, DP_EUNSUPPORTED, "tensor %.100s: its type is not read",
                           pieces[p].name);
        if (dp_named_tensor_count(&pieces[p]) == 0)
            return dp_fail(err, DP_EFORMAT, "tensor %.100s: has no elements",
                           pieces[p].name);
    }
    for (int p = 1; p < r->pieces; p++)
        if (!go_together(&pieces[0], &pieces[p])) {
            char a[100], b[100];
            dp_named_tensor_format_shape(a, sizeof a, pieces[0].rank, pieces[0].shape);
            dp_named_tensor_format_shape(b, sizeof b, pieces[p].rank, pieces[p].shape);
            return dp_fail(err, DP_EFORMAT,
                           "tensor %.100s: %s %s cannot be joined to %s %s of %.100s",
                           pieces[p].name, dp_dtype_name(pieces[p].dtype), b,
                           dp_dtype_name(pieces[0].dtype), a, pieces[0].name);
        }
    return DP_OK;
}

dp_status dp_name_rule_make(dp_error *err, const dp_name_rule *r,
                            dp_named_tensor *whole, void *data,
                            const dp_named_tensor *pieces)
{
    dp_status st = check_pieces(err, r, pieces);
    if (st != DP_OK)
        return st;
    unsigned char *to = data;
    *whole = pieces[0];
    for (int p = 0; p < r->pieces; p++) {
        dp_named_tensor piece = pieces[p];
        if (p > 0)
            whole->shape[0] += piece.shape[0];
        if (r->axes > 0)
            st = cut(err, r, &piece);
        if (st != DP_OK)
            return st;
        if (!data)
            continue;
        dp_named_tensor_copy(&piece, to);
        to += dp_named_tensor_count(&piece) * dp_dtype_size(piece.dtype);
    }
    for (int64_t d = whole->rank - 1, step = 1; d >= 0; step *= whole->shape[d--])
        whole->stride[d] = step;
    return DP_OK;
}
