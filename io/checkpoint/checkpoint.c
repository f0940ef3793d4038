#include "io/checkpoint/checkpoint.h"

#include "base/file.h"
#include "base/memory.h"
#include "io/checkpoint/safetensors.h"
#include "io/checkpoint/torch_file.h"
#include "io/checkpoint/torch_legacy.h"
#include "io/checkpoint/torch_names.h"
#include "io/checkpoint/torch_zip.h"

#include <stdio.h>
#include <string.h>

typedef enum form { FORM_ZIP, FORM_LEGACY, FORM_SAFETENSORS } form;

struct dp_checkpoint {
    char *path;
    dp_file_map map;
    form form;
    dp_torch_file torch;       /* of the two forms of torch.save */
    dp_pickle_values metadata; /* of safetensors, with its root and texts */
    dp_pickle_value metadata_root;
    char *texts;
    const char *source, *prefix;
    dp_tensor_list state; /* the state dict                            */
    dp_tensor_list all;   /* once asked for; empty for safetensors      */
    bool all_listed;
};

static const char module_prefix[] = "module.";

/* ---- what a file is ---- */

static bool is_tar(const unsigned char *data, size_t size)
{
    return size >= 512 && memcmp(data + 257, "ustar", 5) == 0;
}

static bool ends_in(const char *path, const char *tail)
{
    const size_t size = strlen(path), tail_size = strlen(tail);
    return size >= tail_size && strcmp(path + size - tail_size, tail) == 0;
}

static dp_status unknown_form(dp_error *err, const dp_checkpoint *c)
{
    static const char neither[] = "not a file of torch.save or safetensors";
    const unsigned char *p = c->map.data;
    const size_t size = c->map.size;
    if (size == 0)
        return dp_fail(err, DP_EFORMAT, "%s: an empty file, %s", c->path, neither);
    if (is_tar(p, size))
        return dp_fail(err, DP_EUNSUPPORTED,
                       "%s: a tar archive, as PyTorch wrote before 0.2, is not read",
                       c->path);
    if (p[0] == 0x80)
        return dp_fail(err, DP_EFORMAT, "%s: a bare pickle, %s", c->path, neither);
    return dp_fail(err, DP_EFORMAT, "%s: starts with %02x %02x; %s", c->path, p[0],
                   size > 1 ? p[1] : 0, neither);
}

static dp_status find_form(dp_error *err, dp_checkpoint *c)
{
    if (dp_torch_zip_is(c->map.data, c->map.size))
        c->form = FORM_ZIP;
    else if (dp_torch_legacy_is(c->map.data, c->map.size))
        c->form = FORM_LEGACY;
    else if (dp_safetensors_is(c->map.data, c->map.size) ||
             ends_in(c->path, ".safetensors"))
        c->form = FORM_SAFETENSORS;
    else
        return unknown_form(err, c);
    return DP_OK;
}

/* ---- the state dict ---- */

/* "int", "models.yolo.Model". */
static const char *class_name(const dp_pickle_values *p, dp_pickle_value v)
{
    const dp_pickle_kind kind = dp_pickle_value_kind(p, v);
    return kind == DP_PICKLE_OPAQUE ? dp_pickle_value_text(p, v).text
                                    : dp_pickle_kind_name(kind);
}

/* "dict of 2 (epoch: int, model: models.yolo.Model)". */
static void describe(const dp_pickle_values *p, dp_pickle_value v, char *text,
                     size_t size)
{
    enum { SHOWN = 8 };
    const size_t count = dp_pickle_value_count(p, v);
    const bool dict = dp_pickle_value_kind(p, v) == DP_PICKLE_DICT;
    size_t used = (size_t)snprintf(text, size, "%.100s", class_name(p, v));
    if (count)
        used += (size_t)snprintf(text + used, size - used, " of %zu (", count);
    for (size_t i = 0; i < count && i < SHOWN && used < size; i++) {
        const dp_pickle_value key = dict ? dp_pickle_value_key(p, v, i) : v;
        const bool named = dict && dp_pickle_value_kind(p, key) == DP_PICKLE_TEXT;
        const dp_name name = named ? dp_pickle_value_text(p, key) : (dp_name){"", 0};
        used += (size_t)snprintf(text + used, size - used, "%s%.*s%s%.60s",
                                 i ? ", " : "", name.size < 40 ? (int)name.size : 40,
                                 name.text, named ? ": " : "",
                                 class_name(p, dp_pickle_value_item(p, v, i)));
    }
    if (count && used < size)
        snprintf(text + used, size - used, "%s)", count > SHOWN ? ", ..." : "");
}

/* The value that holds the state dict; c->source says where it is. */
static dp_pickle_value find_state(dp_checkpoint *c)
{
    static const char *const keys[] = {"state_dict",  "model",  "model_state_dict",
                                       "model_state", "module", "model_ema"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const dp_pickle_value v =
            dp_pickle_value_find(&c->torch.values, c->torch.root, keys[i]);
        if (v != DP_PICKLE_ABSENT &&
            dp_pickle_value_kind(&c->torch.values, v) == DP_PICKLE_DICT &&
            dp_torch_names_any(&c->torch, v)) {
            c->source = keys[i];
            return v;
        }
    }
    return c->torch.root;
}

static dp_status read_torch(dp_error *err, dp_checkpoint *c)
{
    const dp_status st =
        dp_torch_file_init(err, &c->torch, c->path, c->map.data, c->map.size);
    if (st != DP_OK)
        return st;
    if (!dp_torch_names_any(&c->torch, c->torch.root)) {
        char found[512];
        describe(&c->torch.values, c->torch.root, found, sizeof found);
        return dp_fail(err, DP_EFORMAT, "%s: no tensors, but %s", c->path, found);
    }
    return dp_torch_names_list(err, &c->torch, find_state(c), &c->state);
}

static dp_status read_file(dp_error *err, dp_checkpoint *c)
{
    dp_status st = dp_file_map_open(err, &c->map, c->path);
    if (st == DP_OK)
        st = find_form(err, c);
    if (st != DP_OK)
        return st;
    if (c->form == FORM_SAFETENSORS)
        st = dp_safetensors_read(err, &c->state, &c->metadata, &c->metadata_root,
                                 &c->texts, c->path, c->map.data, c->map.size);
    else
        st = read_torch(err, c);
    if (st == DP_OK && dp_tensor_list_strip(&c->state, module_prefix))
        c->prefix = module_prefix;
    return st == DP_OK ? dp_tensor_list_finish(err, &c->state, c->path) : st;
}

dp_status dp_checkpoint_open(dp_error *err, dp_checkpoint **out, const char *path)
{
    dp_checkpoint *c;
    *out = NULL;
    dp_status st = dp_alloc(err, &c, 1, sizeof(dp_checkpoint), "a checkpoint");
    if (st != DP_OK)
        return st;
    c->source = c->prefix = "";
    st = dp_strdup(err, &c->path, path);
    if (st == DP_OK)
        st = read_file(err, c);
    if (st != DP_OK) {
        dp_checkpoint_close(c);
        return st;
    }
    *out = c;
    return DP_OK;
}

void dp_checkpoint_close(dp_checkpoint *c)
{
    if (!c)
        return;
    dp_tensor_list_done(&c->state);
    dp_tensor_list_done(&c->all);
    dp_torch_file_done(&c->torch);
    dp_pickle_values_done(&c->metadata);
    dp_free(c->texts);
    dp_file_map_close(&c->map);
    dp_free(c->path);
    dp_free(c);
}

/* ---- what is in it ---- */

const char *dp_checkpoint_format(const dp_checkpoint *c)
{
    static const char *const names[] = {[FORM_ZIP] = "torch zip",
                                        [FORM_LEGACY] = "torch legacy",
                                        [FORM_SAFETENSORS] = "safetensors"};
    return names[c->form];
}

const char *dp_checkpoint_source(const dp_checkpoint *c)
{
    return c->source;
}

const char *dp_checkpoint_prefix(const dp_checkpoint *c)
{
    return c->prefix;
}

const dp_named_tensor *dp_checkpoint_tensors(const dp_checkpoint *c, size_t *count)
{
    *count = c->state.count;
    return c->state.tensors;
}

const dp_named_tensor *dp_checkpoint_find(const dp_checkpoint *c, const char *name)
{
    return dp_tensor_list_find(&c->state, name);
}

const dp_refusal *dp_checkpoint_refusals(const dp_checkpoint *c, size_t *count)
{
    *count = c->state.refusals_count;
    return c->state.refusals;
}

const dp_named_tensor *dp_checkpoint_list_all(dp_error *err, dp_checkpoint *c,
                                              size_t *count)
{
    *count = 0;
    if (c->form == FORM_SAFETENSORS)
        return dp_checkpoint_tensors(c, count);
    if (!c->all_listed) {
        dp_status st = dp_torch_names_list(err, &c->torch, c->torch.root, &c->all);
        if (st == DP_OK)
            st = dp_tensor_list_finish(err, &c->all, c->path);
        if (st != DP_OK) {
            dp_tensor_list_done(&c->all);
            return NULL;
        }
        c->all_listed = true;
    }
    *count = c->all.count;
    return c->all.tensors;
}

const dp_stored_type *dp_checkpoint_type(const dp_checkpoint *c,
                                         const dp_named_tensor *t)
{
    const bool in_all =
        c->all.count && t >= c->all.tensors && t < c->all.tensors + c->all.count;
    return in_all ? c->all.types[t - c->all.tensors]
                  : c->state.types[t - c->state.tensors];
}

const char *const *dp_checkpoint_globals(const dp_checkpoint *c, size_t *count)
{
    *count = c->torch.values.globals_count;
    return (const char *const *)c->torch.values.globals;
}

const dp_pickle_values *dp_checkpoint_values(const dp_checkpoint *c,
                                             dp_pickle_value *root)
{
    const bool torch = c->form != FORM_SAFETENSORS;
    *root = torch ? c->torch.root : c->metadata_root;
    return torch ? &c->torch.values : &c->metadata;
}

dp_status dp_checkpoint_verify(dp_error *err, const dp_checkpoint *c, size_t *checked)
{
    dp_status st = DP_OK;
    *checked = 0;
    for (size_t i = 0; i < c->torch.zip.count && st == DP_OK; i++) {
        st = dp_zip_verify(err, &c->torch.zip, i);
        *checked += st == DP_OK;
    }
    return st;
}
