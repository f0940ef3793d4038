/* cache.h - a model's packed weights beside its checkpoint
 *
 * CHECKPOINT.dpcache holds them as one build left them (io/checkpoint/weight_cache.h). It
 * is of one checkpoint, config (its section "test" left out), instruction set, GEMM engine,
 * precision and version of the program. A cache of anything else, or a damaged one, is made
 * anew from the checkpoint. A folder that cannot be written costs a line of the log.
 */
#ifndef DP_MODEL_CACHE_H
#define DP_MODEL_CACHE_H

#include "base/sha256.h"
#include "core/builder.h"
#include "core/config.h"
#include "model/context.h"

typedef struct dp_model_cache {
    char *path; /* owned */
    uint8_t key[DP_SHA256_BYTES];
} dp_model_cache;

/* Name the cache of a checkpoint, for models of this config that are loaded in ctx. DP_EIO,
 * DP_ENOMEM, DP_ECONFIG. To be released either way. */
dp_status dp_model_cache_init(dp_error *err, dp_model_cache *c, const dp_context *ctx,
                              const dp_config *config,
                              const char *weights) DP_MUST_CHECK;
void dp_model_cache_done(dp_model_cache *c);

/* Give the weights to a builder, as its ready ones, in memory of its store. A failure
 * leaves a sentence in b->err, but a file that is not there leaves none. */
bool dp_model_cache_read(const dp_model_cache *c, dp_builder *b, dp_pool *pool);

/* Write the pieces that a builder packed. A failure is logged, and no more comes of it. */
void dp_model_cache_write(const dp_model_cache *c, const dp_builder *b,
                          dp_context *ctx);

#endif
