/* torch_zip.h - the zip form of torch.save (PyTorch 1.6 and later)
 *
 * Members FOLDER/data.pkl (the object), FOLDER/data/KEY (the storages, raw, little
 * endian), FOLDER/byteorder (absent from older files); others are not looked at.
 */
#ifndef DP_IO_CHECKPOINT_TORCH_ZIP_H
#define DP_IO_CHECKPOINT_TORCH_ZIP_H

#include "io/checkpoint/torch_file.h"

/* Whether the bytes start like a ZIP archive. */
bool dp_torch_zip_is(const unsigned char *data, size_t size);

/* Fill values, root, zip and folder of *f. data.pkl's CRC-32 is compared; the storages'
 * are not. On failure *f is the caller's to release. */
dp_status dp_torch_zip_read(dp_error *err, dp_torch_file *f, const unsigned char *data,
                            size_t size) DP_MUST_CHECK;

/* The storage of that key. DP_EFORMAT when there is none. */
dp_status dp_torch_zip_storage(dp_error *err, const dp_torch_file *f, dp_name key,
                               dp_torch_storage *out) DP_MUST_CHECK;

#endif
