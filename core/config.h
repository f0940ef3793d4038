/* config.h - JSON configs that state only what differs from their base
 *
 * A config is a JSON object. Its key "base" names the file it is laid over, relative to
 * its own folder: objects are merged key by key, everything else (arrays too) is
 * replaced, and null removes a key. A base may have a base, DP_MAX_CONFIG_BASES files
 * in all. Where each value came from is remembered, for messages and for
 * `densepred config --dump --origins`.
 *
 * docs/configs.md lists the keys. Read-only after dp_config_load, so threads may share
 * it.
 */
#ifndef DP_CORE_CONFIG_H
#define DP_CORE_CONFIG_H

#include "base/status.h"
#include "base/text.h"

#include <cjson/cJSON.h>

#include <stddef.h>

typedef struct dp_config dp_config;

/* Read a config and its bases. DP_EIO: a file cannot be read. DP_EFORMAT: it is not
 * JSON. DP_ECONFIG: it is not an object, or its bases form a cycle or are too many.
 * DP_ENOMEM. *out is NULL then. */
dp_status dp_config_load(dp_error *err, dp_config **out,
                         const char *path) DP_MUST_CHECK;

/* Where a base is looked for that is no file beside its config. `find` sets *path, the
 * reader's to dp_free, or leaves it NULL where the name cannot be one of its own; a failure
 * says that it should be one and is not. */
typedef struct dp_config_finder {
    dp_status (*find)(dp_error *err, char **path, const char *base, void *arg);
    void *arg;
} dp_config_finder;

/* dp_config_load, and a base that is no file is asked of the finder. */
dp_status dp_config_load_with(dp_error *err, dp_config **out, const char *path,
                              const dp_config_finder *finder) DP_MUST_CHECK;

/* NULL is allowed. */
void dp_config_free(dp_config *config);

/* Lay a JSON object over the config as if it were one more file on top. Its values have
 * the origin `name`, which stands for it in sentences, and its paths are relative to the
 * folder of `name`: the current one where it has no '/'. To be called before anything of
 * the config is kept. DP_EFORMAT, DP_ECONFIG, DP_ENOMEM; the config is as before then. */
dp_status dp_config_lay(dp_error *err, dp_config *config, const char *text,
                        const char *name) DP_MUST_CHECK;

/* The same of values one by one, "test.score_thr=0.1": keys joined with points, then JSON, or
 * else a bare text (test.mode=whole). The origin is "--set". DP_EARG for what is neither. */
dp_status dp_config_set(dp_error *err, dp_config *config,
                        const char *const *assignments, size_t count) DP_MUST_CHECK;

/* Lay the section `from` over the section `over`, and remove it. DP_ECONFIG when one of
 * the two is missing or not an object. */
dp_status dp_config_lay_section(dp_error *err, dp_config *config, const char *over,
                                const char *from) DP_MUST_CHECK;

/* The path given to dp_config_load. */
const char *dp_config_path(const dp_config *config);

/* The merged config: an object, without "base" and without null. Of the config. */
const cJSON *dp_config_root(const dp_config *config);

/* The object at key `key` of the root. DP_ECONFIG when it is missing or not an
 * object. */
dp_status dp_config_section(dp_error *err, const cJSON **out, const dp_config *config,
                            const char *key) DP_MUST_CHECK;

/* The text at `key` of `object`, a part of the config; `where` is the object's key
 * path, "" for the root. DP_ECONFIG when it is missing or not a text. */
dp_status dp_config_text(dp_error *err, const char **out, const dp_config *config,
                         const cJSON *object, const char *where,
                         const char *key) DP_MUST_CHECK;

/* The file that states a value of the config, or the name of the text that was laid over it;
 * dp_config_path for a value that is not of it. For an object stated by several, the one
 * lowest in the chain of bases. */
const char *dp_config_origin(const dp_config *config, const cJSON *value);

/* The file that the text `value` of the config names, relative to the folder of the file
 * that states it. *path is the caller's to dp_free. */
dp_status dp_config_resolve(dp_error *err, char **path, const dp_config *config,
                            const cJSON *value) DP_MUST_CHECK;

/* Append the merged config as JSON, ending in a newline. Errors are kept in the text. */
void dp_config_format(const dp_config *config, dp_text *text);

/* The same, a line a section and without the section `key`. */
void dp_config_format_without(const dp_config *config, const char *key, dp_text *text);

/* Append a line "key.path = value (origin)" for every value that is not an object. */
void dp_config_format_origins(const dp_config *config, dp_text *text);

#endif
