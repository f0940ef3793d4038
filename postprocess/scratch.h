/* scratch.h - one block of working memory, cut into pieces
 *
 * For functions that workers call, which cannot take memory from a run's arena. Each has a
 * twin that tells how many bytes it needs. Both cut the block with the same code: with
 * base NULL a cut only measures.
 */
#ifndef DP_POSTPROCESS_SCRATCH_H
#define DP_POSTPROCESS_SCRATCH_H

#include <stddef.h>

typedef struct dp_scratch {
    unsigned char *base; /* borrowed, aligned as malloc does; NULL to measure */
    size_t used;         /* bytes cut so far                                  */
} dp_scratch;

/* The next piece of count x size bytes, not initialised, followed by 64 bytes that
 * kernels may read. NULL when measuring. The caller bounds count, so that the size
 * cannot overflow. */
void *dp_scratch_take(dp_scratch *s, size_t count, size_t size);

#endif
