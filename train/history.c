#include "train/history.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- records in memory ------------------------------------------------------------------ */

static dp_status keep_step(dp_error *err, dp_history *h, const dp_step_record *r)
{
    void *list = h->steps;
    const dp_status st = dp_grow(err, &list, &h->step_capacity, h->step_count + 1,
                                 sizeof *h->steps, "the history of a run");
    h->steps = list;
    if (st == DP_OK)
        h->steps[h->step_count++] = *r;
    return st;
}

static dp_status keep_epoch(dp_error *err, dp_history *h, const dp_epoch_record *r)
{
    void *list = h->epochs;
    const dp_status st = dp_grow(err, &list, &h->epoch_capacity, h->epoch_count + 1,
                                 sizeof *h->epochs, "the history of a run");
    h->epochs = list;
    if (st == DP_OK)
        h->epochs[h->epoch_count++] = *r;
    return st;
}

/* ---- lines ------------------------------------------------------------------------------ */

static void add_number(dp_text *t, const char *key, double value)
{
    dp_text_add(t, ",\"%s\":", key);
    dp_text_add_double(t, value);
}

static void format_step(dp_text *t, const dp_step_record *r)
{
    dp_text_add(t, "{\"kind\":\"step\",\"step\":%" PRId64 ",\"epoch\":%d", r->step,
                r->epoch);
    add_number(t, "loss", r->loss);
    add_number(t, "lr", r->rate);
    add_number(t, "weight_decay", r->decay);
    add_number(t, "grad_norm", r->norm);
    dp_text_add(t, ",\"images\":%d", r->images);
    add_number(t, "seconds", r->seconds);
    add_number(t, "waited", r->waited);
    dp_text_add(t, "}\n");
}

static void format_epoch(dp_text *t, const dp_epoch_record *r)
{
    dp_text_add(t, "{\"kind\":\"epoch\",\"epoch\":%d,\"step\":%" PRId64, r->epoch,
                r->step);
    add_number(t, "loss", r->loss);
    if (r->evaluated) {
        dp_text_add(t, ",\"val_images\":%zu", r->model.images);
        add_number(t, "val_loss", r->model.loss);
        add_number(t, "top1", r->model.top1);
        add_number(t, "top5", r->model.top5);
        dp_text_add(t, ",\"best\":%s", r->best ? "true" : "false");
    }
    if (r->evaluated && r->has_average) {
        add_number(t, "ema_loss", r->average.loss);
        add_number(t, "ema_top1", r->average.top1);
        add_number(t, "ema_top5", r->average.top5);
        dp_text_add(t, ",\"ema_best\":%s", r->best_average ? "true" : "false");
    }
    dp_text_add(t, "}\n");
}

static double number_at(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static bool truth_at(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static dp_step_record read_step(const cJSON *o)
{
    return (dp_step_record){.step = (int64_t)number_at(o, "step"),
                            .epoch = (int)number_at(o, "epoch"),
                            .loss = number_at(o, "loss"),
                            .rate = number_at(o, "lr"),
                            .decay = number_at(o, "weight_decay"),
                            .norm = number_at(o, "grad_norm"),
                            .images = (int)number_at(o, "images"),
                            .seconds = number_at(o, "seconds"),
                            .waited = number_at(o, "waited")};
}

static dp_epoch_record read_epoch(const cJSON *o)
{
    const bool evaluated = cJSON_HasObjectItem(o, "top1"),
               averaged = cJSON_HasObjectItem(o, "ema_top1");
    const size_t images = (size_t)number_at(o, "val_images");
    return (dp_epoch_record){.epoch = (int)number_at(o, "epoch"),
                             .step = (int64_t)number_at(o, "step"),
                             .loss = number_at(o, "loss"),
                             .evaluated = evaluated,
                             .model = {images, number_at(o, "val_loss"),
                                       number_at(o, "top1"), number_at(o, "top5")},
                             .best = truth_at(o, "best"),
                             .has_average = averaged,
                             .average = {images, number_at(o, "ema_loss"),
                                         number_at(o, "ema_top1"),
                                         number_at(o, "ema_top5")},
                             .best_average = truth_at(o, "ema_best")};
}

/* ---- an earlier part of the run ----------------------------------------------------------- */

/* Keep the record of what is done: *kept is 1 then, 0 for later ones, -1 for what is no record. */
static dp_status keep_line(dp_error *err, dp_history *h, const char *line, size_t size,
                           int64_t step, int epoch, int *kept)
{
    dp_error ignored = {0};
    cJSON *object;
    *kept = -1;
    if (dp_json_parse(&ignored, &object, line, size, "line") != DP_OK)
        return DP_OK;
    const char *kind =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "kind"));
    dp_status st = DP_OK;
    if (kind && strcmp(kind, "step") == 0) {
        const dp_step_record r = read_step(object);
        *kept = r.step <= step;
        if (*kept)
            st = keep_step(err, h, &r);
    } else if (kind && strcmp(kind, "epoch") == 0) {
        const dp_epoch_record r = read_epoch(object);
        *kept = r.epoch < epoch;
        if (*kept)
            st = keep_epoch(err, h, &r);
    }
    cJSON_Delete(object);
    return st;
}

/* Copy the lines that stay to `file`. */
static dp_status copy_lines(dp_error *err, dp_history *h, dp_atomic_file *file,
                            const dp_file_map *old, int64_t step, int epoch)
{
    const char *at = (const char *)old->data, *end = at + old->size;
    dp_status st = DP_OK;
    while (st == DP_OK && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            break;
        const size_t size = (size_t)(newline - at);
        int kept;
        st = keep_line(err, h, at, size, step, epoch, &kept);
        if (kept < 0)
            break;
        if (st == DP_OK && kept)
            st = dp_atomic_file_write(err, file, at, size + 1);
        at = newline + 1;
    }
    return st;
}

static dp_status rewrite(dp_error *err, dp_history *h, int64_t step, int epoch)
{
    dp_atomic_file file = {0};
    dp_file_map old = {0};
    dp_error absent = {0};
    dp_status st = dp_atomic_file_open(err, &file, h->path);
    if (st == DP_OK && dp_file_map_open(&absent, &old, h->path) == DP_OK && old.size)
        st = copy_lines(err, h, &file, &old, step, epoch);
    dp_file_map_close(&old);
    if (st == DP_OK)
        st = dp_atomic_file_commit(err, &file);
    dp_atomic_file_abandon(&file);
    return st;
}

dp_status dp_history_open(dp_error *err, dp_history *h, const char *path, int64_t step,
                          int epoch)
{
    *h = (dp_history){0};
    dp_status st = dp_strdup(err, &h->path, path);
    if (st == DP_OK)
        st = rewrite(err, h, step, epoch);
    if (st == DP_OK) {
        h->file = fopen(path, "a");
        if (!h->file)
            st = dp_fail(err, DP_EIO, "%s: cannot write: %s", path, strerror(errno));
    }
    if (st != DP_OK)
        dp_history_done(h);
    return st;
}

/* ---- what is new ---------------------------------------------------------------------------- */

static dp_status write_line(dp_error *err, dp_history *h, dp_text *line)
{
    dp_status st = line->status;
    if (st == DP_OK &&
        (fwrite(dp_text_get(line), 1, line->size, h->file) != line->size ||
         fflush(h->file) != 0))
        st = dp_fail(err, DP_EIO, "%s: cannot write: %s", h->path, strerror(errno));
    dp_text_done(line);
    return st;
}

dp_status dp_history_add_step(dp_error *err, dp_history *h, const dp_step_record *r)
{
    dp_text line = {.err = err};
    format_step(&line, r);
    const dp_status st = write_line(err, h, &line);
    return st == DP_OK ? keep_step(err, h, r) : st;
}

dp_status dp_history_add_epoch(dp_error *err, dp_history *h, const dp_epoch_record *r)
{
    dp_text line = {.err = err};
    format_epoch(&line, r);
    const dp_status st = write_line(err, h, &line);
    return st == DP_OK ? keep_epoch(err, h, r) : st;
}

void dp_history_done(dp_history *h)
{
    if (h->file)
        fclose(h->file);
    dp_free(h->steps);
    dp_free(h->epochs);
    dp_free(h->path);
    *h = (dp_history){0};
}
