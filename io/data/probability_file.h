/* probability_file.h - a safetensors file of one large map, written some rows at a time
 *
 * For the probabilities of a segmentor, which are never whole in memory. The tensor is
 * (1, K, H, W) float32, as other tools expect it; rows come as (rows, W, K).
 */
#ifndef DP_IO_DATA_PROBABILITY_FILE_H
#define DP_IO_DATA_PROBABILITY_FILE_H

#include "base/atomic_file.h"
#include "core/tensor.h"

typedef struct dp_probability_file {
    dp_atomic_file file;
    long long data; /* offset of the tensor in the file */
    int K, H, W;
    float *plane; /* owned; rows of one class, as they are written */
    size_t plane_capacity;
} dp_probability_file;

/* Start a file with the tensor `name`. DP_EUNSUPPORTED when `path` is a pipe or a
 * terminal, where one cannot go back. DP_EIO, DP_ENOMEM; s is not open then. */
dp_status dp_probability_file_open(dp_error *err, dp_probability_file *s,
                                   const char *path, const char *name, int K, int H,
                                   int W) DP_MUST_CHECK;

/* Write rows [y, y + rows.H) of every class; rows is (1, ?, W, K). DP_EIO,
 * DP_ENOMEM. */
dp_status dp_probability_file_put(dp_error *err, dp_probability_file *s, int y,
                                  dp_tensor rows) DP_MUST_CHECK;

/* Close the file, whole and in its place, or not there; `st` not DP_OK gives it up, and
 * comes back. A file that is not open is allowed. */
dp_status dp_probability_file_close(dp_error *err, dp_probability_file *s,
                                    dp_status st) DP_MUST_CHECK;

#endif
