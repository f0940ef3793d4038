#include "core/params.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "core/limits.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_TEXT = 96 };

/* ---- rows ------------------------------------------------------------------ */

static size_t value_size(const dp_param *p)
{
    switch (p->type) {
    case DP_PARAM_TYPE_INT:
    case DP_PARAM_TYPE_CHOICE:
        return sizeof(int);
    case DP_PARAM_TYPE_FLOAT:
        return sizeof(float);
    case DP_PARAM_TYPE_DOUBLE:
        return sizeof(double);
    case DP_PARAM_TYPE_BOOL:
        return sizeof(bool);
    case DP_PARAM_TYPE_TEXT:
        break;
    }
    return p->size;
}

/* Values that the field has room for. */
static size_t room_of(const dp_param *p)
{
    return p->size / value_size(p);
}

static const char *type_name(const dp_param *p)
{
    static const char *const names[] = {"integer", "number", "number",
                                        "bool",    "text",   "choice"};
    return names[p->type];
}

static const char *article(const dp_param *p)
{
    return p->form == DP_PARAM_FORM_SCALAR && p->type == DP_PARAM_TYPE_INT ? "an" : "a";
}

static const dp_param *find_row(const dp_param *table, const char *key)
{
    for (const dp_param *p = table; p->key; p++)
        if (strcmp(p->key, key) == 0)
            return p;
    return NULL;
}

/* The i-th word of "a|b|c" and its length; NULL when there are fewer. */
static const char *choice_at(const char *choices, int i, size_t *length)
{
    for (; i > 0 && choices; i--) {
        choices = strchr(choices, '|');
        choices = choices ? choices + 1 : NULL;
    }
    *length = choices ? strcspn(choices, "|") : 0;
    return choices;
}

/* The index of a word in "a|b|c"; -1 when it is not there. */
static int choice_index(const char *choices, const char *word)
{
    size_t length;
    const char *c;
    for (int i = 0; (c = choice_at(choices, i, &length)); i++)
        if (strlen(word) == length && memcmp(c, word, length) == 0)
            return i;
    return -1;
}

/* ---- sentences ------------------------------------------------------------- */

/* What is being parsed, and how to speak of it. */
typedef struct reader {
    dp_error *err;
    const dp_config *config; /* may be NULL */
    const char *where;
} reader;

/* "FILE: backbone.depths", into text of VALUE_PATH bytes. */
enum { VALUE_PATH = 512 };

static void format_place(char *text, const reader *r, const cJSON *value,
                         const char *key)
{
    const char *file = r->config ? dp_config_origin(r->config, value) : NULL;
    snprintf(text, VALUE_PATH, "%s%s%s%s%s", file ? file : "", file ? ": " : "",
             r->where, *r->where ? "." : "", key);
}

/* A JSON value in a few characters. */
static void format_found(char *text, const cJSON *value)
{
    if (cJSON_IsNumber(value))
        snprintf(text, VALUE_TEXT, "%.9g", value->valuedouble);
    else if (cJSON_IsString(value))
        snprintf(text, VALUE_TEXT, "\"%.64s\"", value->valuestring);
    else if (cJSON_IsBool(value))
        snprintf(text, VALUE_TEXT, "%s", cJSON_IsTrue(value) ? "true" : "false");
    else if (cJSON_IsArray(value))
        snprintf(text, VALUE_TEXT, "a list of %d", cJSON_GetArraySize(value));
    else
        snprintf(text, VALUE_TEXT, "%s", cJSON_IsNull(value) ? "null" : "an object");
}

/* What one value should be. */
static void format_expected(char *text, const dp_param *p)
{
    if (p->type == DP_PARAM_TYPE_CHOICE)
        snprintf(text, VALUE_PATH, "one of %s", p->choices);
    else if (p->type == DP_PARAM_TYPE_BOOL)
        snprintf(text, VALUE_PATH, "true or false");
    else if (p->type == DP_PARAM_TYPE_TEXT)
        snprintf(text, VALUE_PATH, "a text of at most %zu bytes", p->size - 1);
    else
        snprintf(text, VALUE_PATH, "%s from %.9g to %.9g",
                 p->type == DP_PARAM_TYPE_INT ? "an integer" : "a number", p->min,
                 p->max);
}

/* How many values there should be, with their type. */
static void format_shape(char *text, size_t size, const dp_param *p)
{
    if (p->form == DP_PARAM_FORM_SCALAR)
        snprintf(text, size, "%s", type_name(p));
    else
        snprintf(text, size, "list of %s%zu %ss",
                 p->form == DP_PARAM_FORM_LIST ? "1 to " : "", room_of(p),
                 type_name(p));
}

static dp_status fail_value(const reader *r, const dp_param *p, const cJSON *value,
                            int index)
{
    char place[VALUE_PATH], found[VALUE_TEXT], expected[VALUE_PATH], at[16] = "";
    format_place(place, r, value, p->key);
    format_found(found, value);
    format_expected(expected, p);
    if (p->form != DP_PARAM_FORM_SCALAR)
        snprintf(at, sizeof at, "[%d]", index);
    return dp_fail(r->err, DP_ECONFIG, "%s%s: found %s, expected %s", place, at, found,
                   expected);
}

static dp_status fail_shape(const reader *r, const dp_param *p, const cJSON *value)
{
    char place[VALUE_PATH], found[VALUE_TEXT], shape[64];
    format_place(place, r, value, p->key);
    format_found(found, value);
    format_shape(shape, sizeof shape, p);
    return dp_fail(r->err, DP_ECONFIG, "%s: found %s, expected %s %s", place, found,
                   article(p), shape);
}

static dp_status fail_unknown(const reader *r, const dp_param *table,
                              const cJSON *value)
{
    char place[VALUE_PATH];
    format_place(place, r, value, value->string);
    dp_nearest nearest = {.word = value->string};
    for (const dp_param *p = table; p->key; p++)
        dp_nearest_offer(&nearest, p->key);
    if (nearest.best)
        return dp_fail(r->err, DP_ECONFIG, "%s: unknown key, did you mean \"%s\"?",
                       place, nearest.best);

    dp_text known = {.err = r->err};
    for (const dp_param *p = table; p->key; p++)
        dp_text_add(&known, "%s%s", p == table ? "" : ", ", p->key);
    const dp_status st =
        known.status == DP_OK
            ? dp_fail(r->err, DP_ECONFIG, "%s: unknown key; the keys are: %s", place,
                      dp_text_get(&known))
            : known.status;
    dp_text_done(&known);
    return st;
}

static dp_status fail_missing(const reader *r, const dp_param *p, const cJSON *object)
{
    char place[VALUE_PATH], shape[64];
    format_place(place, r, object, p->key);
    format_shape(shape, sizeof shape, p);
    return dp_fail(r->err, DP_ECONFIG, "%s: missing; give %s %s: %s", place, article(p),
                   shape, p->help);
}

/* ---- parsing --------------------------------------------------------------- */

static bool in_range(const dp_param *p, const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= p->min &&
           value->valuedouble <= p->max;
}

/* Write one value to the field's i-th place; false when it is not of the row's kind. */
static bool store_value(const dp_param *p, void *field, int i, const cJSON *value)
{
    switch (p->type) {
    case DP_PARAM_TYPE_INT:
        if (!in_range(p, value) || value->valuedouble < INT_MIN ||
            value->valuedouble > INT_MAX ||
            value->valuedouble - floor(value->valuedouble) > 0)
            return false;
        ((int *)field)[i] = (int)value->valuedouble;
        return true;
    case DP_PARAM_TYPE_FLOAT:
        if (!in_range(p, value))
            return false;
        ((float *)field)[i] = (float)value->valuedouble;
        return isfinite(((float *)field)[i]);
    case DP_PARAM_TYPE_DOUBLE:
        if (!in_range(p, value))
            return false;
        ((double *)field)[i] = value->valuedouble;
        return true;
    case DP_PARAM_TYPE_BOOL:
        ((bool *)field)[i] = cJSON_IsTrue(value);
        return cJSON_IsBool(value);
    case DP_PARAM_TYPE_CHOICE:
        if (!cJSON_IsString(value))
            return false;
        *(int *)field = choice_index(p->choices, value->valuestring);
        return *(int *)field >= 0;
    case DP_PARAM_TYPE_TEXT:
        if (!cJSON_IsString(value) || strlen(value->valuestring) >= p->size)
            return false;
        memcpy(field, value->valuestring, strlen(value->valuestring) + 1);
        return true;
    }
    return false;
}

static dp_status parse_row(const reader *r, const dp_param *p, void *instance,
                           const cJSON *value)
{
    char *field = (char *)instance + p->offset;
    if (p->form == DP_PARAM_FORM_SCALAR)
        return store_value(p, field, 0, value) ? DP_OK : fail_value(r, p, value, 0);

    const int room = (int)room_of(p);
    const int count = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    const int least = p->form == DP_PARAM_FORM_LIST ? 1 : room;
    if (count < least || count > room)
        return fail_shape(r, p, value);

    int i = 0;
    for (const cJSON *v = value->child; v; v = v->next, i++)
        if (!store_value(p, field, i, v))
            return fail_value(r, p, v, i);
    if (p->form == DP_PARAM_FORM_LIST)
        *(int *)(void *)((char *)instance + p->count_offset) = count;
    return DP_OK;
}

static dp_status parse_initial(const reader *r, const dp_param *p, void *instance)
{
    cJSON *value;
    dp_status st =
        dp_json_parse(r->err, &value, p->initial, strlen(p->initial), p->key);
    if (st == DP_OK)
        st = parse_row(r, p, instance, value);
    cJSON_Delete(value);
    return st;
}

static void clear_row(const dp_param *p, void *instance)
{
    memset((char *)instance + p->offset, 0, p->size);
    if (p->form == DP_PARAM_FORM_LIST)
        memset((char *)instance + p->count_offset, 0, sizeof(int));
}

/* Defaults only; what has none is zero. */
static dp_status set_defaults(dp_error *err, const dp_param *table, void *instance)
{
    const reader r = {err, NULL, "default"};
    dp_status st = DP_OK;
    for (const dp_param *p = table; p->key && st == DP_OK; p++) {
        clear_row(p, instance);
        if (p->initial)
            st = parse_initial(&r, p, instance);
    }
    return st;
}

dp_status dp_params_parse(dp_error *err, const dp_param *table, void *instance,
                          const cJSON *object, const dp_config *config,
                          const char *where)
{
    const reader r = {err, config, where};
    dp_status st = set_defaults(err, table, instance);
    for (const cJSON *v = object->child; v && st == DP_OK; v = v->next) {
        const dp_param *p = find_row(table, v->string);
        if (p)
            st = parse_row(&r, p, instance, v);
        else if (strcmp(v->string, "type") != 0)
            st = fail_unknown(&r, table, v);
    }
    for (const dp_param *p = table; p->key && st == DP_OK; p++)
        if (!p->initial && !cJSON_GetObjectItemCaseSensitive(object, p->key))
            st = fail_missing(&r, p, object);
    return st;
}

/* ---- writing --------------------------------------------------------------- */

void dp_params_explain(dp_text *text, const dp_param *table)
{
    char shape[64];
    for (const dp_param *p = table; p->key; p++) {
        format_shape(shape, sizeof shape, p);
        dp_text_add(text, "  %-20s %s", p->key, shape);
        if (p->type == DP_PARAM_TYPE_INT || p->type == DP_PARAM_TYPE_FLOAT ||
            p->type == DP_PARAM_TYPE_DOUBLE)
            dp_text_add(text, ", %.9g to %.9g", p->min, p->max);
        if (p->type == DP_PARAM_TYPE_CHOICE)
            dp_text_add(text, " of %s", p->choices);
        if (p->initial)
            dp_text_add(text, ", default %s", p->initial);
        else
            dp_text_add(text, ", required");
        dp_text_add(text, "\n  %-20s %s\n", "", p->help);
    }
}

/* ---- checking -------------------------------------------------------------- */

static bool overlap(size_t a, size_t a_size, size_t b, size_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* Whether the fields (and counts) of two rows share a byte. */
static bool rows_overlap(const dp_param *p, const dp_param *q)
{
    const size_t pc = p->form == DP_PARAM_FORM_LIST ? sizeof(int) : 0;
    const size_t qc = q->form == DP_PARAM_FORM_LIST ? sizeof(int) : 0;
    return overlap(p->offset, p->size, q->offset, q->size) ||
           (pc && overlap(p->count_offset, pc, q->offset, q->size)) ||
           (qc && overlap(p->offset, p->size, q->count_offset, qc)) ||
           (pc && qc && p->count_offset == q->count_offset);
}

static const char *row_problem(const dp_param *p, size_t size)
{
    if (!p->help || !*p->help)
        return "has no help";
    if (p->size == 0 || p->offset > size || p->size > size - p->offset)
        return "lies outside the instance";
    if (p->size % value_size(p) != 0)
        return "has a field of another type";
    if (room_of(p) > DP_MAX_PARAM_VALUES)
        return "has too many values";
    if (p->form == DP_PARAM_FORM_LIST &&
        (p->count_offset > size - sizeof(int) ||
         overlap(p->offset, p->size, p->count_offset, sizeof(int))))
        return "has its count in a wrong place";
    if (p->min > p->max)
        return "has an empty range";
    return p->type == DP_PARAM_TYPE_CHOICE && !p->choices ? "has no choices" : NULL;
}

const char *dp_params_check_table(const dp_param *table, size_t size, char *problem,
                                  size_t room)
{
    for (const dp_param *p = table; p->key; p++) {
        const char *wrong = row_problem(p, size);
        for (const dp_param *q = table; q < p && !wrong; q++) {
            if (strcmp(p->key, q->key) == 0)
                wrong = "is there twice";
            else if (rows_overlap(p, q))
                wrong = "overlaps another field";
        }
        if (wrong) {
            snprintf(problem, room, "%s %s", p->key, wrong);
            return problem;
        }
    }

    dp_error err = {0};
    void *instance;
    dp_status st = dp_alloc(&err, &instance, 1, size, "an instance");
    if (st == DP_OK)
        st = set_defaults(&err, table, instance);
    dp_free(instance);
    if (st == DP_OK)
        return NULL;
    snprintf(problem, room, "%s", err.text);
    return problem;
}
