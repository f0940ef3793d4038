#include "train/freeze.h"

#include <stdlib.h>
#include <string.h>

static size_t part_length(const char *text)
{
    return strcspn(text, ".");
}

/* A number of `length` digits at text, or -1. */
static long number_at(const char *text, size_t length)
{
    if (length == 0 || length > 9 || strspn(text, "0123456789") < length)
        return -1;
    return strtol(text, NULL, 10);
}

static bool in_range(const char *pattern, size_t length, const char *part,
                     size_t part_length)
{
    const char *dash = memchr(pattern, '-', length);
    if (!dash)
        return false;
    const size_t before = (size_t)(dash - pattern);
    const long first = number_at(pattern, before);
    const long last = number_at(dash + 1, length - before - 1);
    const long n = number_at(part, part_length);
    return first >= 0 && n >= first && n <= last;
}

bool dp_freeze_matches(const char *pattern, const char *name)
{
    for (;;) {
        const size_t n = part_length(pattern), m = part_length(name);
        const bool same = n == m && strncmp(pattern, name, n) == 0;
        if (!same && !in_range(pattern, n, name, m))
            return false;
        pattern += n;
        name += m;
        if (*pattern == '\0')
            return true;
        if (*name == '\0')
            return false;
        pattern++;
        name++;
    }
}

static size_t apply(bool *frozen, const dp_parameters *p, size_t backbone,
                    const char *pattern)
{
    const bool whole = strcmp(pattern, "backbone") == 0;
    size_t matched = 0;
    for (size_t i = 0; i < p->count; i++)
        if (whole ? i < backbone : dp_freeze_matches(pattern, p->list[i].name)) {
            frozen[i] = true;
            matched++;
        }
    return matched;
}

dp_status dp_freeze_apply(dp_error *err, bool *frozen, const dp_parameters *p,
                          size_t backbone, const char *const *patterns, int count)
{
    for (int i = 0; i < count; i++)
        if (apply(frozen, p, backbone, patterns[i]) == 0)
            return dp_fail(err, DP_EARG,
                           "freeze: '%s' names no parameter; names are like %s",
                           patterns[i], p->count > 0 ? p->list[0].name : "none");
    return DP_OK;
}
