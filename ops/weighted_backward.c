/* The gradients of the steps of weighted.h. */
#include "ops/column_sums.h"
#include "ops/step_backward.h"
#include "ops/step_conv.h"
#include "ops/weighted.h"

/* A step and its gradients, for sums. */
typedef struct back {
    const dp_step *s;
    const dp_step_gradients *g;
} back;

/* ---- biases ----------------------------------------------------------------------- */

static void bias_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const back *b = arg;
    const size_t C = (size_t)b->s->y.C;
    const float *dy = b->g->dy + first * C;
    for (size_t i = 0; i < count; i++, dy += C)
        for (size_t c = 0; c < C; c++)
            sums[c] += (double)dy[c];
}

void dp_step_bias_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const back b = {s, g};
    if (!dp_parameter_gradient(g->of, s->bias))
        return;
    const double *sums = dp_column_sums(r, dp_tensor_rows(s->y), DP_COLUMN_GRAIN,
                                        (size_t)s->y.C, bias_sums, &b);
    if (!r->dry)
        dp_parameter_add(g, s->bias, sums, (size_t)s->y.C);
}

/* ---- fully connected layers and convolutions -------------------------------------- */

static void conv_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const dp_step_conv c = dp_step_conv_of(s);
    float *dweight = dp_parameter_gradient(g->of, s->weight);
    if (g->dx[0])
        dp_step_conv_spread(r, &c, g->dx[0], g->dy, NULL, true);
    if (dweight)
        dp_step_conv_weight(r, &c, dweight, s->x[0].data, g->dy);
    dp_step_bias_back(r, s, g);
}

void dp_step_linear_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    conv_back(r, s, g);
}

void dp_step_conv_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    conv_back(r, s, g);
}

void dp_step_deconv_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const dp_step_conv c = dp_step_conv_of(s);
    float *dweight = dp_parameter_gradient(g->of, s->weight);
    if (g->dx[0])
        dp_step_conv_gather(r, &c, g->dx[0], g->dy, NULL, true);
    if (dweight)
        dp_step_conv_weight(r, &c, dweight, g->dy, s->x[0].data);
    dp_step_bias_back(r, s, g);
}
