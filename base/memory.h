/* memory.h - the one door to the heap
 *
 * All of the library allocates through here; the lint refuses malloc elsewhere. So every
 * size goes through an overflow check, and every failure has a sentence.
 */
#ifndef DP_BASE_MEMORY_H
#define DP_BASE_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b. False, and *out untouched, when that overflows. */
bool dp_mul_size(size_t *out, size_t a, size_t b);

/* *out = a + b. False, and *out untouched, when that overflows. */
bool dp_add_size(size_t *out, size_t a, size_t b);

/* count zeroed elements of `size` bytes, the caller's to dp_free; `out` is the address of
 * the pointer to them, of any type. A count of 0 gives a pointer that may be freed and not
 * read. DP_ENOMEM: the pointer is NULL, and the sentence names `what`. */
dp_status dp_alloc(dp_error *err, void *out, size_t count, size_t size,
                   const char *what) DP_MUST_CHECK;

/* Arrays that are made together: rows of DP_ARRAY(pointer, count). */
typedef struct dp_array {
    void *pointer; /* the address of the pointer to the elements */
    size_t count, size;
} dp_array;
#define DP_ARRAY(pointer, count)               \
    {                                          \
        &(pointer), (count), sizeof *(pointer) \
    }

/* Each as dp_alloc makes it. DP_ENOMEM: the pointers of those that are not made are NULL,
 * and the others are still the caller's to dp_free. */
dp_status dp_alloc_arrays(dp_error *err, const dp_array *arrays, size_t count,
                          const char *what) DP_MUST_CHECK;

/* Make room for at least `need` elements in an array of *capacity elements, growing by
 * half at least; `data` is the address of the pointer to them. New elements are not
 * initialised. On DP_ENOMEM the array
 * is unchanged and still the caller's. */
dp_status dp_grow(dp_error *err, void *data, size_t *capacity, size_t need, size_t size,
                  const char *what) DP_MUST_CHECK;

/* A copy of text, the caller's to dp_free. */
dp_status dp_strdup(dp_error *err, char **out, const char *text) DP_MUST_CHECK;

/* Large zeroed memory at a 64-byte boundary (2 MB when that large, with a request for
 * huge pages: first-touch page faults cost more than most layers otherwise). All of it
 * is touched here, so later use faults no page in. The caller's to dp_free. */
dp_status dp_alloc_pages(dp_error *err, void **out, size_t bytes,
                         const char *what) DP_MUST_CHECK;

/* NULL is allowed. */
void dp_free(void *memory);

#endif
