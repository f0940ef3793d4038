#include "cli/eval_lists.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 1000 };

/* A number at *at, which moves behind it, to out. False when there is none. */
static bool take(const char **at, dp_list_kind kind, void *out)
{
    char *end;
    errno = 0;
    if (kind == DP_LIST_DOUBLE) {
        const double value = strtod(*at, &end);
        memcpy(out, &value, sizeof value);
        errno = isfinite(value) ? 0 : ERANGE;
    } else {
        const int64_t value = strtoll(*at, &end, 10);
        const int narrow = (int)value;
        if (kind == DP_LIST_INT64)
            memcpy(out, &value, sizeof value);
        else
            memcpy(out, &narrow, sizeof narrow);
        if (kind == DP_LIST_INT && (value < INT_MIN || value > INT_MAX))
            errno = ERANGE;
    }
    const bool ok = end != *at && **at != ' ' && errno == 0;
    *at = end;
    return ok;
}

/* Over a comma, or at the end: whether the list is in order so far. */
static bool take_comma(const char **at)
{
    if (**at == '\0')
        return true;
    if (**at != ',' || (*at)[1] == '\0')
        return false;
    (*at)++;
    return true;
}

int dp_eval_parse_list(const char *option, const char *text, dp_list_kind kind,
                       void **list, size_t *count)
{
    const size_t size = kind == DP_LIST_INT ? sizeof(int) : sizeof(int64_t);
    dp_error err = {0};
    size_t room = 0;
    const char *at = text;
    *list = NULL;
    *count = 0;
    do {
        if (dp_grow(&err, list, &room, *count + 1, size, "a list") != DP_OK)
            return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
        if (!take(&at, kind, (char *)*list + *count * size) || !take_comma(&at))
            return dp_cli_usage("--%s: \"%s\" is no list of numbers with commas",
                                option, text);
        ++*count;
    } while (*at);
    return DP_OPTIONS_GO_ON;
}

int dp_eval_parse_thresholds(const char *option, const char *text, double **list,
                             int *count)
{
    const char *at = text;
    double first, last, step;
    void *memory = NULL;
    dp_error err = {0};
    if (!strchr(text, ':')) {
        size_t n;
        const int status =
            dp_eval_parse_list(option, text, DP_LIST_DOUBLE, &memory, &n);
        *list = memory;
        *count = n > INT_MAX ? INT_MAX : (int)n;
        return status;
    }
    if (!take(&at, DP_LIST_DOUBLE, &first) || *at++ != ':' ||
        !take(&at, DP_LIST_DOUBLE, &last) || *at++ != ':' ||
        !take(&at, DP_LIST_DOUBLE, &step) || *at || last < first || !(step > 0) ||
        (last - first) / step > MOST_STEPS)
        return dp_cli_usage("--%s: \"%s\" is not FIRST:LAST:STEP, such as "
                            "0.5:0.95:0.05",
                            option, text);
    *count = (int)floor((last - first) / step + .5) + 1;
    if (dp_alloc(&err, &memory, (size_t)*count, sizeof **list, "a list") != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    *list = memory;
    const double width = *count > 1 ? (last - first) / (*count - 1) : 0;
    for (int i = 0; i < *count; i++)
        (*list)[i] = i * width + first;
    if (*count > 1)
        (*list)[*count - 1] = last;
    return DP_OPTIONS_GO_ON;
}

int dp_eval_parse_areas(const char *option, const char *text, dp_area_range **list,
                        int *count)
{
    size_t ranges = 1;
    for (const char *p = text; *p; p++)
        ranges += *p == ',';
    dp_error err = {0};
    void *memory;
    const size_t text_size = strlen(text) + 1;
    if (dp_alloc(&err, &memory, ranges * sizeof **list + text_size, 1, "a list") !=
        DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    *list = memory;
    char *const names = memcpy(*list + ranges, text, text_size);
    const char *at = names;
    for (*count = 0; (size_t)*count < ranges; ++*count) {
        dp_area_range *a = &(*list)[*count];
        char *colon = strchr(at, ':');
        a->name = at;
        at = colon ? colon + 1 : "";
        if (!take(&at, DP_LIST_DOUBLE, &a->low) || *at++ != ':' ||
            !take(&at, DP_LIST_DOUBLE, &a->high) || !take_comma(&at))
            return dp_cli_usage("--%s: \"%s\" is no list of NAME:LOW:HIGH with commas",
                                option, text);
        *colon = '\0';
    }
    return DP_OPTIONS_GO_ON;
}
