/* channel.h - a bounded queue from one thread to another
 *
 * Items are pointers, handed over in order. The giver waits while the queue is full, the
 * taker while it is empty. Either of them may end it.
 */
#ifndef DP_BASE_CHANNEL_H
#define DP_BASE_CHANNEL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct dp_channel dp_channel;

/* A queue of at most `room` items, 1 or more. DP_ENOMEM; *out is NULL then. */
dp_status dp_channel_new(dp_error *err, dp_channel **out, size_t room) DP_MUST_CHECK;

/* When no thread uses it any more. Items that are still inside are the caller's to take
 * before. NULL is allowed. */
void dp_channel_free(dp_channel *c);

/* Hand an item over, after waiting for room. False: it was ended, and the item stays the
 * caller's. */
bool dp_channel_put(dp_channel *c, void *item);

/* Wait for room without handing anything over, for a giver whose items are large. False: it
 * was ended. */
bool dp_channel_wait(dp_channel *c);

/* The next item, after waiting for it; NULL: it was ended, and no item is left. */
void *dp_channel_take(dp_channel *c);

/* Nothing more is put. What is inside can still be taken. */
void dp_channel_end(dp_channel *c);

#endif
