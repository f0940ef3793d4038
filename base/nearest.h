/* nearest.h - which known word a mistyped one was meant to be
 */
#ifndef DP_BASE_NEAREST_H
#define DP_BASE_NEAREST_H

#include <stddef.h>

/* Edits from a to b: insertions, deletions, replacements, swaps of neighbours. Words are
 * compared by bytes; only their first 64 count. */
int dp_edit_distance(const char *a, const char *b);

/* A search over words that come one by one. Zero-initialise but for `word`. */
typedef struct dp_nearest {
    const char *word; /* what was written */
    /* The nearest offered so far, the first of equals; NULL when none is near. Borrowed
     * from dp_nearest_offer. */
    const char *best;
    int distance; /* of best */
} dp_nearest;

/* Consider a known word. Near means: no more edits than a third of its length, where 2
 * are forgiven to words of 3 bytes or more and 1 to shorter ones; a word's first three
 * bytes or more count as one edit. */
void dp_nearest_offer(dp_nearest *n, const char *known);

#endif
