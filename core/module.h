/* module.h - what all parts of a model have in common, and the one list of them
 *
 * A module is data: a constant definition in a file of its own and a line in the list
 * (model/modules.c). Finding a type, parsing its parameters, building it,
 * `densepred config --explain` and the tests of tables and configs come from the list.
 *
 * Each kind has a type of its own, whose first member is a dp_module: dp_backbone_def
 * (backbone/backbone.h), dp_neck_def (necks/neck.h), dp_box_head_def and others
 * (heads/head.h), dp_model_def (model/model.h). A config names one by its "type".
 */
#ifndef DP_CORE_MODULE_H
#define DP_CORE_MODULE_H

#include "core/builder.h"
#include "core/features.h"
#include "core/params.h"

typedef enum dp_module_kind {
    DP_MODULE_BACKBONE,
    DP_MODULE_NECK,
    DP_MODULE_PROPOSAL_HEAD,
    DP_MODULE_BOX_HEAD,
    DP_MODULE_MASK_HEAD,
    DP_MODULE_DECODE_HEAD,
    DP_MODULE_AUXILIARY_HEAD, /* of training only */
    DP_MODULE_CLASS_HEAD,
    DP_MODULE_MODEL
} dp_module_kind;

typedef struct dp_module dp_module;

struct dp_module {
    dp_module_kind kind;
    const char *name; /* the config's "type" */
    const char *summary;
    size_t size; /* of the instance: zeroed, then filled by its parameter table */
    const dp_param *params;

    /* Check what the table cannot (DP_ECONFIG with sentence), load and pack the weights
     * of the current scope, for maps as `in` describes them: of a backbone the image, of
     * a model the backbone's maps. A tensor that does not fit is noted in b. `module` is
     * the definition itself, for builds that several definitions share. */
    dp_status (*build)(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in);
};

/* The first member of a definition. */
#define DP_MODULE(kind, name, summary, instance, params, build) \
    {                                                           \
        kind, name, summary, sizeof(instance), params, build    \
    }

/* All of them, ended by NULL. A program that links a list of its own uses that. */
extern const dp_module *const dp_modules[];

/* "backbone", "box head". */
const char *dp_module_kind_name(dp_module_kind kind);

/* The config's section that has its keys: "backbone", "bbox_head", of a model "test". */
const char *dp_module_kind_section(dp_module_kind kind);

/* NULL when there is none of this kind and name. */
const dp_module *dp_module_find(dp_module_kind kind, const char *name);

/* A module as a part of a model: its definition and its built instance. */
typedef struct dp_part {
    const dp_module *module; /* NULL: the model has no such part */
    void *self;              /* in the model's store */
} dp_part;

/* The module that the config names: by the "type" of the kind's section ("neck"; of a
 * model by the config's own). A proposal head is an "rpn" and a mask head an "fcn" when
 * the section does not say. DP_ECONFIG: the section or the type is missing or unknown. */
dp_status dp_module_choose(dp_error *err, const dp_module **out,
                           const dp_config *config, dp_module_kind kind) DP_MUST_CHECK;

/* Refuse a key at the top of the config that is no kind's section and nothing else that a
 * model reads. DP_ECONFIG with file, key and the nearest key that is known. */
dp_status dp_module_check_keys(dp_error *err, const dp_config *config) DP_MUST_CHECK;

/* After the model is made: refuse a section that no module of it was made from, and that was not
 * skipped. DP_ECONFIG with file and section. */
dp_status dp_module_check_sections(const dp_builder *b) DP_MUST_CHECK;

/* Make the instance of `module` from b->config: take it from the model's store, parse the
 * kind's section (a model's is "test"), and build it in the kind's scope ("neck.").
 * DP_ECONFIG, DP_ENOMEM. */
dp_status dp_module_make(dp_builder *b, dp_part *out, const dp_module *module,
                         const dp_feature_specs *in) DP_MUST_CHECK;

/* dp_module_choose, then dp_module_make. */
dp_status dp_module_build(dp_builder *b, dp_part *out, dp_module_kind kind,
                          const dp_feature_specs *in) DP_MUST_CHECK;

/* Build nothing of this kind, which the model has in training only: its section, if there is
 * one, is checked, and its weights are known and unused. DP_ECONFIG, DP_ENOMEM. */
dp_status dp_module_skip(dp_builder *b, dp_module_kind kind) DP_MUST_CHECK;

/* Whether the builder's config has a section for this kind. */
bool dp_module_is_wanted(const dp_builder *b, dp_module_kind kind);

#endif
