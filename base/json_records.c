#include "base/json_records.h"

#include "base/memory.h"

#include <string.h>

enum {
    SLOTS = 16,         /* pieces read ahead         */
    PIECE = 256 << 10,  /* bytes of text             */
    PAYLOAD = 4 * PIECE /* a number of two bytes, with its comma, becomes eight */
};

enum why { MORE, ENDED, FULL, FAILED };

struct piece {
    const char *start; /* of its first record; NULL: none was guessed            */
    const char *until; /* the first record that starts here or later is the next's */
    dp_json_stream s;  /* where reading stopped                                   */
    enum why why;
    dp_json_slot slot;
};

struct reading {
    const dp_json_reader *reader;
    dp_json_stream array; /* inside of the array */
    struct piece piece[SLOTS];
};

static dp_status make_room(dp_error *err, const dp_json_reader *reader,
                           dp_json_slot *slot, size_t items, size_t payload)
{
    void *memory = slot->items;
    dp_status st = dp_grow(err, &memory, &slot->item_room, items, reader->item_size,
                           "records of a JSON text");
    slot->items = memory;
    if (st != DP_OK)
        return st;
    memory = slot->payload;
    st = dp_grow(err, &memory, &slot->payload_room, payload, 1,
                 "records of a JSON text");
    slot->payload = memory;
    return st;
}

static void empty_slot(const dp_json_reader *reader, dp_json_slot *slot)
{
    slot->item_count = slot->payload_size = slot->seen = 0;
    memset(slot->notes, 0, reader->note_size);
}

/* Read records from where p->s stands, the start of one, until the piece is done. */
static void read_on(const dp_json_reader *reader, struct piece *p)
{
    for (;;) {
        const dp_json_stream before = p->s;
        if (!reader->read(reader->arg, &p->slot, &p->s)) {
            p->s = before;
            p->why = FULL;
            return;
        }
        if (!dp_json_stream_item(&p->s)) {
            p->why = p->s.expected ? FAILED : ENDED;
            return;
        }
        if (p->s.at >= p->until) {
            p->why = MORE;
            return;
        }
    }
}

static void start_piece(const struct reading *r, struct piece *p, const char *start)
{
    p->s = r->array;
    p->s.at = p->start = start;
    empty_slot(r->reader, &p->slot);
    read_on(r->reader, p);
}

static void piece_item(void *arg, int item, int worker)
{
    struct reading *r = arg;
    struct piece *p = &r->piece[item];
    (void)worker;
    if (p->start)
        start_piece(r, p, p->start);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The first '{' from `from` on that follows "} ,": in an array of flat objects, with
 * objects but no arrays of objects in them, the start of a record. NULL: none. */
static const char *guess_start(const char *begin, const char *from, const char *end)
{
    while (from < end) {
        const char *brace = memchr(from, '{', (size_t)(end - from));
        if (!brace)
            return NULL;
        const char *p = brace - 1;
        while (p > begin && is_blank(*p))
            p--;
        if (p > begin && *p == ',') {
            p--;
            while (p > begin && is_blank(*p))
                p--;
            if (*p == '}')
                return brace;
        }
        from = brace + 1;
    }
    return NULL;
}

/* Cut the text from `from` on, the start of a record, into the next pieces. */
static void cut(struct reading *r, const char *from)
{
    const dp_json_stream *s = &r->array;
    const size_t left = (size_t)(s->end - from);
    for (size_t i = 0; i < SLOTS; i++) {
        struct piece *p = &r->piece[i];
        const bool last = left <= (i + 1) * PIECE;
        p->until = last ? s->end : from + (i + 1) * PIECE;
        if (i == 0)
            p->start = from;
        else if (left <= i * PIECE)
            p->start = NULL;
        else
            p->start = guess_start(s->begin, from + i * PIECE, p->until);
    }
}

/* Take a piece, and what is left of it where the room did not do. */
static dp_status take_piece(dp_error *err, struct reading *r, struct piece *p)
{
    const dp_json_reader *reader = r->reader;
    for (;;) {
        dp_status st = reader->take(err, reader->arg, &p->slot);
        if (st != DP_OK || p->why != FULL)
            return st;
        st = make_room(err, reader, &p->slot, 2 * p->slot.item_room,
                       2 * p->slot.payload_room);
        if (st != DP_OK)
            return st;
        empty_slot(reader, &p->slot);
        read_on(reader, p);
    }
}

/* Read and take the next pieces from *at on; *why tells how it ended. */
static dp_status read_wave(dp_error *err, struct reading *r, const char **at,
                           enum why *why, dp_pool *pool)
{
    cut(r, *at);
    dp_parallel(pool, SLOTS, piece_item, r);
    *why = MORE;
    for (int i = 0; i < SLOTS && *why == MORE; i++) {
        struct piece *p = &r->piece[i];
        if (*at >= p->until)
            continue; /* a long record went over all of it */
        if (p->start != *at)
            start_piece(r, p, *at);
        const dp_status st = take_piece(err, r, p);
        if (st != DP_OK)
            return st;
        *at = p->s.at;
        *why = p->why;
        if (*why != MORE)
            r->array = p->s;
    }
    return DP_OK;
}

static dp_status make_slots(dp_error *err, struct reading *r)
{
    const dp_json_reader *reader = r->reader;
    for (int i = 0; i < SLOTS; i++) {
        dp_json_slot *slot = &r->piece[i].slot;
        dp_status st = dp_alloc(err, &slot->notes, 1, reader->note_size, "notes");
        if (st == DP_OK)
            st = make_room(err, reader, slot, PIECE / reader->item_text + 2, PAYLOAD);
        if (st != DP_OK)
            return st;
    }
    return DP_OK;
}

static void free_slots(struct reading *r)
{
    for (int i = 0; i < SLOTS; i++) {
        dp_free(r->piece[i].slot.items);
        dp_free(r->piece[i].slot.payload);
        dp_free(r->piece[i].slot.notes);
    }
}

dp_status dp_json_records_read(dp_error *err, dp_json_stream *s,
                               const dp_json_reader *reader, dp_pool *pool)
{
    if (!dp_json_stream_array(s) || !dp_json_stream_item(s))
        return DP_OK; /* empty, or broken: the stream knows */
    struct reading r = {.reader = reader, .array = *s};
    const char *at = s->at;
    enum why why = MORE;
    dp_status st = make_slots(err, &r);
    while (st == DP_OK && why == MORE) {
        st = read_wave(err, &r, &at, &why, pool);
        if (reader->passed)
            reader->passed(reader->arg, at);
    }
    free_slots(&r);
    *s = r.array;
    return st;
}
