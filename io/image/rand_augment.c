#include "io/image/rand_augment.h"

#include "io/image/byte_table.h"
#include "io/image/enhance.h"

#include <string.h>

const dp_rand_augment dp_rand_augment_recipe = {.layers = 2,
                                                .probability = 0.5,
                                                .magnitude = 9,
                                                .deviation = 0.5,
                                                .filter = DP_AFFINE_BICUBIC,
                                                .fill = {104, 116, 124}};

/* One call of an operation. */
struct call {
    uint8_t *out;
    const uint8_t *in;
    dp_size size;
    double argument;
    dp_affine_filter filter;
    const uint8_t *fill;
};

/* ---- the operations -------------------------------------------------------------- */

static void look_up(const struct call *c, const dp_byte_table *t)
{
    dp_byte_table_run(c->out, c->in, c->size, t);
}

static void auto_contrast(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_auto_contrast(&t, c->in, c->size);
    look_up(c, &t);
}

static void equalize(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_equalize(&t, c->in, c->size);
    look_up(c, &t);
}

static void invert(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_solarize(&t, 0);
    look_up(c, &t);
}

static void posterize(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_posterize(&t, (int)c->argument);
    look_up(c, &t);
}

static void solarize(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_solarize(&t, (int)c->argument);
    look_up(c, &t);
}

static void solarize_add(const struct call *c)
{
    dp_byte_table t;
    dp_byte_table_build_solarize_add(&t, (int)c->argument);
    look_up(c, &t);
}

static void color(const struct call *c)
{
    dp_enhance_run(c->out, c->in, c->size, DP_ENHANCE_COLOR, c->argument);
}

static void contrast(const struct call *c)
{
    dp_enhance_run(c->out, c->in, c->size, DP_ENHANCE_CONTRAST, c->argument);
}

static void brightness(const struct call *c)
{
    dp_enhance_run(c->out, c->in, c->size, DP_ENHANCE_BRIGHTNESS, c->argument);
}

static void sharpness(const struct call *c)
{
    dp_enhance_run(c->out, c->in, c->size, DP_ENHANCE_SHARPNESS, c->argument);
}

static void move(const struct call *c, dp_affine map)
{
    dp_affine_run(c->out, c->in, c->size, &map, c->filter, c->fill);
}

static void rotate(const struct call *c)
{
    move(c, dp_affine_rotation(c->size, c->argument));
}

static void shear_x(const struct call *c)
{
    move(c, (dp_affine){{1, c->argument, 0, 0, 1, 0}});
}

static void shear_y(const struct call *c)
{
    move(c, (dp_affine){{1, 0, 0, c->argument, 1, 0}});
}

static void translate_x(const struct call *c)
{
    move(c, (dp_affine){{1, 0, c->argument * c->size.w, 0, 1, 0}});
}

static void translate_y(const struct call *c)
{
    move(c, (dp_affine){{1, 0, 0, 0, 1, c->argument * c->size.h}});
}

/* The argument is start + range * M, or start - range * M; `whole` cuts range * M to an
 * integer. */
static const struct operation {
    const char *name;
    void (*run)(const struct call *c);
    double start, range;
    bool whole, sign, geometric;
} operations[DP_AUGMENT_OPS] = {
    {"AutoContrast", auto_contrast, 0, 0, 0, 0, 0},
    {"Equalize", equalize, 0, 0, 0, 0, 0},
    {"Invert", invert, 0, 0, 0, 0, 0},
    {"Rotate", rotate, 0, 30, 0, 1, 1},
    {"PosterizeIncreasing", posterize, 4, -4, 1, 0, 0},
    {"SolarizeIncreasing", solarize, 256, -256, 1, 0, 0},
    {"SolarizeAdd", solarize_add, 0, 110, 1, 0, 0},
    {"ColorIncreasing", color, 1, 0.9, 0, 1, 0},
    {"ContrastIncreasing", contrast, 1, 0.9, 0, 1, 0},
    {"BrightnessIncreasing", brightness, 1, 0.9, 0, 1, 0},
    {"SharpnessIncreasing", sharpness, 1, 0.9, 0, 1, 0},
    {"ShearX", shear_x, 0, 0.3, 0, 1, 1},
    {"ShearY", shear_y, 0, 0.3, 0, 1, 1},
    {"TranslateXRel", translate_x, 0, 0.45, 0, 1, 1},
    {"TranslateYRel", translate_y, 0, 0.45, 0, 1, 1},
};

const char *dp_augment_name(dp_augment_op op)
{
    return operations[op].name;
}

bool dp_augment_has_sign(dp_augment_op op)
{
    return operations[op].sign;
}

bool dp_augment_is_geometric(dp_augment_op op)
{
    return operations[op].geometric;
}

double dp_augment_argument(dp_augment_op op, double magnitude, bool negative)
{
    const struct operation *o = &operations[op];
    const double level = magnitude / 10 * o->range;
    const double change = o->whole ? (double)(int)level : level;
    return o->start + (negative ? -change : change);
}

void dp_augment_run(dp_augment_op op, uint8_t *out, const uint8_t *in, dp_size size,
                    double argument, dp_affine_filter filter, const uint8_t fill[3])
{
    const struct call c = {out, in, size, argument, filter, fill};
    operations[op].run(&c);
}

/* ---- the policy ------------------------------------------------------------------ */

static void apply(dp_random *r, const dp_rand_augment *a, dp_augment_op op,
                  uint8_t *image, uint8_t *spare, dp_size size)
{
    if (a->probability < 1 && dp_random_unit(r) > a->probability)
        return;
    double magnitude = a->magnitude;
    if (a->deviation > 0)
        magnitude = dp_random_normal(r, magnitude, a->deviation);
    magnitude = magnitude < 0 ? 0 : magnitude > 10 ? 10 : magnitude;
    const bool negative = dp_augment_has_sign(op) && dp_random_unit(r) > 0.5;
    dp_affine_filter filter = a->filter;
    if (dp_augment_is_geometric(op) && a->any_filter)
        filter = dp_random_below(r, 2) ? DP_AFFINE_BICUBIC : DP_AFFINE_BILINEAR;
    memcpy(spare, image, (size_t)size.h * (size_t)size.w * 3);
    dp_augment_run(op, image, spare, size, dp_augment_argument(op, magnitude, negative),
                   filter, a->fill);
}

void dp_rand_augment_run(dp_random *r, const dp_rand_augment *a, uint8_t *image,
                         uint8_t *spare, dp_size size)
{
    int op[DP_AUGMENT_LAYERS];
    const int layers = a->layers < DP_AUGMENT_LAYERS ? a->layers : DP_AUGMENT_LAYERS;
    for (int i = 0; i < layers; i++)
        op[i] = dp_random_below(r, DP_AUGMENT_OPS);
    for (int i = 0; i < layers; i++)
        apply(r, a, (dp_augment_op)op[i], image, spare, size);
}
