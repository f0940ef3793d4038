#include "base/text.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for `more` bytes and the terminator behind what is there. */
static bool reserve(dp_text *t, size_t more)
{
    if (t->status != DP_OK)
        return false;
    size_t need;
    if (!dp_add_size(&need, t->size, more) || !dp_add_size(&need, need, 1)) {
        t->status = dp_fail(t->err, DP_ENOMEM, "out of memory: a text is too long");
        return false;
    }
    t->status = dp_grow(t->err, &t->data, &t->capacity, need, 1, "a text");
    return t->status == DP_OK;
}

void dp_text_add(dp_text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->data + t->size, (size_t)n + 1, format, again);
        t->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void dp_text_add_float(dp_text *t, float value)
{
    char text[32] = "0";
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        const float back = strtof(text, NULL);
        if (!(back < value) && !(back > value))
            break;
    }
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = '.';
    dp_text_add(t, "%s", text);
}

void dp_text_add_double(dp_text *t, double value)
{
    char text[32] = "0";
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (!(back < value) && !(back > value))
            break;
    }
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = '.';
    dp_text_add(t, "%s", text);
}

void dp_text_add_quoted(dp_text *t, const char *value)
{
    dp_text_add(t, "\"");
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if (*p == '"' || *p == '\\')
            dp_text_add(t, "\\%c", *p);
        else if (*p < 0x20)
            dp_text_add(t, "\\u%04x", *p);
        else
            dp_text_add(t, "%c", *p);
    }
    dp_text_add(t, "\"");
}

const char *dp_text_get(const dp_text *t)
{
    return t->data ? t->data : "";
}

void dp_text_done(dp_text *t)
{
    dp_free(t->data);
    t->data = NULL;
    t->size = t->capacity = 0;
    t->status = DP_OK;
}
