/* arena.h - a stack of memory whose size is known before it is used
 *
 * An arena is either dry or real. A dry arena hands out nothing (NULL) but counts what
 * it would have handed out. So the same code, run dry, gives the exact peak, by which a
 * real arena is then sized.
 *
 * Every piece starts on a 64-byte line and is followed by at least 64 readable bytes
 * of the arena, which kernels may load and ignore; they never write past a piece.
 *
 * With DP_ARENA_MALLOC (the sanitizer builds) each piece is a heap block of its own, so
 * that overruns and uses after rewind are seen.
 *
 * One thread at a time.
 */
#ifndef DP_BASE_ARENA_H
#define DP_BASE_ARENA_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_arena {
    unsigned char *base; /* owned; NULL before the first dp_arena_reserve     */
    size_t size;         /* bytes at base                                     */
    size_t used;         /* bytes handed out, padding included                */
    size_t peak;         /* the most that `used` has been since dp_arena_dry */
    bool dry;            /* pieces are imaginary: NULL                        */
    bool overflow;       /* count times size did not fit in size_t            */
    struct dp_arena_piece *pieces; /* DP_ARENA_MALLOC: newest first           */
} dp_arena;

/* Make a zeroed or used arena dry and empty; memory that it owns is kept for a later
 * dp_arena_reserve. */
void dp_arena_dry(dp_arena *a);

/* Leave the dry state with room for at least `bytes`. Reuses the memory that is there
 * when it is large enough, so a second call with the same size allocates nothing.
 * DP_ENOMEM: the arena is empty and dry, and owns nothing. */
dp_status dp_arena_reserve(dp_error *err, dp_arena *a, size_t bytes) DP_MUST_CHECK;

/* The next piece of count x size bytes, not initialised. NULL when dry. A real arena
 * never runs out if the dry run took the same pieces; should it nevertheless, that is a
 * bug and is asserted. */
void *dp_arena_take(dp_arena *a, size_t count, size_t size);

/* A place to return to: pieces taken since are given back by dp_arena_rewind. */
size_t dp_arena_mark(const dp_arena *a);
void dp_arena_rewind(dp_arena *a, size_t mark);

/* Release everything. A zeroed arena is allowed. */
void dp_arena_done(dp_arena *a);

#endif
