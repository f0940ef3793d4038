/* input_image.h - reading the images that INPUT stands for
 */
#ifndef DP_CLI_INPUT_IMAGE_H
#define DP_CLI_INPUT_IMAGE_H

#include "base/status.h"
#include "densepred.h"

#include <stdbool.h>
#include <stddef.h>

/* The image at `path`, "-" for standard input; the caller's to release. Errors as
 * dp_image_load. */
dp_status dp_input_image_load(dp_error *err, dp_context *ctx, dp_image **out,
                              const char *path) DP_MUST_CHECK;

/* "photo" of "some/photo.jpg", cut to fit; "stdin" for "-". */
void dp_input_image_stem(char *stem, size_t size, const char *path);

/* "photo.jpg" of "some/photo.jpg". */
const char *dp_input_image_name(const char *path);

/* The number that the file's name is, as COCO's are (000000000139.jpg is 139); false when
 * it is not a number. */
bool dp_input_image_number(const char *path, long long *number);

#endif
