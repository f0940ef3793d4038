/* backbone_scan.h - the settings of a backbone, read from the shapes of its tensors
 */
#ifndef DP_MODEL_BACKBONE_SCAN_H
#define DP_MODEL_BACKBONE_SCAN_H

#include "core/named_tensor.h"

#include <cjson/cJSON.h>

/* The keys of a config's "backbone" that the tensors tell, such as
 * {"depths": [3, 3, 9, 3], "dims": [96, 192, 384, 768]}. `type` is the backbone's, `scope`
 * stands in front of its tensors' names ("backbone."), which are upstream's. The caller's
 * to cJSON_Delete; NULL when the tensors are of no backbone of this type, or memory ran
 * out. Values may be out of range: the parameter table of the type says so. */
cJSON *dp_backbone_scan(const char *type, const char *scope,
                        const dp_named_tensor *tensors, size_t count);

#endif
