/* samples.h - feature maps against the samples that the reference data keep of them
 *
 * Of each map ../shared/golden keeps shape, extremes and some values at row-major
 * (C, H, W) indices; ours are channels last.
 */
#ifndef DP_TESTS_SUPPORT_SAMPLES_H
#define DP_TESTS_SUPPORT_SAMPLES_H

#include "core/tensor.h"

#include <cjson/cJSON.h>

/* Fail the test unless `map` has the shape of `sample` (batch 1, or rows of regions) and
 * each sampled value differs by at most `bound`. Returns the worst difference. */
double samples_check(const cJSON *sample, dp_tensor map, double bound,
                     const char *what);

/* Root mean square of the sampled values' differences from `map`, which has the sample's
 * shape, as a part of that of the values. */
double samples_rms(const cJSON *sample, dp_tensor map);

/* The largest absolute value that the sample says its whole map has. */
double samples_absmax(const cJSON *sample);

/* Members that must be there. */
const cJSON *json_get(const cJSON *object, const char *key);
double json_number(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);

/* A JSON file, the caller's to cJSON_Delete. Fails the test when it cannot be read. */
cJSON *json_load(const char *path);

#endif
