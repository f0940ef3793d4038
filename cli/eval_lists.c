#include "cli/eval_lists.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number at *at, which moves behind it. False when there is none. */
static bool take_double(const char **at, double *value)
{
    char *end;
    *value = strtod(*at, &end);
    const bool ok = end != *at && isfinite(*value);
    *at = end;
    return ok;
}

static bool take_integer(const char **at, long long *value)
{
    char *end;
    errno = 0;
    *value = strtoll(*at, &end, 10);
    const bool ok = end != *at && errno == 0;
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

int dp_eval_parse_caps(dp_coco_settings *s, const char *text)
{
    const char *at = text;
    s->cap_count = 0;
    do {
        long long value;
        if (s->cap_count == DP_COCO_MAX_CAPS || !take_integer(&at, &value) ||
            value < 1 || value > INT_MAX || !take_comma(&at))
            return dp_cli_usage(
                "--max-dets: found \"%s\", expected at most %d positive "
                "numbers with commas",
                text, DP_COCO_MAX_CAPS);
        int i = s->cap_count++;
        for (; i > 0 && s->caps[i - 1] > value; i--)
            s->caps[i] = s->caps[i - 1];
        if (i > 0 && s->caps[i - 1] == value)
            return dp_cli_usage("--max-dets: found %lld twice in \"%s\"", value, text);
        s->caps[i] = (int)value;
    } while (*at);
    return DP_OPTIONS_GO_ON;
}

static int wrong_thresholds(const char *text)
{
    return dp_cli_usage(
        "--iou-thrs: found \"%s\", expected ascending numbers above 0 and "
        "at most 1 (0.5,0.75 or 0.5:0.95:0.05), at most %d",
        text, DP_MAX_IOU_THRESHOLDS);
}

static int parse_steps(dp_coco_settings *s, const char *text)
{
    const char *at = text;
    double first, last, step;
    if (!take_double(&at, &first) || *at++ != ':' || !take_double(&at, &last) ||
        *at++ != ':' || !take_double(&at, &step) || *at || !(first > 0) || last > 1 ||
        last < first || !(step > 0) ||
        (last - first) / step > DP_MAX_IOU_THRESHOLDS - 1)
        return wrong_thresholds(text);
    s->threshold_count = (int)floor((last - first) / step + .5) + 1;
    dp_coco_linspace(s->thresholds, first, last, s->threshold_count);
    return DP_OPTIONS_GO_ON;
}

int dp_eval_parse_thresholds(dp_coco_settings *s, const char *text)
{
    if (strchr(text, ':'))
        return parse_steps(s, text);
    const char *at = text;
    double before = 0;
    s->threshold_count = 0;
    do {
        double value;
        if (s->threshold_count == DP_MAX_IOU_THRESHOLDS || !take_double(&at, &value) ||
            value <= before || value > 1 || !take_comma(&at))
            return wrong_thresholds(text);
        s->thresholds[s->threshold_count++] = before = value;
    } while (*at);
    return DP_OPTIONS_GO_ON;
}

int dp_eval_parse_areas(dp_coco_settings *s, const char *text)
{
    const char *at = text;
    s->area_count = 0;
    do {
        dp_coco_area *a = &s->areas[s->area_count];
        const size_t size = strcspn(at, ":,");
        if (s->area_count == DP_COCO_MAX_AREAS || size == 0 || size >= sizeof a->name ||
            at[size] != ':')
            break;
        memcpy(a->name, at, size);
        a->name[size] = '\0';
        at += size + 1;
        if (!take_double(&at, &a->low) || *at++ != ':' || !take_double(&at, &a->high) ||
            a->high < a->low || !take_comma(&at))
            break;
        s->area_count++;
        if (*at == '\0')
            return DP_OPTIONS_GO_ON;
    } while (true);
    return dp_cli_usage("--area-ranges: found \"%s\", expected at most %d of "
                        "NAME:LOW:HIGH with commas, names of at most %zu characters",
                        text, DP_COCO_MAX_AREAS, sizeof s->areas->name - 1);
}

int dp_eval_parse_ids(const char *option, const char *text, int64_t **ids,
                      size_t *count)
{
    dp_error err = {0};
    void *memory = NULL;
    size_t room = 0, n = 0;
    const char *at = text;
    do {
        long long value;
        if (!take_integer(&at, &value) || !take_comma(&at)) {
            dp_free(memory);
            return dp_cli_usage("--%s: found \"%s\", expected numbers with commas",
                                option, text);
        }
        if (dp_grow(&err, &memory, &room, n + 1, sizeof **ids, "ids") != DP_OK) {
            dp_free(memory);
            return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
        }
        ((int64_t *)memory)[n++] = value;
    } while (*at);
    *ids = memory;
    *count = n;
    return DP_OPTIONS_GO_ON;
}
