#include "base/arena.h"

#include "base/memory.h"

#include <assert.h>
#include <stdint.h>

enum { LINE = 64 };

#ifdef DP_ARENA_MALLOC
#include <stdlib.h>

struct dp_arena_piece {
    struct dp_arena_piece *next;
    size_t used; /* of the arena, before this piece */
    void *memory;
};

static void *piece_new(dp_arena *a, size_t bytes)
{
    struct dp_arena_piece *p = malloc(sizeof *p);
    void *memory = p ? aligned_alloc(LINE, bytes) : NULL;
    if (!memory)
        abort(); /* lint: a sanitizer build has no plan for this */
    *p = (struct dp_arena_piece){a->pieces, a->used, memory};
    a->pieces = p;
    return memory;
}

static void pieces_free(dp_arena *a, size_t mark)
{
    while (a->pieces && a->pieces->used >= mark) {
        struct dp_arena_piece *p = a->pieces;
        a->pieces = p->next;
        free(p->memory);
        free(p);
    }
}
#endif

void dp_arena_dry(dp_arena *a)
{
    dp_arena_rewind(a, 0);
    a->peak = 0;
    a->overflow = false;
    a->dry = true;
}

dp_status dp_arena_reserve(dp_error *err, dp_arena *a, size_t bytes)
{
    dp_arena_rewind(a, 0);
    size_t need;
    if (a->overflow || !dp_add_size(&need, bytes, LINE))
        return dp_fail(err, DP_ENOMEM,
                       "out of memory: the run needs more than can be addressed");
#ifdef DP_ARENA_MALLOC
    a->size = need;
#else
    if (!a->base || a->size < need) {
        dp_free(a->base);
        a->base = NULL;
        a->size = 0;
        void *block;
        const dp_status st =
            dp_alloc_pages(err, &block, need, "the work space of a run");
        if (st != DP_OK)
            return st;
        a->base = block;
        a->size = need;
    }
#endif
    a->dry = false;
    return DP_OK;
}

void *dp_arena_take(dp_arena *a, size_t count, size_t size)
{
    size_t bytes, used;
    if (!dp_mul_size(&bytes, count, size) ||
        !dp_add_size(&bytes, bytes, (size_t)2 * LINE - 1) ||
        !dp_add_size(&used, a->used, bytes / LINE * LINE)) {
        a->overflow = true;
        return NULL;
    }
    void *piece = NULL;
    if (!a->dry) {
        assert(used <= a->size);
#ifdef DP_ARENA_MALLOC
        piece = piece_new(a, bytes / LINE * LINE);
#else
        piece = a->base + a->used;
#endif
    }
    a->used = used;
    if (a->used > a->peak)
        a->peak = a->used;
    return piece;
}

size_t dp_arena_mark(const dp_arena *a)
{
    return a->used;
}

void dp_arena_rewind(dp_arena *a, size_t mark)
{
#ifdef DP_ARENA_MALLOC
    pieces_free(a, mark);
#endif
    assert(mark <= a->used);
    a->used = mark;
}

void dp_arena_done(dp_arena *a)
{
    dp_arena_rewind(a, 0);
    dp_free(a->base);
    *a = (dp_arena){0};
}
