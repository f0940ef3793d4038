#define _GNU_SOURCE
#include "tests/alloc/heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WATCHED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WATCHED 0
#endif
#endif
#if !defined(WATCHED) && !defined(__GLIBC__)
#define WATCHED 0
#endif
#ifndef WATCHED
#define WATCHED 1
#endif

static atomic_long count, live, fail_at;
static bool libraries_too;

bool heap_is_watched(void)
{
    return WATCHED;
}

long heap_count(void)
{
    return atomic_load(&count);
}

long heap_live(void)
{
    return atomic_load(&live);
}

void heap_reset(long fail)
{
    atomic_store(&count, 0);
    atomic_store(&fail_at, fail);
}

void heap_watch_libraries(bool on)
{
    libraries_too = on;
}

#if WATCHED
/* Hidden, as all of this project is, they would be this program's alone. */
#pragma GCC visibility push(default)

/* The GNU C library's own names for its allocator. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

/* The linker's names for the ends of this program's code. */
extern const char __executable_start, etext;

static bool must_fail(const void *caller)
{
    const char *from = caller;
    if (!libraries_too && (from < &__executable_start || from >= &etext))
        return false;
    return atomic_fetch_add(&count, 1) + 1 == atomic_load(&fail_at);
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add(&live, 1);
    else
        errno = ENOMEM;
    return p;
}

void *malloc(size_t size)
{
    return counted(must_fail(__builtin_return_address(0)) ? NULL : __libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return counted(must_fail(__builtin_return_address(0)) ? NULL
                                                          : __libc_calloc(n, size));
}

void *realloc(void *old, size_t size)
{
    if (must_fail(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = __libc_realloc(old, size);
    if (p && !old)
        atomic_fetch_add(&live, 1);
    return p;
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *p = counted(
        must_fail(__builtin_return_address(0)) ? NULL : __libc_memalign(align, size));
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void *aligned_alloc(size_t align, size_t size)
{
    return counted(
        must_fail(__builtin_return_address(0)) ? NULL : __libc_memalign(align, size));
}

void *memalign(size_t align, size_t size)
{
    return aligned_alloc(align, size);
}

void free(void *p)
{
    if (p)
        atomic_fetch_sub(&live, 1);
    __libc_free(p);
}

#pragma GCC visibility pop
#endif
