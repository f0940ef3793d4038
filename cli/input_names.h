/* input_names.h - how inputs are called in outputs: every input by a name of its own
 *
 * An input's stem is "photo" of "some/photo.jpg". Where several inputs have one stem
 * ("a/1.jpg", "b/1.png"), or a stem is taken by a file of all images ("results.json"), the
 * later ones get numbers: "1-2". Where several have one file name, results call them by
 * their paths.
 */
#ifndef DP_CLI_INPUT_NAMES_H
#define DP_CLI_INPUT_NAMES_H

#include "cli/inputs.h"

typedef struct dp_input_names {
    const dp_inputs *inputs; /* borrowed                                  */
    char **stem;             /* owned, one an input, all different        */
    const char **file;       /* owned, one an input: "photo.jpg", or path */
    size_t renamed;          /* inputs whose stem has a number            */
    size_t first_renamed;    /* one of them, if there are any             */
} dp_input_names;

/* `reserved`: stems that inputs do not get, up to a NULL; NULL: none. DP_ENOMEM; n is empty
 * then. */
dp_status dp_input_names_init(dp_error *err, dp_input_names *n, const dp_inputs *inputs,
                              const char *const *reserved) DP_MUST_CHECK;

/* Release. A zeroed n is allowed. */
void dp_input_names_done(dp_input_names *n);

#endif
