#include "train/saved_state.h"

#include "base/atomic_file.h"
#include "base/json.h"
#include "base/memory.h"
#include "io/checkpoint/safetensors.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what is run, and how far it is ---------------------------------------------- */

static void add_run(dp_text *text, const dp_run_identity *run,
                    const dp_run_progress *progress)
{
    dp_text_add(text, "{\"images\": ");
    dp_text_add_quoted(text, run->images);
    dp_text_add(text, ", \"processes\": %d, \"config\": ", run->processes);
    dp_config_format(run->config, text);
    if (progress) {
        dp_text_add(text, ", \"epoch\": %d, \"step\": %d, \"loss\": ", progress->epoch,
                    progress->step);
        dp_text_add_double(text, progress->loss);
        dp_text_add(text, ", \"best\": ");
        dp_text_add_double(text, progress->best);
        dp_text_add(text, ", \"best_average\": ");
        dp_text_add_double(text, progress->best_average);
    }
    dp_text_add(text, "}");
}

/* The document "run" of the file, the caller's to cJSON_Delete. */
static dp_status read_run(dp_error *err, cJSON **out, const dp_checkpoint *state,
                          const char *path)
{
    dp_pickle_value root;
    const dp_pickle_values *values = dp_checkpoint_values(state, &root);
    const dp_pickle_value v = dp_pickle_value_find(values, root, "run");
    *out = NULL;
    if (dp_pickle_value_kind(values, v) != DP_PICKLE_TEXT)
        return dp_fail(err, DP_EFORMAT, "%s: not the state of a training run", path);
    const dp_name text = dp_pickle_value_text(values, v);
    return dp_json_parse(err, out, text.text, text.size, path);
}

/* Append a value as the file or the config has it, cut to a line. */
static void add_value(dp_text *text, const cJSON *value)
{
    enum { SHOWN = 60 };
    char *json = value ? cJSON_PrintUnformatted(value) : NULL;
    dp_text_add(text, "%.*s", SHOWN, json ? json : "missing");
    cJSON_free(json);
}

/* Append "KEY was A and is B" of the first value that differs, and true. */
static bool find_difference(dp_text *text, const char *where, const cJSON *was,
                            const cJSON *is)
{
    if (cJSON_IsObject(was) && cJSON_IsObject(is)) {
        for (int side = 0; side < 2; side++)
            for (const cJSON *v = (side ? was : is)->child; v; v = v->next) {
                char key[256];
                snprintf(key, sizeof key, "%s%s%s", where, *where ? "." : "",
                         v->string);
                if (find_difference(text, key,
                                    cJSON_GetObjectItemCaseSensitive(was, v->string),
                                    cJSON_GetObjectItemCaseSensitive(is, v->string)))
                    return true;
            }
        return false;
    }
    if (cJSON_Compare(was, is, true))
        return false;
    dp_text_add(text, "%s was ", where);
    add_value(text, was);
    dp_text_add(text, " and is ");
    add_value(text, is);
    return true;
}

static dp_status compare(dp_error *err, const cJSON *was, const cJSON *is,
                         const char *path)
{
    static const char *const parts[] = {"config", "images", "processes"};
    dp_text text = {.err = err};
    bool differs = false;
    for (int i = 0; i < 3 && !differs; i++)
        differs = find_difference(&text, i > 0 ? parts[i] : "",
                                  cJSON_GetObjectItemCaseSensitive(was, parts[i]),
                                  cJSON_GetObjectItemCaseSensitive(is, parts[i]));
    dp_status st = text.status;
    if (st == DP_OK && differs)
        st = dp_fail(err, DP_EARG, "%s is of another run: %s; give a new folder", path,
                     dp_text_get(&text));
    dp_text_done(&text);
    return st;
}

static dp_status check(dp_error *err, const dp_checkpoint *state, const char *path,
                       const dp_run_identity *run)
{
    dp_text text = {.err = err};
    cJSON *was = NULL, *is = NULL;
    add_run(&text, run, NULL);
    dp_status st = text.status;
    if (st == DP_OK)
        st = dp_json_parse(err, &is, text.data, text.size, "the run");
    if (st == DP_OK)
        st = read_run(err, &was, state, path);
    if (st == DP_OK)
        st = compare(err, was, is, path);
    cJSON_Delete(was);
    cJSON_Delete(is);
    dp_text_done(&text);
    return st;
}

dp_status dp_saved_state_open(dp_error *err, dp_checkpoint **out, const char *path,
                              const dp_run_identity *run)
{
    *out = NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return DP_OK;
    dp_status st = dp_checkpoint_open(err, out, path);
    if (st == DP_OK)
        st = check(err, *out, path, run);
    if (st != DP_OK) {
        dp_checkpoint_close(*out);
        *out = NULL;
    }
    return st;
}

/* ---- tensors --------------------------------------------------------------------- */

enum { KINDS = 4 };

static const char *const kinds[KINDS] = {"value", "first", "second", "average"};

/* The values of a kind; NULL: parameter i has none. */
static float *values_of(const dp_optimizer *o, int kind, size_t i)
{
    float *const *const lists[KINDS] = {NULL, o->first, o->second, o->average};
    if (kind == 0)
        return o->trained.parameters->list[i].value;
    return lists[kind] ? lists[kind][i] : NULL;
}

/* A list of all tensors that the state has. */
typedef struct listing {
    dp_named_tensor *tensors; /* owned */
    char *names;              /* owned */
    size_t count;
} listing;

static void listing_done(listing *l)
{
    dp_free(l->tensors);
    dp_free(l->names);
}

static dp_status make_listing(dp_error *err, listing *l, const dp_optimizer *o)
{
    const dp_parameters *p = o->trained.parameters;
    *l = (listing){0};
    size_t bytes = 0;
    for (size_t i = 0; i < p->count; i++)
        bytes += KINDS * (strlen(p->list[i].name) + sizeof "average.");
    const dp_array arrays[] = {DP_ARRAY(l->tensors, KINDS * p->count),
                               DP_ARRAY(l->names, bytes)};
    const dp_status st = dp_alloc_arrays(err, arrays, 2, "the state of a run");
    char *name = l->names;
    for (int kind = 0; kind < KINDS && st == DP_OK; kind++)
        for (size_t i = 0; i < p->count; i++) {
            const float *values = values_of(o, kind, i);
            if (!values)
                continue;
            dp_named_tensor *t = &l->tensors[l->count++];
            dp_parameter_describe(&p->list[i], t);
            t->name = name;
            t->data = values;
            const size_t room = (size_t)(l->names + bytes - name);
            name += snprintf(name, room, "%s.%s", kinds[kind], p->list[i].name) + 1;
        }
    return st;
}

static dp_status load_tensor(dp_error *err, const dp_named_tensor *want,
                             const dp_checkpoint *state, const char *path)
{
    const dp_named_tensor *t = dp_checkpoint_find(state, want->name);
    bool fits = t && t->dtype == DP_DTYPE_F32 && t->rank == want->rank;
    for (int d = 0; fits && d < t->rank; d++)
        fits = t->shape[d] == want->shape[d];
    if (!fits)
        return dp_fail(err, DP_EFORMAT, "%s: tensor %s: %s", path, want->name,
                       t ? "not of the network's shape" : "missing");
    /* The list is of the network's own arrays, which are not const. */
    dp_named_tensor_copy(t, (void *)(uintptr_t)want->data);
    return DP_OK;
}

static dp_status load_tensors(dp_error *err, const dp_optimizer *o,
                              const dp_checkpoint *state, const char *path)
{
    listing l;
    size_t count;
    dp_status st = make_listing(err, &l, o);
    (void)dp_checkpoint_tensors(state, &count);
    if (st == DP_OK && count != l.count)
        st = dp_fail(err, DP_EFORMAT, "%s: found %zu tensors, expected %zu", path,
                     count, l.count);
    for (size_t i = 0; i < l.count && st == DP_OK; i++)
        st = load_tensor(err, &l.tensors[i], state, path);
    listing_done(&l);
    return st;
}

static bool get_number(const cJSON *run, const char *key, double least, double *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(run, key);
    *out = cJSON_IsNumber(v) ? v->valuedouble : least;
    return cJSON_IsNumber(v) && *out >= least;
}

static dp_status load_progress(dp_error *err, dp_run_progress *progress,
                               const dp_checkpoint *state, const char *path)
{
    cJSON *run;
    double epoch, step;
    dp_status st = read_run(err, &run, state, path);
    if (st != DP_OK)
        return st;
    if (get_number(run, "epoch", 0, &epoch) && get_number(run, "step", 0, &step) &&
        get_number(run, "loss", -(double)INFINITY, &progress->loss) &&
        get_number(run, "best", -1, &progress->best) &&
        get_number(run, "best_average", -1, &progress->best_average)) {
        progress->epoch = (int)epoch;
        progress->step = (int)step;
    } else {
        st = dp_fail(err, DP_EFORMAT, "%s: how far the run is cannot be read", path);
    }
    cJSON_Delete(run);
    return st;
}

dp_status dp_saved_state_load(dp_error *err, dp_run_progress *progress,
                              const dp_optimizer *o, const dp_checkpoint *state,
                              const char *path)
{
    const dp_status st = load_progress(err, progress, state, path);
    return st == DP_OK ? load_tensors(err, o, state, path) : st;
}

dp_status dp_saved_state_save(dp_error *err, const char *path,
                              const dp_run_identity *run,
                              const dp_run_progress *progress, const dp_optimizer *o)
{
    listing l;
    dp_atomic_file f = {0};
    dp_text text = {.err = err};
    add_run(&text, run, progress);
    dp_status st = make_listing(err, &l, o);
    if (st == DP_OK)
        st = text.status;
    if (st == DP_OK)
        st = dp_atomic_file_open(err, &f, path);
    if (st == DP_OK) {
        const char *const metadata[] = {"run", dp_text_get(&text), NULL};
        f.durable = true;
        st = dp_safetensors_write(err, &f, l.tensors, l.count, metadata);
    }
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &f);
    dp_atomic_file_abandon(&f);
    listing_done(&l);
    dp_text_done(&text);
    return st;
}
