/* json.h - small JSON documents as trees, read strictly
 *
 * For configs and other documents that fit in memory many times over; results and
 * annotations are read as streams elsewhere. The text is checked against RFC 8259 first
 * (cJSON alone takes some texts that are not JSON, and does not say where one is wrong),
 * then cJSON builds the tree.
 *
 * Refused beyond the grammar: a key twice in one object, nesting beyond
 * DP_MAX_JSON_DEPTH, more than DP_MAX_JSON_KEYS keys in one object (DP_EFORMAT); \u0000
 * in a string and numbers of more than DP_MAX_JSON_NUMBER characters, which a cJSON tree
 * cannot hold (DP_EUNSUPPORTED). A byte order mark is skipped.
 *
 * May be called from several threads at once.
 */
#ifndef DP_BASE_JSON_H
#define DP_BASE_JSON_H

#include "base/status.h"

#include <cjson/cJSON.h>

/* Parse `size` bytes. `name` stands in sentences for the file: "NAME:LINE:COLUMN: found
 * X, expected Y"; columns are counted in bytes from 1. *out is the caller's to
 * cJSON_Delete; NULL on failure. */
dp_status dp_json_parse(dp_error *err, cJSON **out, const char *text, size_t size,
                        const char *name) DP_MUST_CHECK;

/* Parse a file of at most DP_MAX_CONFIG_BYTES. DP_EIO when it cannot be read. */
dp_status dp_json_load(dp_error *err, cJSON **out, const char *path) DP_MUST_CHECK;

#endif
