#include "base/store.h"

#include "base/memory.h"

enum { LINE = 64, SMALL = 4096, BLOCK = 65536 };

struct dp_store_block {
    struct dp_store_block *next;
    unsigned char *base;
    size_t size, used;
};

static dp_status block_new(dp_error *err, dp_store *s, size_t bytes, const char *what)
{
    void *block, *base;
    dp_status st = dp_alloc(err, &block, 1, sizeof *s->blocks, what);
    if (st != DP_OK)
        return st;
    st = dp_alloc_pages(err, &base, bytes, what);
    if (st != DP_OK) {
        dp_free(block);
        return st;
    }
    struct dp_store_block *b = block;
    *b = (struct dp_store_block){s->blocks, base, bytes, 0};
    s->blocks = b;
    s->bytes += bytes;
    return DP_OK;
}

dp_status dp_store_take(dp_error *err, dp_store *s, void **out, size_t count,
                        size_t size, const char *what)
{
    size_t bytes;
    *out = NULL;
    if (!dp_mul_size(&bytes, count, size) ||
        !dp_add_size(&bytes, bytes, (size_t)2 * LINE - 1))
        return dp_fail(err, DP_ENOMEM, "out of memory: %s needs %zu x %zu bytes", what,
                       count, size);
    bytes = bytes / LINE * LINE;

    struct dp_store_block *b = s->blocks;
    if (!b || b->size - b->used < bytes) {
        const dp_status st = block_new(err, s, bytes > SMALL ? bytes : BLOCK, what);
        if (st != DP_OK)
            return st;
        /* A large piece fills its block; keep the half-empty one in front. */
        if (b && bytes > SMALL) {
            struct dp_store_block *own = s->blocks;
            own->next = b->next;
            b->next = own;
            s->blocks = b;
            own->used = bytes;
            *out = own->base;
            return DP_OK;
        }
        b = s->blocks;
    }
    *out = b->base + b->used;
    b->used += bytes;
    return DP_OK;
}

void dp_store_done(dp_store *s)
{
    while (s->blocks) {
        struct dp_store_block *b = s->blocks;
        s->blocks = b->next;
        dp_free(b->base);
        dp_free(b);
    }
    s->bytes = 0;
}
