/* memory_limit.h - a test program in which no invented size can be taken
 *
 * To be included by one file of a program. Call limit_memory in a fixture; each test's
 * process then has MEMORY_LIMIT_MB of address space. That does not go together with the
 * address sanitizer, which refuses any one allocation of that size instead.
 */
#ifndef DP_TESTS_MEMORY_LIMIT_H
#define DP_TESTS_MEMORY_LIMIT_H

#include <stdlib.h>
#include <sys/resource.h>

#define MEMORY_LIMIT_MB 256

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=256:allocator_may_return_null=0";
}
#endif

static inline void limit_memory(void)
{
#ifndef HAS_ASAN
    const rlim_t bytes = (rlim_t)MEMORY_LIMIT_MB << 20;
    if (setrlimit(RLIMIT_AS, &(const struct rlimit){bytes, bytes}) != 0)
        abort();
#endif
}

#endif
