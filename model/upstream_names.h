/* upstream_names.h - what a shipped model is called by the projects that published it
 *
 * The file _upstream.json in the folder of configs: an object of names, each with the
 * model's here. The names are those of mmdetection's and mmsegmentation's configs, of Swin
 * Transformer's and ConvNeXt's, of timm's models and torchvision's.
 */
#ifndef DP_MODEL_UPSTREAM_NAMES_H
#define DP_MODEL_UPSTREAM_NAMES_H

#include "base/nearest.h"
#include "base/status.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* The table of a folder; the caller's to cJSON_Delete. *out is NULL with DP_OK when the
 * folder has none. DP_EIO, DP_EFORMAT, DP_ECONFIG, DP_ENOMEM. */
dp_status dp_upstream_names_load(dp_error *err, cJSON **out,
                                 const char *folder) DP_MUST_CHECK;

/* The model of a name, or of a path to a Python config with that name; NULL when there is
 * none. Of the table, which may be NULL. */
const char *dp_upstream_names_find(const cJSON *table, const char *name);

/* Whether the name ends in ".py". */
bool dp_upstream_name_is_python(const char *name);

/* Offer all names. */
void dp_upstream_names_offer(const cJSON *table, dp_nearest *nearest);

#endif
