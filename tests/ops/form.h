/* form.h - a random case of each operator of ops.def
 *
 * An operator without a function for its case does not link.
 */
#ifndef DP_TESTS_OPS_FORM_H
#define DP_TESTS_OPS_FORM_H

#include "ops/concat_conv.h"
#include "ops/convnext_block.h"
#include "ops/deconv.h"
#include "ops/depthwise.h"
#include "ops/layer_norm.h"
#include "ops/mask_logits.h"
#include "ops/mlp.h"
#include "ops/patch_merging.h"
#include "ops/pooling.h"
#include "ops/resize.h"
#include "ops/window_attention.h"
#include "tests/support/forward.h"

enum { FORM_INPUTS = 4, FORM_INSTANCES = 12 };

enum {
#define OPERATOR(name, form) FORM_##name,
#include "ops/ops.def"
#undef OPERATOR
    FORMS
};

typedef struct form form;

struct form {
    forward f;
    uint64_t seed;
    int number; /* of the instance */
    dp_store store;
    dp_parameters parameters;
    dp_builder b;

    /* of the maker */
    dp_tensor x[FORM_INPUTS]; /* owned data */
    int labels[2];
    dp_tensor (*run)(const form *f, dp_run *r);
    bool by_tiles; /* the relative error counts */
    union {
        dp_conv conv[3];
        dp_concat_conv concat;
        dp_deconv deconv;
        dp_depthwise depthwise;
        dp_linear linear;
        dp_layer_norm norm;
        dp_mask_logits logits;
        dp_convnext_block block;
        dp_mlp mlp;
        dp_window_attention attention;
        dp_patch_merging merging;
    } op;
    int shift, out; /* of an attention; a size or a number of bins */

    dp_tensor fused, plain;
};

const char *form_name(int operator_);

/* Instance `number`, in [0, FORM_INSTANCES), of an operator. */
void form_init(form *f, int operator_, int number);
void form_done(form *f);

#endif
