/* tour.c - what else libdensepred does: models by name, windows, feature maps, files
 *
 *     cc tour.c $(pkg-config --cflags --libs densepred) -o tour
 *     ./tour CONFIGS MODEL CHECKPOINT IMAGE
 *
 * Writes features.safetensors, out.csv and overlay.jpg into the current folder.
 */
#include <densepred.h>

#include <stdio.h>

static dp_context *ctx;
static dp_model *model;
static dp_image *image;
static dp_detections *found;

static int failed(const char *step, dp_status st)
{
    if (st == DP_OK)
        return 0;
    fprintf(stderr, "%s: %s\n", step, dp_context_error(ctx));
    return 1;
}

static int list_models(const char *configs)
{
    dp_model_list *list;
    const dp_status st = dp_model_list_load(ctx, &list, configs);
    if (st == DP_OK)
        printf("%d models, first %s\n", (int)dp_model_list_count(list),
               dp_model_list_get(list, 0));
    dp_model_list_free(list);
    return failed("list", st);
}

static int load(char **argv)
{
    static dp_load_options options; /* all zero */
    options.configs = argv[1];
    return failed("load", dp_model_load(ctx, &model, argv[2], argv[3], &options)) ||
           failed("image", dp_image_load(ctx, &image, argv[4])) ||
           failed("new", dp_detections_new(ctx, &found));
}

/* In windows, without masks, the three best. */
static int detect(void)
{
    static dp_detect_options options; /* all zero */
    options.boxes_only = 1;
    options.tile = 64;
    options.overlap = 0.25F;
    options.most = 3;
    if (failed("detect", dp_detect_with(ctx, model, image, &options, found)))
        return 1;
    printf("%d objects, mask of %d bytes\n", (int)dp_detections_count(found),
           (int)dp_detections_format_rle(found, 0, NULL, 0));
    return 0;
}

static int take_features(void)
{
    static dp_feature_options options; /* all zero */
    dp_feature_maps *maps;
    options.neck = 1;
    if (failed("features", dp_feature_maps_new(ctx, &maps)))
        return 1;
    dp_status st = dp_extract(ctx, model, image, &options, maps);
    if (st == DP_OK)
        printf("%d maps, first %s\n", (int)dp_feature_maps_count(maps),
               dp_feature_maps_get(maps, 0).name);
    if (st == DP_OK)
        st = dp_feature_maps_save(ctx, maps, "features.safetensors");
    dp_feature_maps_free(maps);
    return failed("features", st);
}

static int write(void)
{
    dp_results *results;
    static dp_result_image about; /* all zero */
    about.file_name = "image.png";
    about.id = 7;
    if (failed("open", dp_results_open(ctx, &results, "csv", "out.csv")))
        return 1;
    const dp_status st = dp_results_add(ctx, results, model, found, &about);
    if (st != DP_OK) {
        dp_results_free(results);
        return failed("add", st);
    }
    return failed("close", dp_results_close(ctx, results)) ||
           failed("draw", dp_image_draw_detections(ctx, image, model, found, 0)) ||
           failed("save", dp_image_save(ctx, image, "overlay.jpg", 0));
}

int main(int argc, char **argv)
{
    int status = 1;
    if (argc != 5 || dp_context_new(&ctx, NULL) != DP_OK)
        return 2;
    if (!list_models(argv[1]) && !load(argv))
        status = detect() || take_features() || write();
    dp_detections_free(found);
    dp_image_free(image);
    dp_model_free(model);
    dp_context_free(ctx);
    return status;
}
