#include "cli/input_image.h"

#include "base/path.h"
#include "io/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dp_status dp_input_image_read(dp_error *err, dp_pixels *out, const char *path)
{
    if (strcmp(path, "-") == 0)
        return dp_pixels_load_stream(err, out, stdin, "standard input");
    return dp_pixels_load(err, out, path);
}

void dp_input_image_stem(char *stem, size_t size, const char *path)
{
    dp_path_stem(stem, size, strcmp(path, "-") == 0 ? "stdin" : path);
}

bool dp_input_image_number(const char *path, long long *number)
{
    char stem[64];
    dp_input_image_stem(stem, sizeof stem, path);
    if (strspn(stem, "0123456789") != strlen(stem) || stem[0] == '\0')
        return false;
    errno = 0;
    *number = strtoll(stem, NULL, 10);
    return errno == 0;
}
