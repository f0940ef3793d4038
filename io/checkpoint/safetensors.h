/* safetensors.h - tensors in the safetensors format
 *
 * 8 bytes: the length N of the header; N bytes of JSON, name -> dtype, shape and the range
 * of its bytes, with texts under "__metadata__"; then the bytes of the tensors, row-major
 * and little endian, without gaps.
 *
 * Source: the format's description in huggingface/safetensors (README).
 */
#ifndef DP_IO_CHECKPOINT_SAFETENSORS_H
#define DP_IO_CHECKPOINT_SAFETENSORS_H

#include "base/atomic_file.h"
#include "io/checkpoint/pickle_value.h"
#include "io/checkpoint/tensor_list.h"

/* Whether the bytes can be a safetensors file: a header's length that fits, and '{'. */
bool dp_safetensors_is(const unsigned char *data, size_t size);

/* Read the file of `size` bytes at data, which must outlive the list. Tensors come in the
 * order of their bytes. The metadata become a DICT of TEXT in *metadata, *root, with
 * escapes resolved into *texts, the caller's to dp_free once the values are released.
 *
 * DP_EFORMAT unless: the header is an object, valid as JSON and UTF-8, of at most
 * DP_MAX_SAFETENSORS_HEADER bytes, padded with nothing but blanks; no name stands twice;
 * each entry has dtype, shape, data_offsets, and nothing else; the ranges follow each
 * other from 0 to the end of the file without holes, and each has the bytes that dtype
 * and shape say; metadata are texts. DP_EUNSUPPORTED: a rank above DP_MAX_TENSOR_RANK.
 * DP_ENOMEM. On failure list and values are the caller's to release all the same. */
dp_status dp_safetensors_read(dp_error *err, dp_tensor_list *list,
                              dp_pickle_values *metadata, dp_pickle_value *root,
                              char **texts, const char *path, const unsigned char *data,
                              size_t size) DP_MUST_CHECK;

/* Write `count` tensors, and metadata as key, value, key, value, ... closed by NULL (NULL
 * for none). Tensors are written row-major, those of large elements first, so that each
 * is aligned in the file; names and texts are UTF-8. The file is whole or not there
 * (base/atomic_file.h). DP_EARG: a name twice or not UTF-8; DP_EUNSUPPORTED: a tensor of
 * DP_DTYPE_OTHER; DP_EIO, DP_ENOMEM. */
dp_status dp_safetensors_save(dp_error *err, const char *path,
                              const dp_named_tensor *tensors, size_t count,
                              const char *const *metadata) DP_MUST_CHECK;

/* The same, appended to f, which is empty; committing is the caller's. */
dp_status dp_safetensors_write(dp_error *err, dp_atomic_file *f,
                               const dp_named_tensor *tensors, size_t count,
                               const char *const *metadata) DP_MUST_CHECK;

#endif
