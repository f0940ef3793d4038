/* heap.h - the C library's allocator, counted and made to fail
 *
 * A program that links heap.c has every allocation of the process go through it. Under
 * the sanitizers, which bring an allocator of their own, nothing is counted and nothing
 * fails: heap_is_watched tells.
 */
#ifndef DP_TESTS_ALLOC_HEAP_H
#define DP_TESTS_ALLOC_HEAP_H

#include <stdbool.h>

bool heap_is_watched(void);

/* Whether what libraries allocate is counted and fails too: cJSON and the C library, but
 * also OpenBLAS. At first only what this program's own code allocates does. */
void heap_watch_libraries(bool on);

/* Allocations since the last heap_reset, those that were made to fail too. */
long heap_count(void);

/* Blocks that are allocated and not yet freed. */
long heap_live(void);

/* Start to count anew; let allocation number `fail_at` (from 1) fail, once; 0: none. */
void heap_reset(long fail_at);

#endif
