/* include/densepred/segment.h: label maps and the probabilities behind them. */
#include "api/image.h"
#include "base/memory.h"
#include "core/label_map.h"
#include "io/data/probability_file.h"
#include "io/image/png.h"
#include "model/segmentor.h"

enum { LABELS = 256, ROWS = 16 };

dp_status dp_label_map_new(dp_context *ctx, dp_label_map **out)
{
    void *memory;
    const dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_label_map), "a label map");
    *out = memory;
    return st;
}

void dp_label_map_free(dp_label_map *map)
{
    if (!map)
        return;
    dp_label_map_done(map);
    dp_free(map);
}

int dp_label_map_height(const dp_label_map *map)
{
    return map->h;
}

int dp_label_map_width(const dp_label_map *map)
{
    return map->w;
}

const uint8_t *dp_label_map_labels(const dp_label_map *map)
{
    return map->labels;
}

int dp_label_map_shares(const dp_label_map *map, const dp_model *model,
                        dp_class_share *list, int room)
{
    dp_label_count counts[DP_LABELS];
    const int count = dp_label_map_count(map, model->dataset.count, counts);
    const double all = (double)map->h * map->w;

    for (int i = 0; i < count && i < room; i++)
        list[i] = (dp_class_share){counts[i].label, counts[i].pixels,
                                   (double)counts[i].pixels / all};
    return count;
}

dp_status dp_label_map_save(dp_context *ctx, const dp_label_map *map,
                            const dp_model *model, const char *path)
{
    dp_error *err = &ctx->err;
    dp_label_map numbers = {0};
    uint8_t number[LABELS] = {0};
    for (int i = 0; i < model->dataset.count; i++) {
        const dp_class *c = &model->dataset.list[i];
        if (i >= LABELS || c->id < 0 || c->id >= LABELS)
            return dp_fail(err, DP_EARG,
                           "data set %s: class %s: its number %d does not fit a label "
                           "map, which holds 0 to %d",
                           model->dataset.name, c->name, c->id, LABELS - 1);
        number[i] = (uint8_t)c->id;
    }
    dp_status st = dp_label_map_resize(err, &numbers, map->h, map->w);
    for (size_t i = 0; st == DP_OK && i < (size_t)map->h * (size_t)map->w; i++)
        numbers.labels[i] = number[map->labels[i]];
    if (st == DP_OK)
        st = dp_png_save_labels(err, path, &numbers, NULL, 0);
    dp_label_map_done(&numbers);
    return st;
}

/* ---- running ---------------------------------------------------------------------- */

dp_status dp_segment(dp_context *ctx, const dp_model *model, const dp_image *image,
                     dp_label_map *map)
{
    return dp_segmentor_run(ctx, model, &image->pixels, map);
}

/* What the context's last run left, if it was one of this segmentor. */
static dp_status last_result(dp_context *ctx, const dp_segmentor_result **result,
                             const dp_model *model)
{
    *result = dp_segmentor_last(ctx, model);
    return *result ? DP_OK
                   : dp_fail(&ctx->err, DP_EARG,
                             "probabilities: the context's last run was not this "
                             "model's dp_segment");
}

dp_status dp_segment_probabilities(dp_context *ctx, const dp_model *model, int y,
                                   int rows, float *out)
{
    const dp_segmentor_result *result;
    const dp_status st = last_result(ctx, &result, model);
    if (st != DP_OK)
        return st;
    if (y < 0 || rows < 0 || y > result->image.h - rows)
        return dp_fail(&ctx->err, DP_EARG,
                       "probabilities: rows %d to %d are not within the image's %d", y,
                       y + rows, result->image.h);
    dp_segmentor_probabilities(ctx, result, y, rows, out);
    return DP_OK;
}

/* Write all rows, some at a time. */
static dp_status put_rows(dp_context *ctx, dp_probability_file *file,
                          const dp_segmentor_result *s)
{
    const int h = s->image.h, w = s->image.w, K = s->K;
    void *memory;
    dp_status st = dp_alloc(&ctx->err, &memory, (size_t)ROWS * (size_t)w,
                            (size_t)K * sizeof(float), "rows of probabilities");
    for (int y = 0; y < h && st == DP_OK; y += ROWS) {
        const int rows = h - y < ROWS ? h - y : ROWS;
        dp_segmentor_probabilities(ctx, s, y, rows, memory);
        st = dp_probability_file_put(&ctx->err, file, y,
                                     (dp_tensor){memory, 1, rows, w, K});
    }
    dp_free(memory);
    return st;
}

dp_status dp_segment_save_probabilities(dp_context *ctx, const dp_model *model,
                                        const char *path)
{
    const dp_segmentor_result *s;
    dp_probability_file file;
    dp_status st = last_result(ctx, &s, model);
    if (st != DP_OK)
        return st;
    st = dp_probability_file_open(&ctx->err, &file, path, "probability", s->K,
                                  s->image.h, s->image.w);
    if (st == DP_OK)
        st = put_rows(ctx, &file, s);
    return dp_probability_file_close(&ctx->err, &file, st);
}
