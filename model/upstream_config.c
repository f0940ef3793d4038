#include "model/upstream_config.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef enum value_kind { NUMBER, PAIR, TRIPLE, TRUTH, WORD } value_kind;

/* Where a key of ours stands in the text: after the first `after`, in there after the first
 * `inside`, behind `name`. */
static const struct {
    const char *section, *key, *after, *inside, *name;
    value_kind kind;
} rules[] = {
    {"input", "mean", NULL, NULL, "mean=", TRIPLE},
    {"input", "std", NULL, NULL, "std=", TRIPLE},
    {"input", "to_rgb", NULL, NULL, "to_rgb=", TRUTH},
    {"input", "to_rgb", NULL, NULL, "bgr_to_rgb=", TRUTH},
    {"input", "scale", "test_pipeline", NULL, "img_scale=", PAIR},
    {"input", "scale", "test_pipeline", NULL, "scale=", PAIR},
    {"backbone", "style", NULL, NULL, "style=", WORD},
    {"test", "score_thr", "test_cfg", "rcnn=dict(", "score_thr=", NUMBER},
    {"test", "max_per_img", "test_cfg", "rcnn=dict(", "max_per_img=", NUMBER},
    {"test", "nms_iou_threshold", "test_cfg", "rcnn=dict(", "iou_threshold=", NUMBER},
    {"test", "mask_thr_binary", "test_cfg", "rcnn=dict(", "mask_thr_binary=", NUMBER},
    {"test", "mode", "test_cfg", NULL, "mode=", WORD},
    {"test", "crop_size", "test_cfg", NULL, "crop_size=", PAIR},
    {"test", "stride", "test_cfg", NULL, "stride=", PAIR},
};

/* After the name, where it stands alone: "std=" is not in "target_stds=". */
static const char *find_name(const char *at, const char *name)
{
    const char *const text = at;
    for (; (at = strstr(at, name)); at++)
        if (at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_'))
            return at + strlen(name);
    return NULL;
}

/* `count` numbers in brackets, or one without; NULL when something else stands there. */
static cJSON *read_numbers(const char *at, int count)
{
    double values[3];
    at += count > 1 && (*at == '[' || *at == '(');
    for (int i = 0; i < count; i++) {
        char *end;
        values[i] = strtod(at, &end);
        if (end == at)
            return NULL;
        at = end + strspn(end, ", \n");
    }
    return count > 1 ? cJSON_CreateDoubleArray(values, count)
                     : cJSON_CreateNumber(values[0]);
}

static cJSON *read_word(const char *at)
{
    char word[32];
    const char quote = *at++;
    const size_t size = strcspn(at, "'\"\n");
    if ((quote != '\'' && quote != '"') || size >= sizeof word)
        return NULL;
    memcpy(word, at, size);
    word[size] = '\0';
    return cJSON_CreateString(word);
}

static cJSON *read_value(const char *at, value_kind kind)
{
    switch (kind) {
    case NUMBER:
        return read_numbers(at, 1);
    case PAIR:
        return read_numbers(at, 2);
    case TRIPLE:
        return read_numbers(at, 3);
    case TRUTH:
        return strncmp(at, "True", 4) == 0    ? cJSON_CreateTrue()
               : strncmp(at, "False", 5) == 0 ? cJSON_CreateFalse()
                                              : NULL;
    case WORD:
        return read_word(at);
    }
    return NULL;
}

/* The first place of the name at which such a value stands. */
static cJSON *find_value(const char *text, const char *name, value_kind kind)
{
    cJSON *value = NULL;
    while (!value && (text = find_name(text, name)))
        value = read_value(text, kind);
    return value;
}

static const char *skip_to(const char *text, const char *after)
{
    return after && text ? strstr(text, after) : text;
}

static void apply_rules(cJSON *out, const char *text)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *at = skip_to(skip_to(text, rules[i].after), rules[i].inside);
        cJSON *section = cJSON_GetObjectItemCaseSensitive(out, rules[i].section);
        if (!at || cJSON_GetObjectItemCaseSensitive(section, rules[i].key))
            continue;
        cJSON *value = find_value(at, rules[i].name, rules[i].kind);
        if (value && !section)
            section = cJSON_AddObjectToObject(out, rules[i].section);
        if (value && !cJSON_AddItemToObject(section, rules[i].key, value))
            cJSON_Delete(value);
    }
}

dp_status dp_upstream_config_parse(dp_error *err, cJSON **out, bool *from_zero,
                                   const char *text, size_t size)
{
    void *memory;
    *from_zero = true;
    *out = NULL;
    const dp_status st = dp_alloc(err, &memory, size + 1, 1, "the text of a config");
    if (st != DP_OK)
        return st;
    char *copy = memory;
    if (size > 0) /* text may be NULL then */
        memcpy(copy, text, size);
    copy[size] = '\0';
    *out = cJSON_CreateObject();
    if (*out)
        apply_rules(*out, copy);
    *from_zero = !strstr(copy, "reduce_zero_label=True");
    dp_free(memory);
    return *out ? DP_OK : dp_fail(err, DP_ENOMEM, "out of memory: a config");
}
