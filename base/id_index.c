#include "base/id_index.h"

#include "base/memory.h"

#include <stdint.h>

struct dp_id_slot {
    int64_t id;
    int position; /* plus one; 0: free */
};

dp_status dp_id_index_init(dp_error *err, dp_id_index *index, size_t count)
{
    size_t slots = 16;
    while (slots / 2 < count && slots <= SIZE_MAX / 2)
        slots *= 2;
    void *memory;
    const dp_status st =
        dp_alloc(err, &memory, slots, sizeof(struct dp_id_slot), "an index of ids");
    *index = (dp_id_index){.slots = memory, .mask = slots - 1};
    return st;
}

/* Where `id` is, or where it would go. */
static struct dp_id_slot *slot_of(const dp_id_index *index, int64_t id)
{
    uint64_t at = (uint64_t)id * 0x9e3779b97f4a7c15u;
    at ^= at >> 32;
    while (index->slots[at & index->mask].position != 0 &&
           index->slots[at & index->mask].id != id)
        at++;
    return &index->slots[at & index->mask];
}

int dp_id_index_add(dp_id_index *index, int64_t id, int position)
{
    struct dp_id_slot *slot = slot_of(index, id);
    if (slot->position != 0)
        return slot->position - 1;
    *slot = (struct dp_id_slot){id, position + 1};
    index->count++;
    return -1;
}

int dp_id_index_find(const dp_id_index *index, int64_t id)
{
    return index->slots ? slot_of(index, id)->position - 1 : -1;
}

void dp_id_index_done(dp_id_index *index)
{
    dp_free(index->slots);
    *index = (dp_id_index){0};
}
