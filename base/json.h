/* json.h - small JSON documents, read whole and strictly
 *
 * For configs and other documents that fit in memory many times over. Results and
 * annotations are read as streams (base/json_stream.h). The stream also checks the text
 * here, since cJSON alone takes some texts that are not JSON and does not say where one
 * is wrong. Then cJSON builds the document.
 *
 * Refused beyond the grammar, with DP_EFORMAT: a key twice in one object, nesting beyond
 * DP_MAX_JSON_DEPTH, and more than DP_MAX_JSON_KEYS keys in one object. Refused with
 * DP_EUNSUPPORTED, because a cJSON document cannot hold it: \u0000 in a string, and a
 * number of more than DP_MAX_JSON_NUMBER characters. A byte order mark is skipped.
 *
 * May be called from several threads at once.
 */
#ifndef DP_BASE_JSON_H
#define DP_BASE_JSON_H

#include "base/status.h"

#include <cjson/cJSON.h>

/* Parse `size` bytes. `name` stands in sentences for the file: "NAME:LINE:COLUMN: found
 * X, expected Y". *out is the caller's to cJSON_Delete; NULL on failure. */
dp_status dp_json_parse(dp_error *err, cJSON **out, const char *text, size_t size,
                        const char *name) DP_MUST_CHECK;

/* Parse a file of at most DP_MAX_CONFIG_BYTES. DP_EIO when it cannot be read. */
dp_status dp_json_load(dp_error *err, cJSON **out, const char *path) DP_MUST_CHECK;

#endif
