#include "cli/input_image.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "core/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dp_status decode_standard_input(dp_error *err, dp_context *ctx, dp_image **out)
{
    static const char name[] = "standard input";
    unsigned char *bytes;
    size_t size;
    dp_status st =
        dp_file_load_stream(err, &bytes, &size, stdin, name, DP_MAX_IMAGE_BYTES);
    if (st != DP_OK)
        return st;
    st = dp_image_decode(ctx, out, bytes, size, name);
    dp_free(bytes);
    return st == DP_OK ? st : dp_fail(err, st, "%s", dp_context_error(ctx));
}

dp_status dp_input_image_load(dp_error *err, dp_context *ctx, dp_image **out,
                              const char *path)
{
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return decode_standard_input(err, ctx, out);
    const dp_status st = dp_image_load(ctx, out, path);
    return st == DP_OK ? st : dp_fail(err, st, "%s", dp_context_error(ctx));
}

void dp_input_image_stem(char *stem, size_t size, const char *path)
{
    dp_path_stem(stem, size, strcmp(path, "-") == 0 ? "stdin" : path);
}

const char *dp_input_image_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
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
