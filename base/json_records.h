/* json_records.h - a long array of records in a JSON text, read by several threads
 *
 * The text is cut into pieces of a fixed size, and a piece starts at what looks like the
 * start of a record. Workers read pieces ahead; they are then taken in the order of the
 * text, and only where the piece before really ended there: a wrong guess is read again
 * from the right place. So what comes out is what one thread would have read, for any
 * number of threads.
 *
 * Workers write into slots whose memory was made before. A record that does not fit is
 * left to the caller's thread, which makes more room. Memory is bounded by the slots, the
 * longest record, and what is taken.
 */
#ifndef DP_BASE_JSON_RECORDS_H
#define DP_BASE_JSON_RECORDS_H

#include "base/json_stream.h"
#include "base/pool.h"

/* What was read of one piece. */
typedef struct dp_json_slot {
    unsigned char *items; /* records kept, of item_size bytes each               */
    size_t item_count, item_room;
    unsigned char *payload; /* bytes that belong to them; 16-byte aligned          */
    size_t payload_size, payload_room;
    size_t seen; /* records passed, kept or not                          */
    void *notes; /* note_size bytes, zeroed with every piece             */
} dp_json_slot;

typedef struct dp_json_reader {
    size_t item_size;
    /* The fewest bytes that a record which is kept takes in the text, with its comma. The
     * room for items follows from it. */
    size_t item_text;
    size_t note_size;

    /* Read the record at s into slot, and count it in `seen`. False when the slot has no
     * room: slot is then as before. A failure of s ends the reading. On any thread. */
    bool (*read)(void *arg, dp_json_slot *slot, dp_json_stream *s);

    /* Keep what is in slot. In the order of the text, on the caller's thread. */
    dp_status (*take)(dp_error *err, void *arg, const dp_json_slot *slot);

    /* Text before `place` is not read again. May be NULL. */
    void (*passed)(void *arg, const char *place);
    void *arg;
} dp_json_reader;

/* Read the array at s, to behind its end. DP_ENOMEM, or what `take` returned. A text that
 * is not JSON is no error here: see dp_json_stream_status. */
dp_status dp_json_records_read(dp_error *err, dp_json_stream *s,
                               const dp_json_reader *reader,
                               dp_pool *pool) DP_MUST_CHECK;

#endif
