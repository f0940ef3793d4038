/* byte_table.h - 8-bit images through a table of 256 values a channel
 *
 *   images   rows of w pixels of 3 bytes, no padding (core/pixels.h)
 *
 * The six of Pillow 9's ImageOps that augmentation uses, bit for bit. Channels do not
 * mix. Pure functions, for any thread.
 */
#ifndef DP_IO_IMAGE_BYTE_TABLE_H
#define DP_IO_IMAGE_BYTE_TABLE_H

#include "core/box.h"

#include <stdint.h>

typedef struct dp_byte_table {
    uint8_t value[3][256]; /* by channel in the image's order, and byte */
} dp_byte_table;

/* Each channel stretched so that its values reach from 0 to 255; one of a single value
 * stays. */
void dp_byte_table_build_auto_contrast(dp_byte_table *t, const uint8_t *image,
                                       dp_size size);

/* Each channel's histogram flattened. One of a single value stays, and one that has less
 * than 255 pixels below its highest value. */
void dp_byte_table_build_equalize(dp_byte_table *t, const uint8_t *image, dp_size size);

/* Values from `threshold` (0 to 256) on become 255 minus themselves: 0 inverts all. */
void dp_byte_table_build_solarize(dp_byte_table *t, int threshold);

/* Values below 128 grow by `add` >= 0, to at most 255. */
void dp_byte_table_build_solarize_add(dp_byte_table *t, int add);

/* The upper `bits` (0 to 8) of each value stay: 0 gives black. */
void dp_byte_table_build_posterize(dp_byte_table *t, int bits);

/* out = in through the table; out may be in. */
void dp_byte_table_run(uint8_t *out, const uint8_t *in, dp_size size,
                       const dp_byte_table *t);

#endif
