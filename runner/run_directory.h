/* run_directory.h - what of a long run is done: items and their results, in a few files
 *
 * A run has items 0 to count - 1. Each process of it appends to a part of its own,
 * NAME.records (record_file.h); together the parts in the directory say what is done. An
 * item that has a result in any part is done; one that only ever failed has the sentence
 * why. Results are the same whoever makes them: it does not matter which part has an item.
 */
#ifndef DP_RUNNER_RUN_DIRECTORY_H
#define DP_RUNNER_RUN_DIRECTORY_H

#include "base/file.h"
#include "runner/record_file.h"

typedef enum dp_item_state {
    DP_ITEM_OPEN,
    DP_ITEM_FAILED, /* the payload is a sentence */
    DP_ITEM_DONE
} dp_item_state;

typedef struct dp_run_item {
    dp_item_state state;
    int part;        /* whose file the payload is in; -1: the own part's */
    size_t at, size; /* of the payload                                   */
} dp_run_item;

typedef struct dp_run_directory {
    char *path; /* owned */
    uint8_t key[DP_RECORD_KEY_BYTES];
    size_t count;
    dp_run_item *items; /* owned                    */
    dp_file_map *parts; /* owned; those that are read */
    size_t part_count;
    dp_record_file own; /* the part that is appended to; not open: none */
} dp_run_directory;

/* Open a directory that is there, for the run of this key. With `own` (a name without
 * ".records") that part is opened to append to, and no other process may have it so.
 * All other parts are read as they are now. DP_EIO, DP_ENOMEM, and as dp_record_file_open
 * and scan. d is empty then. */
dp_status dp_run_directory_open(dp_error *err, dp_run_directory *d, const char *path,
                                const uint8_t key[DP_RECORD_KEY_BYTES], size_t count,
                                const char *own) DP_MUST_CHECK;

/* Remove the parts of a directory where no item is done, by a run of any key: nothing but
 * sentences why items failed is lost. *removed is false, and all parts stay, when one has
 * an item that is done, or is being appended to. DP_EIO, DP_EFORMAT, DP_ENOMEM. */
dp_status dp_run_directory_discard(dp_error *err, const char *path,
                                   bool *removed) DP_MUST_CHECK;

/* Allowed on one that is zeroed. */
void dp_run_directory_close(dp_run_directory *d);

/* Append the result of an item, or the sentence why it failed, to the own part. A failure
 * of an item that failed before is not repeated. DP_EIO, DP_ENOMEM. */
dp_status dp_run_directory_put(dp_error *err, dp_run_directory *d, size_t item,
                               dp_item_state state, const void *payload,
                               size_t size) DP_MUST_CHECK;

/* How many items of shard `part` of `parts` (those with item % parts == part - 1) are in
 * that state; part 1 of 1 is all. */
size_t dp_run_directory_tally(const dp_run_directory *d, dp_item_state state, int part,
                              int parts);

/* The payload of an item that is done or failed; a view until the directory is closed. Not
 * for directories with an own part. */
const unsigned char *dp_run_directory_get(const dp_run_directory *d, size_t item,
                                          size_t *size);

#endif
