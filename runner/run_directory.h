/* run_directory.h - what of a long run is done: items and their results, in a few files
 *
 * A run has items 0 to count - 1. Each process of it appends to a part of its own,
 * NAME.records (record_file.h); together the parts in the folder say what is done. An item
 * that has a result in any part is done; one that only ever failed has the sentence why.
 * Results are the same whoever makes them, so it does not matter which part an item is in.
 */
#ifndef DP_RUNNER_RUN_DIRECTORY_H
#define DP_RUNNER_RUN_DIRECTORY_H

#include "base/file.h"
#include "runner/record_file.h"

typedef enum dp_work_state {
    DP_WORK_OPEN,
    DP_WORK_FAILED, /* the payload is a sentence */
    DP_WORK_DONE
} dp_work_state;

typedef struct dp_work_entry {
    dp_work_state state;
    int part;        /* whose file the payload is in; -1: the own part's */
    size_t at, size; /* of the payload                                   */
} dp_work_entry;

typedef struct dp_work_part {
    char *name; /* owned; of the file in the folder                    */
    dp_file_map map;
} dp_work_part;

typedef struct dp_work_folder {
    char *path; /* owned */
    uint8_t key[DP_RECORD_KEY_BYTES];
    size_t count;
    dp_work_entry *entries; /* owned; of each item */
    dp_work_part *parts;    /* owned; those that are read */
    size_t part_count, part_capacity;
    dp_record_file own; /* the part that is appended to; not open: none */
} dp_work_folder;

/* Open a folder that is there, for the run of this key. With `own` (a name without
 * ".records") that part is opened to append to, and no other process may have it so.
 * All other parts are read as they are now. DP_EIO, DP_ENOMEM, and as dp_record_file_open
 * and scan. f is empty then. */
dp_status dp_work_folder_open(dp_error *err, dp_work_folder *f, const char *path,
                              const uint8_t key[DP_RECORD_KEY_BYTES], size_t count,
                              const char *own) DP_MUST_CHECK;
void dp_work_folder_close(dp_work_folder *f);

/* Append the result of an item, or the sentence why it failed, to the own part. A failure
 * of an item that failed before is not repeated. DP_EIO, DP_ENOMEM. */
dp_status dp_work_folder_put(dp_error *err, dp_work_folder *f, size_t item,
                             dp_work_state state, const void *payload,
                             size_t size) DP_MUST_CHECK;

/* How many items are in that state. */
size_t dp_work_folder_tally(const dp_work_folder *f, dp_work_state state);

/* The payload of an item that is done or failed; a view until the folder is closed. Not for
 * folders with an own part. */
const unsigned char *dp_work_folder_get(const dp_work_folder *f, size_t item,
                                        size_t *size);

#endif
