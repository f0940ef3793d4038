/* Feature Pyramid Network: Lin et al. 2017, in the form of the upstream detectors: no
 * activation, and mostly no norm; the level beyond the last map is every second cell of
 * the one before.
 */
#include "necks/neck.h"
#include "ops/conv.h"
#include "ops/pooling.h"
#include "ops/resize.h"

typedef struct fpn {
    int out_channels;
    int num_outs;
    bool norm;

    int inputs;
    dp_feature_spec specs[DP_MAX_LEVELS];
    dp_conv lateral[DP_MAX_LEVELS]; /* 1 x 1 */
    dp_conv output[DP_MAX_LEVELS];  /* 3 x 3 */
} fpn;

static const dp_param params[] = {
    DP_PARAM(fpn, out_channels, "256", 1, 16384, "channels of every output"),
    DP_PARAM(fpn, num_outs, "5", 1, DP_MAX_LEVELS,
             "outputs; those beyond the inputs are subsampled from the last"),
    DP_PARAM(fpn, norm, "false", 0, 0,
             "convolutions have a batch norm instead of a bias"),
    DP_PARAM_END,
};

/* Named by their strides, 2^2 to 2^9. */
static const char *const map_names[DP_MAX_LEVELS] = {"p2", "p3", "p4", "p5",
                                                     "p6", "p7", "p8", "p9"};

static void build_conv(const fpn *net, dp_builder *b, dp_conv *conv, const char *list,
                       int i, dp_conv_spec spec)
{
    const size_t outer = dp_builder_enter(b, "%s.%d.", list, i);
    spec.out = net->out_channels;
    spec.stride = 1;
    spec.padding = spec.kernel / 2;
    spec.name = "conv.";
    spec.norm = net->norm ? "bn." : NULL;
    spec.norm_eps = DP_BATCH_NORM_EPS;
    dp_conv_build(b, conv, &spec);
    dp_builder_leave(b, outer);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    fpn *net = self;
    if (net->num_outs < in->count)
        return dp_fail(
            b->err, DP_ECONFIG,
            "neck.num_outs: found %d, expected at least the backbone's %d maps",
            net->num_outs, in->count);
    for (int i = 1; i < in->count; i++)
        if (in->spec[i].stride != 2 * in->spec[i - 1].stride)
            return dp_fail(
                b->err, DP_ECONFIG,
                "neck fpn: found the backbone's maps %s and %s of strides %d and "
                "%d, expected each twice the one before",
                in->spec[i - 1].name, in->spec[i].name, in->spec[i - 1].stride,
                in->spec[i].stride);
    net->inputs = in->count;
    for (int i = 0; i < net->num_outs; i++) {
        const int stride =
            i < in->count ? in->spec[i].stride : net->specs[i - 1].stride * 2;
        net->specs[i] = (dp_feature_spec){map_names[i], net->out_channels, stride};
    }
    for (int i = 0; i < in->count; i++) {
        build_conv(net, b, &net->lateral[i], "lateral_convs", i,
                   (dp_conv_spec){.in = in->spec[i].channels, .kernel = 1});
        build_conv(net, b, &net->output[i], "fpn_convs", i,
                   (dp_conv_spec){.in = net->out_channels, .kernel = 3});
    }
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const fpn *net = self;
    dp_feature_specs specs = {.count = net->num_outs};
    for (int i = 0; i < net->num_outs; i++)
        specs.spec[i] = net->specs[i];
    return specs;
}

static dp_features forward(const void *self, dp_run *r, const dp_features *in)
{
    const fpn *net = self;
    const int last = net->inputs - 1;
    dp_features out = {.count = net->num_outs};
    for (int i = 0; i <= last; i++)
        out.map[i] = dp_run_tensor(r, 1, in->map[i].H, in->map[i].W, net->out_channels);

    const size_t mark = dp_run_mark(r);
    dp_tensor lateral[DP_MAX_LEVELS];
    for (int i = 0; i <= last; i++)
        lateral[i] = dp_conv_run(r, &net->lateral[i], in->map[i]);
    for (int i = last; i > 0; i--)
        dp_resize_nearest_add_run(r, lateral[i - 1], lateral[i]);
    for (int i = 0; i <= last; i++)
        dp_conv_run_into(r, &net->output[i], out.map[i], lateral[i]);
    dp_run_rewind(r, mark);

    for (int i = last + 1; i < net->num_outs; i++)
        out.map[i] = dp_pooling_subsample_run(r, out.map[i - 1], 2);
    for (int i = 0; i < net->num_outs; i++) {
        out.spec[i] = net->specs[i];
        dp_run_trace(r, out.spec[i].name, out.map[i]);
    }
    return out;
}

const dp_neck_def dp_neck_fpn = {
    .module = DP_MODULE(DP_MODULE_NECK, "fpn",
                        "Feature Pyramid Network, Lin et al. 2017", fpn, params, build),
    .describe = describe,
    .forward = forward,
};
