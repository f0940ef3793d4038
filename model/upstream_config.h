/* upstream_config.h - settings in the text of an OpenMMLab config
 *
 * A checkpoint of OpenMMLab keeps the text of the config that it was trained by. It is
 * Python, and is only searched: for numbers and words after known names.
 */
#ifndef DP_MODEL_UPSTREAM_CONFIG_H
#define DP_MODEL_UPSTREAM_CONFIG_H

#include "base/status.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* What the text says, as sections of a config: {"input": {"mean": [...], ...}, ...}; empty
 * when it says nothing known. *from_zero is whether class 0 is a class of its own in label
 * maps (reduce_zero_label is not set). The caller's to cJSON_Delete. DP_ENOMEM; *out is
 * NULL then. */
dp_status dp_upstream_config_parse(dp_error *err, cJSON **out, bool *from_zero,
                                   const char *text, size_t size) DP_MUST_CHECK;

#endif
