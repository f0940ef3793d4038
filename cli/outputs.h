/* outputs.h - the files that belong to inputs: FOLDER/STEM + suffix
 *
 * Every input has a stem of its own (cli/input_names.h), so no two write the same file. A
 * file that would replace an input, its own or another, is refused.
 */
#ifndef DP_CLI_OUTPUTS_H
#define DP_CLI_OUTPUTS_H

#include "cli/input_names.h"

#include <stdbool.h>

typedef struct dp_outputs {
    const char *folder;           /* borrowed */
    const dp_input_names *names;  /* borrowed */
    struct dp_output_file *files; /* owned; the inputs on the disk, sorted */
    size_t file_count;
} dp_outputs;

/* Make the folder and those on its way, where they are not there yet. DP_EIO,
 * DP_ENOMEM; o is empty then. */
dp_status dp_outputs_init(dp_error *err, dp_outputs *o, const char *folder,
                          const dp_input_names *names) DP_MUST_CHECK;
void dp_outputs_done(dp_outputs *o);

/* The path of input i's file with this suffix ("_overlay.jpg"), the caller's to
 * dp_free. DP_EFORMAT when it is an input; DP_ENOMEM. */
dp_status dp_outputs_path(dp_error *err, const dp_outputs *o, char **path, size_t i,
                          const char *suffix) DP_MUST_CHECK;

/* Whether two paths lead to one file that is there. */
bool dp_outputs_are_same(const char *a, const char *b);

/* Whether the path ends as an image's name does (.jpg, .jpeg, .png, in any case) and is no
 * folder. */
bool dp_outputs_is_image(const char *path);

#endif
