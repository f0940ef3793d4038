#include "model/checkpoint_meta.h"

/* Under the first of the keys that is there. */
static dp_pickle_value find(const dp_pickle_values *p, dp_pickle_value dict,
                            const char *const keys[])
{
    for (const char *const *key = keys; *key; key++) {
        const dp_pickle_value v = dp_pickle_value_find(p, dict, *key);
        if (v != DP_PICKLE_ABSENT)
            return v;
    }
    return DP_PICKLE_ABSENT;
}

static bool is_list(const dp_pickle_values *p, dp_pickle_value v)
{
    const dp_pickle_kind kind = dp_pickle_value_kind(p, v);
    return kind == DP_PICKLE_LIST || kind == DP_PICKLE_TUPLE;
}

static dp_pickle_value list_of_texts(const dp_pickle_values *p, dp_pickle_value v)
{
    if (!is_list(p, v))
        return DP_PICKLE_ABSENT;
    for (size_t i = 0; i < dp_pickle_value_count(p, v); i++)
        if (dp_pickle_value_kind(p, dp_pickle_value_item(p, v, i)) != DP_PICKLE_TEXT)
            return DP_PICKLE_ABSENT;
    return v;
}

dp_checkpoint_meta dp_checkpoint_meta_find(const dp_checkpoint *c)
{
    static const char *const classes[] = {"CLASSES", "classes", NULL};
    static const char *const palettes[] = {"PALETTE", "palette", NULL};
    static const char *const configs[] = {"cfg", "config", NULL};
    dp_pickle_value root;
    const dp_pickle_values *p = dp_checkpoint_values(c, &root);
    const dp_pickle_value meta = dp_pickle_value_find(p, root, "meta");
    dp_pickle_value data = dp_pickle_value_find(p, meta, "dataset_meta");
    if (data == DP_PICKLE_ABSENT)
        data = meta;
    dp_checkpoint_meta m = {.values = p};
    m.classes = list_of_texts(p, find(p, data, classes));
    m.palette = find(p, data, palettes);
    const dp_pickle_value text = find(p, meta, configs);
    if (dp_pickle_value_kind(p, text) == DP_PICKLE_TEXT)
        m.config = dp_pickle_value_text(p, text);
    return m;
}

size_t dp_checkpoint_meta_count(const dp_checkpoint_meta *m)
{
    return m->classes == DP_PICKLE_ABSENT
               ? 0
               : dp_pickle_value_count(m->values, m->classes);
}

dp_name dp_checkpoint_meta_class(const dp_checkpoint_meta *m, size_t i)
{
    return dp_pickle_value_text(m->values,
                                dp_pickle_value_item(m->values, m->classes, i));
}

bool dp_checkpoint_meta_colour(const dp_checkpoint_meta *m, size_t i, int rgb[3])
{
    if (!is_list(m->values, m->palette) ||
        i >= dp_pickle_value_count(m->values, m->palette))
        return false;
    const dp_pickle_value v = dp_pickle_value_item(m->values, m->palette, i);
    if (!is_list(m->values, v) || dp_pickle_value_count(m->values, v) != 3)
        return false;
    for (size_t k = 0; k < 3; k++) {
        const dp_pickle_value item = dp_pickle_value_item(m->values, v, k);
        if (dp_pickle_value_kind(m->values, item) != DP_PICKLE_INT)
            return false;
        const int64_t value = dp_pickle_value_int(m->values, item);
        if (value < 0 || value > 255)
            return false;
        rgb[k] = (int)value;
    }
    return true;
}
