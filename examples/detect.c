/* detect.c - a whole program on libdensepred: prints the objects in an image
 *
 *     cc detect.c $(pkg-config --cflags --libs densepred) -o detect
 *     ./detect MODEL CHECKPOINT IMAGE
 */
#include <densepred.h>

#include <stdio.h>

static void print_objects(const dp_model *model, const dp_detections *found)
{
    size_t i;
    for (i = 0; i < dp_detections_count(found); i++) {
        const dp_object o = dp_detections_get(found, i);
        printf("%-12s %.3f  %8.1f %8.1f %8.1f %8.1f\n",
               dp_model_class_name(model, o.label), (double)o.score, (double)o.x1,
               (double)o.y1, (double)o.x2, (double)o.y2);
    }
}

int main(int argc, char **argv)
{
    dp_context *ctx = NULL;
    dp_model *model = NULL;
    dp_image *image = NULL;
    dp_detections *found = NULL;
    dp_status status;

    if (argc != 4) {
        fprintf(stderr, "usage: detect MODEL CHECKPOINT IMAGE\n");
        return 2;
    }
    status = dp_context_new(&ctx, NULL);
    if (status != DP_OK) {
        fprintf(stderr, "detect: %s\n", dp_status_text(status));
        return 1;
    }
    status = dp_model_load(ctx, &model, argv[1], argv[2], NULL);
    if (status == DP_OK)
        status = dp_image_load(ctx, &image, argv[3]);
    if (status == DP_OK)
        status = dp_detections_new(ctx, &found);
    if (status == DP_OK)
        status = dp_detect(ctx, model, image, found);

    if (status == DP_OK)
        print_objects(model, found);
    else
        fprintf(stderr, "detect: %s\n", dp_context_error(ctx));

    dp_detections_free(found);
    dp_image_free(image);
    dp_model_free(model);
    dp_context_free(ctx);
    return status == DP_OK ? 0 : 1;
}
