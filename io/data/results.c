#include "io/data/results.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "io/data/coco_dataset.h"
#include "io/data/label_studio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void dp_results_writer_init(dp_results_writer *w, dp_results_format format,
                            FILE *stream, const char *name)
{
    *w = (dp_results_writer){.format = format, .stream = stream, .name = name};
}

void dp_results_writer_done(dp_results_writer *w)
{
    dp_text_done(&w->text);
    dp_text_done(&w->images);
    dp_outline_done(&w->outline);
    dp_free(w->string);
    *w = (dp_results_writer){0};
}

dp_status dp_results_save(dp_error *err, const char *path, const dp_text *t)
{
    dp_atomic_file file;
    if (t->status != DP_OK)
        return t->status;
    const dp_status st = dp_atomic_file_open(err, &file, path);
    if (st != DP_OK)
        return st;
    dp_atomic_file_write(err, &file, dp_text_get(t), t->size); /* commit tells */
    return dp_atomic_file_commit(err, &file);
}

void dp_results_add_name(dp_text *t, const char *name)
{
    if (dp_utf8_is_valid(name, strlen(name))) {
        dp_text_add_quoted(t, name);
        return;
    }
    dp_text_add(t, "\"");
    for (const char *p = name; *p; p++) {
        const bool plain = *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\';
        dp_text_add(t, "%c", plain ? *p : '?');
    }
    dp_text_add(t, "\"");
}

/* A number with a point or an exponent, so that it reads back as a real one. */
static void add_real(dp_text *t, double value)
{
    const size_t from = t->size;
    dp_text_add_double(t, value);
    if (t->status == DP_OK && !strpbrk(t->data + from, ".en"))
        dp_text_add(t, ".0");
}

/* The mask's string with its backslashes doubled: its alphabet has no other character
 * that JSON escapes. */
static void add_counts(dp_results_writer *w, const dp_rle *mask)
{
    const size_t size = dp_rle_string_size(mask->counts, mask->count);

    if (w->text.status != DP_OK)
        return;
    w->text.status = dp_grow(w->text.err, &w->string, &w->string_capacity, 2 * size + 1,
                             1, "a mask's text");
    if (w->text.status != DP_OK)
        return;
    /* Formatted in the back half, escaped to the front; the front never overtakes. */
    char *from = w->string + size, *to = w->string;
    dp_rle_format(from, mask->counts, mask->count);
    for (; *from; from++) {
        if (*from == '\\')
            *to++ = '\\';
        *to++ = *from;
    }
    *to = '\0';
    dp_text_add(&w->text, "%s", w->string);
}

static void add_coco_record(dp_results_writer *w, const dp_found *f, size_t i)
{
    const dp_detection *d = &f->detections->list[i];
    const dp_rle mask = dp_detections_mask(f->detections, i);
    dp_text *t = &w->text;

    dp_text_add(t, "%s{\"image_id\": %lld, ", w->records > 0 ? ", " : "",
                (long long)f->image_id);
    if (f->file_name) {
        dp_text_add(t, "\"file_name\": ");
        dp_results_add_name(t, f->file_name);
        dp_text_add(t, ", ");
    }
    dp_text_add(t, "\"bbox\": [");
    add_real(t, (double)d->box.x1);
    dp_text_add(t, ", ");
    add_real(t, (double)d->box.y1);
    dp_text_add(t, ", ");
    add_real(t, (double)d->box.x2 - (double)d->box.x1);
    dp_text_add(t, ", ");
    add_real(t, (double)d->box.y2 - (double)d->box.y1);
    dp_text_add(t, "], \"score\": ");
    add_real(t, (double)d->score);
    dp_text_add(t, ", \"category_id\": %d", f->dataset->list[d->label].id);
    if (mask.count > 0) {
        dp_text_add(t, ", \"segmentation\": {\"size\": [%d, %d], \"counts\": \"",
                    mask.h, mask.w);
        add_counts(w, &mask);
        dp_text_add(t, "\"}");
    }
    dp_text_add(t, "}");
    w->records++;
}

static void add_coco_image(dp_results_writer *w, const dp_found *f)
{
    const dp_detections *found = f->detections;
    for (int label = 0; label < f->dataset->count; label++)
        for (size_t i = 0; i < found->count; i++)
            if (found->list[i].label == label && found->list[i].score >= f->score_thr)
                add_coco_record(w, f, i);
}

static void add_frame(dp_results_writer *w, const dp_found *f)
{
    const size_t before = w->records;
    dp_text_add(&w->text, "{\"frame\": %lld, \"detections\": [",
                (long long)f->image_id);
    w->records = 0; /* commas stand within a line */
    add_coco_image(w, f);
    w->records += before;
    dp_text_add(&w->text, "]}\n");
}

/* A field, quoted where RFC 4180 asks for it. */
static void add_field(dp_text *t, const char *value)
{
    if (!strpbrk(value, ",\"\r\n")) {
        dp_text_add(t, "%s", value);
        return;
    }
    dp_text_add(t, "\"");
    for (const char *p = value; *p; p++)
        dp_text_add(t, *p == '"' ? "\"\"" : "%c", *p);
    dp_text_add(t, "\"");
}

static void add_csv_image(dp_results_writer *w, const dp_found *f)
{
    dp_text *t = &w->text;

    for (size_t i = 0; i < f->detections->count; i++) {
        const dp_detection *d = &f->detections->list[i];
        const dp_rle mask = dp_detections_mask(f->detections, i);
        const float numbers[] = {d->score, d->box.x1, d->box.y1, d->box.x2, d->box.y2};
        if (!(d->score >= f->score_thr))
            continue;
        add_field(t, f->file_name ? f->file_name : "");
        dp_text_add(t, ",%lld,", (long long)f->image_id);
        add_field(t, f->dataset->list[d->label].name);
        dp_text_add(t, ",%d", f->dataset->list[d->label].id);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            dp_text_add(t, ",");
            dp_text_add_float(t, numbers[k]);
        }
        dp_text_add(t, ",");
        if (mask.count > 0)
            dp_text_add(t, "%llu", (unsigned long long)dp_rle_area(&mask));
        dp_text_add(t, "\n");
        w->records++;
    }
}

static void add_classes(dp_results_writer *w, const dp_dataset *dataset,
                        const dp_class_score *best, int count, const char *file_name)
{
    dp_text *t = &w->text;

    dp_text_add(t, "%s{\"file_name\": ", w->records > 0 ? ",\n " : "");
    dp_results_add_name(t, file_name ? file_name : "");
    dp_text_add(t, ", \"classes\": [");
    for (int i = 0; i < count; i++) {
        const dp_class *c = &dataset->list[best[i].label];
        dp_text_add(t, "%s{\"id\": %d, \"name\": ", i > 0 ? ", " : "", c->id);
        dp_text_add_quoted(t, c->name);
        dp_text_add(t, ", \"score\": ");
        dp_text_add_float(t, best[i].score);
        dp_text_add(t, "}");
    }
    dp_text_add(t, "]}");
    w->records++;
}

/* The classes that occur. */
static void add_shares(dp_text *t, const dp_dataset *dataset, const dp_label_map *m)
{
    dp_label_count counts[DP_LABELS];
    const int count = dp_label_map_count(m, dataset->count, counts);
    const double all = (double)m->h * m->w;

    for (int i = 0; i < count; i++) {
        const dp_class *c = &dataset->list[counts[i].label];
        dp_text_add(t, "%s{\"id\": %d, \"name\": ", i > 0 ? ", " : "", c->id);
        dp_text_add_quoted(t, c->name);
        dp_text_add(t, ", \"pixels\": %zu, \"share\": ", counts[i].pixels);
        dp_text_add_double(t, (double)counts[i].pixels / all);
        dp_text_add(t, "}");
    }
}

static void add_labels(dp_results_writer *w, const dp_dataset *dataset,
                       const dp_label_map *m, const char *file_name, int64_t id)
{
    const bool frame = w->format == DP_RESULTS_FRAMES;
    dp_text *t = &w->text;

    if (frame)
        dp_text_add(t, "{\"frame\": %lld", (long long)id);
    else {
        dp_text_add(t, "%s{\"file_name\": ", w->records > 0 ? ",\n " : "");
        dp_results_add_name(t, file_name ? file_name : "");
        dp_text_add(t, ", \"height\": %d, \"width\": %d", m->h, m->w);
    }
    dp_text_add(t, ", \"classes\": [");
    add_shares(t, dataset, m);
    dp_text_add(t, frame ? "]}\n" : "]}");
    w->records++;
}

/* ---- formats ---------------------------------------------------------------------- */

static void add_dataset_image(dp_results_writer *w, const dp_found *f)
{
    dp_coco_dataset_add(&w->text, &w->images, &w->outline, &w->records, f);
}

static void add_label_studio_image(dp_results_writer *w, const dp_found *f)
{
    dp_label_studio_add(&w->text, &w->outline, &w->records, f);
}

/* What a file begins and ends with (NULL: it takes more than a text), and how an image is
 * added (NULL: not as detections). */
static const struct {
    const char *begin, *end;
    void (*add)(dp_results_writer *w, const dp_found *f);
} formats[] = {
    [DP_RESULTS_COCO] = {"[", "]\n", add_coco_image},
    [DP_RESULTS_CSV] = {"file_name,image_id,class,category_id,score,x1,y1,x2,y2,"
                        "mask_area\n",
                        "", add_csv_image},
    [DP_RESULTS_CLASSES] = {"[", "]\n", NULL},
    [DP_RESULTS_FRAMES] = {"", "", add_frame},
    [DP_RESULTS_COCO_DATASET] = {NULL, NULL, add_dataset_image},
    [DP_RESULTS_LABEL_STUDIO] = {"[", "\n]\n", add_label_studio_image},
    [DP_RESULTS_LABELS] = {"[", "]\n", NULL},
};

/* What stands before the first record. `dataset` is NULL when there is none to come. */
static void add_begin(dp_results_writer *w, const dp_dataset *dataset)
{
    if (w->begun)
        return;
    w->begun = true;
    if (w->format == DP_RESULTS_COCO_DATASET)
        dp_coco_dataset_begin(&w->text, dataset);
    else
        dp_text_add(&w->text, "%s", formats[w->format].begin);
}

static void add_end(dp_results_writer *w)
{
    if (w->format == DP_RESULTS_COCO_DATASET)
        dp_coco_dataset_end(&w->text, &w->images);
    else
        dp_text_add(&w->text, "%s", formats[w->format].end);
}

static dp_status refused(dp_error *err, const dp_results_writer *w)
{
    return dp_fail(err, DP_EIO, "%s: cannot write: %s", w->name,
                   errno ? strerror(errno) : "unknown reason");
}

/* Write the text out and empty it; its memory stays. */
static dp_status put(dp_error *err, dp_results_writer *w)
{
    const size_t size = w->text.size;
    if (w->text.status != DP_OK)
        return w->text.status;
    w->text.size = 0;
    errno = 0;
    if (size > 0 && fwrite(w->text.data, 1, size, w->stream) != size)
        return refused(err, w);
    return DP_OK;
}

dp_status dp_results_writer_add(dp_error *err, dp_results_writer *w,
                                const dp_found *found)
{
    w->text.err = w->images.err = err;
    add_begin(w, found->dataset);
    formats[w->format].add(w, found);
    return put(err, w);
}

dp_status dp_results_writer_add_classes(dp_error *err, dp_results_writer *w,
                                        const dp_dataset *dataset,
                                        const dp_class_score *best, int count,
                                        const char *file_name)
{
    w->text.err = err;
    add_begin(w, dataset);
    add_classes(w, dataset, best, count, file_name);
    return put(err, w);
}

dp_status dp_results_writer_add_labels(dp_error *err, dp_results_writer *w,
                                       const dp_dataset *dataset,
                                       const dp_label_map *labels,
                                       const char *file_name, int64_t id)
{
    w->text.err = err;
    add_begin(w, dataset);
    add_labels(w, dataset, labels, file_name, id);
    return put(err, w);
}

dp_status dp_results_writer_end(dp_error *err, dp_results_writer *w)
{
    w->text.err = w->images.err = err;
    add_begin(w, NULL);
    add_end(w);
    const dp_status st = put(err, w);
    if (st == DP_OK && fflush(w->stream) != 0)
        return refused(err, w);
    return st;
}
