#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

DP_PRINTF(2, 0)
static void format_text(char *text, const char *format, va_list args)
{
    const int n = vsnprintf(text, DP_ERROR_TEXT, format, args);
    if (n < 0)
        text[0] = '\0';
    if (n >= DP_ERROR_TEXT)
        memcpy(text + DP_ERROR_TEXT - 4, "...", 4);
    clean(text);
}

dp_status dp_fail(dp_error *err, dp_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_text(err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

dp_status dp_fail_while(dp_error *err, const char *format, ...)
{
    char inner[DP_ERROR_TEXT];
    memcpy(inner, err->text, sizeof inner);

    va_list args;
    va_start(args, format);
    format_text(err->text, format, args);
    va_end(args);

    const size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    return err->code;
}
