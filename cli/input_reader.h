/* input_reader.h - the images of a list, read on a thread while the one before is worked on
 */
#ifndef DP_CLI_INPUT_READER_H
#define DP_CLI_INPUT_READER_H

#include "cli/inputs.h"
#include "densepred.h"

typedef struct dp_input_reader dp_input_reader;

/* Start to read the images of a list, which must stay: one ahead of the one that was taken last.
 * DP_ENOMEM, DP_EIO (threads); *out is NULL then. */
dp_status dp_input_reader_new(dp_error *err, dp_input_reader **out,
                              const dp_inputs *inputs) DP_MUST_CHECK;

/* The image of the next input, the caller's to release, or why it cannot be read, as
 * dp_image_load. To be called once for each input, in order. */
dp_status dp_input_reader_next(dp_error *err, dp_input_reader *r,
                               dp_image **image) DP_MUST_CHECK;

/* End the thread, also before the last image. NULL is allowed. */
void dp_input_reader_free(dp_input_reader *r);

#endif
