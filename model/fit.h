/* fit.h - the shipped config that fits a checkpoint, and what it must change for it
 *
 * Every shipped config is laid beside the tensors: their names, by its name maps, and their
 * shapes. The number of classes and the settings of the backbone are read from the shapes,
 * so a config fits that differs in nothing else.
 */
#ifndef DP_MODEL_FIT_H
#define DP_MODEL_FIT_H

#include "core/config.h"
#include "core/mismatches.h"
#include "core/named_tensor.h"
#include "model/context.h"

/* What is known of a checkpoint beside its tensors. */
typedef struct dp_fit_hints {
    const char *file_name; /* NULL: not known */

    /* Sections of a config as the checkpoint's training had them, {"input": {...}}; of the
     * configs that fit, the one with the fewest differences is chosen, and these are
     * changed. NULL: nothing is known. */
    const cJSON *settings;
} dp_fit_hints;

typedef struct dp_fit {
    char *model;       /* name of the shipped config; NULL: none fits                 */
    cJSON *changes;    /* an object to lay over it; empty: it fits as it is           */
    dp_config *config; /* the shipped one with the changes                          */
    int classes;       /* that the heads tell apart; 0: not known                     */

    /* Of the same shapes, with other settings: lines "NAME: KEY, KEY". "": none. */
    char *others;

    char *type;      /* of the backbone that was found; NULL: none that is known    */
    cJSON *backbone; /* its settings that the shapes tell; NULL: none               */

    /* Where none fits: the nearest one and what is different. */
    char *nearest;
    dp_mismatches mismatches;
} dp_fit;

/* Search the folder `configs` (NULL: the installed one) for a config that fits. `hints` may
 * be NULL. A config of the folder that is wrong is passed over. DP_ENOMEM, and errors of
 * dp_shipped_load; fit is empty then. */
dp_status dp_fit_find(dp_context *ctx, dp_error *err, dp_fit *fit, const char *configs,
                      const dp_named_tensor *tensors, size_t count,
                      const dp_fit_hints *hints) DP_MUST_CHECK;

/* A zeroed fit is allowed. */
void dp_fit_done(dp_fit *fit);

#endif
