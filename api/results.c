/* include/densepred/results.h: results as files. */
#include "densepred/results.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/data/label_studio.h"
#include "io/data/labelme.h"
#include "io/data/results.h"
#include "io/data/yolo.h"
#include "model/model.h"

#include <string.h>

/* ---- files of many images ------------------------------------------------------- */

struct dp_results {
    dp_atomic_file file; /* not open on a stream of the caller's */
    dp_results_writer writer;
    bool own; /* file is open */
};

static dp_status find_format(dp_error *err, dp_results_format *out, const char *name)
{
    static const char *const names[] = {[DP_RESULTS_COCO] = "coco",
                                        [DP_RESULTS_CSV] = "csv",
                                        [DP_RESULTS_CLASSES] = "classes",
                                        [DP_RESULTS_FRAMES] = "frames",
                                        [DP_RESULTS_COCO_DATASET] = "coco-dataset",
                                        [DP_RESULTS_LABEL_STUDIO] = "labelstudio",
                                        [DP_RESULTS_LABELS] = "labels"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (dp_results_format)i;
            return DP_OK;
        }
    return dp_fail(err, DP_EARG,
                   "results: unknown format '%s'; it is coco, csv, classes, "
                   "frames, coco-dataset, labelstudio or labels",
                   name);
}

/* At `path`, or when that is NULL on the stream. */
static dp_status open(dp_error *err, dp_results **out, const char *format,
                      const char *path, FILE *stream, const char *name)
{
    dp_results_format kind = DP_RESULTS_COCO;
    void *memory = NULL;
    *out = NULL;
    dp_status st = find_format(err, &kind, format);
    if (st == DP_OK)
        st = dp_alloc(err, &memory, 1, sizeof(dp_results), "a file of results");
    if (st != DP_OK)
        return st;
    dp_results *results = memory;
    if (path)
        st = dp_atomic_file_open(err, &results->file, path);
    if (st != DP_OK) {
        dp_free(results);
        return st;
    }
    results->own = path != NULL;
    dp_results_writer_init(&results->writer, kind, path ? results->file.stream : stream,
                           path ? results->file.path : name);
    *out = results;
    return DP_OK;
}

dp_status dp_results_open(dp_context *ctx, dp_results **out, const char *format,
                          const char *path)
{
    return open(&ctx->err, out, format, path, NULL, NULL);
}

dp_status dp_results_open_stream(dp_context *ctx, dp_results **out, const char *format,
                                 FILE *stream, const char *name)
{
    return open(&ctx->err, out, format, NULL, stream, name);
}

static dp_found found_of(const dp_detections *found, const dp_model *model,
                         const dp_result_image *image)
{
    return (dp_found){.detections = found,
                      .dataset = &model->dataset,
                      .file_name = image->file_name,
                      .image_id = image->id,
                      .score_thr = image->score_thr,
                      .polygon_tolerance = image->polygon_tolerance,
                      .yolo_scores = image->yolo_scores};
}

typedef enum kind { DETECTIONS, CLASSES, LABELS } kind;

static dp_status check_kind(dp_context *ctx, const dp_results *results, kind wish)
{
    static const char *const names[] = {"detections", "classes", "labels"};
    const dp_results_format format = results->writer.format;
    const kind has = format == DP_RESULTS_CLASSES  ? CLASSES
                     : format == DP_RESULTS_LABELS ? LABELS
                                                   : DETECTIONS;
    return has == wish ? DP_OK
                       : dp_fail(&ctx->err, DP_EARG, "%s: a file of %s cannot hold %s",
                                 results->writer.name, names[has], names[wish]);
}

dp_status dp_results_add(dp_context *ctx, dp_results *results, const dp_model *model,
                         const dp_detections *found, const dp_result_image *image)
{
    const dp_found all = found_of(found, model, image);
    const dp_status st = check_kind(ctx, results, DETECTIONS);
    return st == DP_OK ? dp_results_writer_add(&ctx->err, &results->writer, &all) : st;
}

dp_status dp_results_add_classes(dp_context *ctx, dp_results *results,
                                 const dp_model *model, const dp_class_score *best,
                                 int count, const dp_result_image *image)
{
    const dp_status st = check_kind(ctx, results, CLASSES);
    return st == DP_OK ? dp_results_writer_add_classes(&ctx->err, &results->writer,
                                                       &model->dataset, best, count,
                                                       image->file_name)
                       : st;
}

dp_status dp_results_add_labels(dp_context *ctx, dp_results *results,
                                const dp_model *model, const dp_label_map *map,
                                const dp_result_image *image)
{
    if (results->writer.format != DP_RESULTS_FRAMES) {
        const dp_status st = check_kind(ctx, results, LABELS);
        if (st != DP_OK)
            return st;
    }
    return dp_results_writer_add_labels(&ctx->err, &results->writer, &model->dataset,
                                        map, image->file_name, image->id);
}

void dp_results_free(dp_results *results)
{
    if (!results)
        return;
    dp_atomic_file_abandon(&results->file);
    dp_results_writer_done(&results->writer);
    dp_free(results);
}

dp_status dp_results_close(dp_context *ctx, dp_results *results)
{
    dp_status st = dp_results_writer_end(&ctx->err, &results->writer);
    if (st == DP_OK && results->own)
        st = dp_atomic_file_commit(&ctx->err, &results->file);
    dp_results_free(results);
    return st;
}

/* ---- files of one image ------------------------------------------------------------ */

dp_status dp_detections_save(dp_context *ctx, const dp_detections *found,
                             const dp_model *model, const char *format,
                             const char *path, const dp_result_image *image)
{
    const dp_found all = found_of(found, model, image);
    if (strcmp(format, "yolo") == 0)
        return dp_yolo_save(&ctx->err, path, &all);
    if (strcmp(format, "labelme") == 0)
        return dp_labelme_save(&ctx->err, path, &all);
    return dp_fail(&ctx->err, DP_EARG,
                   "results: unknown format '%s'; it is yolo or labelme", format);
}

dp_status dp_model_save_label_interface(dp_context *ctx, const dp_model *model,
                                        const char *path)
{
    return dp_label_studio_save_interface(&ctx->err, path, &model->dataset);
}

dp_status dp_model_save_class_names(dp_context *ctx, const dp_model *model,
                                    const char *path)
{
    return dp_yolo_save_classes(&ctx->err, path, &model->dataset);
}
