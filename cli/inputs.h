/* inputs.h - INPUT arguments as a list of images
 *
 * A file stands for itself, a directory for its images (dp_image_is_named) sorted by name
 * (bytes; not the folders inside it), @list.txt for the paths on its lines, and - for one
 * image on standard input. Whether a file is there and is an image shows when it is read.
 */
#ifndef DP_CLI_INPUTS_H
#define DP_CLI_INPUTS_H

#include "base/status.h"

#include <stddef.h>

typedef struct dp_inputs {
    char **path; /* owned; "-" is standard input */
    size_t count, capacity;
} dp_inputs;

/* Append what one argument stands for to `in` (zeroed at first). DP_EIO a directory or
 * list cannot be read, DP_EFORMAT nothing is in it, DP_EARG a second -, DP_ENOMEM; what
 * was appended before stays. */
dp_status dp_inputs_add(dp_error *err, dp_inputs *in,
                        const char *argument) DP_MUST_CHECK;

/* Append all arguments, saying on standard error which of them fail. Returns the exit
 * status so far: DP_EXIT_OK, DP_EXIT_SOME, or another one to leave with. */
int dp_inputs_add_all(dp_inputs *in, char *const *arguments, int count);

void dp_inputs_done(dp_inputs *in);

#endif
