#include "cli/cli.h"

#include "base/atomic_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int dp_cli_status(dp_status status, dp_subject subject)
{
    if (status == DP_OK)
        return DP_EXIT_OK;
    if (status == DP_ENOMEM)
        return DP_EXIT_MACHINE;
    if (status == DP_EARG)
        return DP_EXIT_USAGE;
    switch (subject) {
    case DP_SUBJECT_INPUT:
        return DP_EXIT_SOME;
    case DP_SUBJECT_MODEL:
        return DP_EXIT_MODEL;
    case DP_SUBJECT_OUTPUT:
        break;
    }
    return DP_EXIT_MACHINE;
}

/* One line, whatever is in the names that it holds. */
DP_PRINTF(1, 0)
static void say(const char *format, va_list args)
{
    char text[2 * DP_ERROR_TEXT];
    vsnprintf(text, sizeof text, format, args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr, "densepred: %s\n", text);
}

int dp_cli_fail(const dp_error *err, dp_subject subject)
{
    dp_cli_say("%s", err->text);
    return dp_cli_status(err->code, subject);
}

void dp_cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

int dp_cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return DP_EXIT_USAGE;
}

int dp_cli_write(const char *path, const char *text)
{
    dp_error err = {0};
    dp_atomic_file f = {0};
    if (strcmp(path, "-") == 0) {
        fputs(text, stdout); /* a failure shows when the program ends */
        return DP_EXIT_OK;
    }
    dp_status st = dp_atomic_file_open(&err, &f, path);
    if (st == DP_OK) {
        (void)dp_atomic_file_write(&err, &f, text, strlen(text));
        st = dp_atomic_file_commit(&err, &f);
    }
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
}

int dp_cli_print(const char *text, const char *numbers, const char *json)
{
    if (!json || strcmp(json, "-") != 0)
        fputs(text, stdout);
    return json ? dp_cli_write(json, numbers) : DP_EXIT_OK;
}
