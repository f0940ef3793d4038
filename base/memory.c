#define _GNU_SOURCE /* madvise */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64 };
static const size_t huge_page = (size_t)2 << 20;

bool dp_mul_size(size_t *out, size_t a, size_t b)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool dp_add_size(size_t *out, size_t a, size_t b)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

static dp_status no_memory(dp_error *err, size_t count, size_t size, const char *what)
{
    return dp_fail(err, DP_ENOMEM, "out of memory: %s needs %zu x %zu bytes", what,
                   count, size);
}

dp_status dp_alloc(dp_error *err, void *out, size_t count, size_t size,
                   const char *what)
{
    void *memory = calloc(count ? count : 1, size);
    memcpy(out, &memory, sizeof memory); /* pointers of all types look alike */
    /* cppcheck-suppress memleak ; the caller's pointer has it now */
    return memory ? DP_OK : no_memory(err, count, size, what);
}

dp_status dp_alloc_arrays(dp_error *err, const dp_array *arrays, size_t count,
                          const char *what)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < count; i++) {
        void *memory = NULL;
        if (st == DP_OK)
            st = dp_alloc(err, &memory, arrays[i].count, arrays[i].size, what);
        memcpy(arrays[i].pointer, &memory, sizeof memory);
    }
    return st;
}

dp_status dp_grow(dp_error *err, void *data, size_t *capacity, size_t need, size_t size,
                  const char *what)
{
    if (need <= *capacity)
        return DP_OK;

    size_t wish = *capacity + *capacity / 2;
    if (wish < need)
        wish = need;
    if (wish < 16)
        wish = 16;
    size_t bytes;
    if (!dp_mul_size(&bytes, wish, size))
        return no_memory(err, wish, size, what);
    void *grown;
    memcpy(&grown, data, sizeof grown);
    grown = realloc(grown, bytes);
    if (!grown)
        return no_memory(err, wish, size, what);
    memcpy(data, &grown, sizeof grown);
    *capacity = wish;
    return DP_OK;
}

dp_status dp_strdup(dp_error *err, char **out, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    const dp_status st = dp_alloc(err, out, bytes, 1, "a copy of a text");
    if (st == DP_OK)
        memcpy(*out, text, bytes);
    return st;
}

dp_status dp_alloc_pages(dp_error *err, void **out, size_t bytes, const char *what)
{
    const size_t align = bytes >= huge_page ? huge_page : LINE;
    size_t room;
    *out = NULL;
    if (!dp_add_size(&room, bytes, align - 1) ||
        posix_memalign(out, align, room / align * align + (bytes == 0 ? align : 0)) !=
            0) {
        *out = NULL;
        return no_memory(err, 1, bytes, what);
    }
    if (align == huge_page) /* advice only: a refusal costs speed, nothing else */
        (void)madvise(*out, room / align * align, MADV_HUGEPAGE);
    memset(*out, 0, bytes);
    return DP_OK;
}

void dp_free(void *memory)
{
    free(memory);
}
