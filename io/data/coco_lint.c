#include "io/data/coco_lint.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name, *array;
    bool breaks;
} kinds[] = {
#define X(kind, name, array, breaks) {name, array, breaks},
    DP_COCO_KINDS(X)
#undef X
};

const char *dp_coco_kind_name(dp_coco_kind kind)
{
    return kinds[kind].name;
}

bool dp_coco_kind_breaks(dp_coco_kind kind)
{
    return kinds[kind].breaks;
}

void dp_coco_lint_add(dp_coco_lint *lint, dp_coco_kind kind, size_t record,
                      const char *place, const char *format, ...)
{
    dp_coco_finding *f = &lint->of[kind];
    if (f->count++ > 0)
        return;
    f->record = record;
    f->place = place;
    va_list list;
    va_start(list, format);
    vsnprintf(f->what, sizeof f->what, format, list);
    va_end(list);
}

void dp_coco_lint_merge(dp_coco_lint *lint, const dp_coco_lint *later, size_t base)
{
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        const dp_coco_finding *from = &later->of[i];
        dp_coco_finding *to = &lint->of[i];
        if (from->count == 0)
            continue;
        const size_t before = to->count;
        if (before == 0) {
            *to = *from;
            to->record += base;
        }
        to->count = before + from->count;
    }
}

void dp_coco_lint_set_lines(dp_coco_lint *lint, const dp_json_stream *s)
{
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        dp_coco_finding *f = &lint->of[i];
        if (f->place)
            f->line = dp_json_stream_line(s, f->place);
        f->place = NULL;
    }
}

size_t dp_coco_lint_broken(const dp_coco_lint *lint)
{
    size_t broken = 0;
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++)
        if (kinds[i].breaks)
            broken += lint->of[i].count;
    return broken;
}

void dp_coco_lint_format(char *text, size_t size, const dp_coco_lint *lint,
                         dp_coco_kind kind, const char *file)
{
    const dp_coco_finding *f = &lint->of[kind];
    char more[48] = "";
    if (f->count > 1)
        snprintf(more, sizeof more, " (the first of %zu)", f->count);
    if (f->line == 0)
        snprintf(text, size, "%s: %s%s", file, f->what, more);
    else
        snprintf(text, size, "%s:%zu: %s[%zu]: %s%s", file, f->line, kinds[kind].array,
                 f->record, f->what, more);
}
