/* outputs.h - the files that belong to inputs: FOLDER/STEM + suffix
 *
 * Two inputs with one name ("a/1.jpg" and "b/1.png") would write the same files: the
 * second is refused. So is a file that would replace its own input.
 */
#ifndef DP_CLI_OUTPUTS_H
#define DP_CLI_OUTPUTS_H

#include "cli/inputs.h"

typedef struct dp_outputs {
    const char *folder;      /* borrowed */
    const dp_inputs *inputs; /* borrowed */
    size_t *order;           /* owned; inputs by stem, then as given */
} dp_outputs;

/* Make the folder and those on its way, where they are not there yet. DP_EIO,
 * DP_ENOMEM; o is empty then. */
dp_status dp_outputs_init(dp_error *err, dp_outputs *o, const char *folder,
                          const dp_inputs *inputs) DP_MUST_CHECK;
void dp_outputs_done(dp_outputs *o);

/* The path of input i's file with this suffix ("_overlay.jpg"), the caller's to
 * dp_free. DP_EFORMAT when it belongs to an earlier input or is the input itself;
 * DP_ENOMEM. */
dp_status dp_outputs_path(dp_error *err, const dp_outputs *o, char **path, size_t i,
                          const char *suffix) DP_MUST_CHECK;

#endif
