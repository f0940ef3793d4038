/* densepred features - the feature maps of one image, as safetensors */
#include "cli/cli.h"
#include "cli/input_image.h"
#include "cli/options.h"
#include "cli/session.h"

static int save(dp_session *s, const dp_feature_options *wanted, const dp_image *image,
                const char *out)
{
    dp_feature_maps *maps;
    dp_subject subject = DP_SUBJECT_INPUT;
    dp_status st = dp_feature_maps_new(s->ctx, &maps);
    if (st == DP_OK)
        st = dp_extract(s->ctx, s->model, image, wanted, maps);
    if (st == DP_OK) {
        subject = DP_SUBJECT_OUTPUT;
        st = dp_feature_maps_save(s->ctx, maps, out);
    }
    dp_feature_maps_free(maps);
    if (st != DP_OK)
        dp_cli_say("%s", dp_context_error(s->ctx));
    return dp_cli_status(st, subject);
}

static int run(dp_session *s, const dp_feature_options *wanted, const char *input,
               const char *out)
{
    dp_error err = {0};
    dp_image *image;
    if (dp_input_image_load(&err, s->ctx, &image, input) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_INPUT);
    const int status = save(s, wanted, image, out);
    dp_image_free(image);
    return status;
}

int dp_cli_features(int argc, char **argv)
{
    dp_common_options common = {0};
    bool neck = false, input = false, all = false;
    const dp_option options[] = {
        DP_OPTIONS_MODEL(&common),
        DP_TEXT("out", 'o', "FILE", &common.out, "the .safetensors file to write"),
        DP_FLAG("neck", 0, &neck, "the neck's maps too: p2, p3, ..."),
        DP_FLAG("input", 0, &input, "the network's input too"),
        DP_FLAG("all", 0, &all, "every named intermediate: proposals, logits, ..."),
        DP_OPTIONS_MACHINE(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage =
        DP_USAGE("features", "MODEL INPUT", 2, 2, options,
                 "Writes an image's feature maps, float32 in the order N, C, H, W.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (!common.out)
        return dp_cli_usage("features needs --out FILE");
    dp_session s;
    status = dp_session_open(&s, &common, args.item[0], true, NULL);
    if (status == DP_EXIT_OK) {
        const dp_feature_options wanted = {.neck = neck, .input = input, .all = all};
        status = run(&s, &wanted, args.item[1], common.out);
        dp_session_close(&s);
    }
    return status;
}
