/* torch_file.h - what torch.save wrote: its values and its storages
 *
 * A storage is a run of elements of one type; a tensor is a view of one, by an offset, a
 * shape and strides. Both forms of torch.save (torch_zip.h, torch_legacy.h) end up here.
 */
#ifndef DP_IO_CHECKPOINT_TORCH_FILE_H
#define DP_IO_CHECKPOINT_TORCH_FILE_H

#include "core/named_tensor.h"
#include "io/checkpoint/pickle_value.h"
#include "io/checkpoint/stored_type.h"
#include "io/checkpoint/zip.h"

typedef struct dp_torch_storage {
    const unsigned char *bytes;
    size_t size;
} dp_torch_storage;

typedef struct dp_torch_file {
    const char *path; /* of the caller; opens every sentence */
    dp_pickle_values values;
    dp_pickle_value root;
    /* The zip form: members "FOLDER/data/KEY". */
    dp_zip zip;
    dp_name folder;
    /* The legacy form: storages by key. Both owned. */
    dp_name *keys;
    dp_torch_storage *storages;
    dp_name_index index;
    bool is_zip;
} dp_torch_file;

/* Read the file of torch.save at data, which must outlive *f, as must path. The values are
 * checked: no cycles, no deeper than DP_MAX_PICKLE_DEPTH. DP_EFORMAT, DP_EUNSUPPORTED,
 * DP_ENOMEM: *f is empty then. */
dp_status dp_torch_file_init(dp_error *err, dp_torch_file *f, const char *path,
                             const unsigned char *data, size_t size) DP_MUST_CHECK;

/* The TENSOR at v of f->values, checked against its storage: the storage has the bytes that
 * its element count says, and offset, shape and strides stay inside. *out has no name,
 * and its data is in the mapping; `name` is for the sentence. DP_EFORMAT; DP_EUNSUPPORTED
 * (a rank above DP_MAX_TENSOR_RANK; a compressed storage). Safe for several threads. */
dp_status dp_torch_file_tensor(dp_error *err, const dp_torch_file *f, dp_pickle_value v,
                               const char *name, dp_named_tensor *out,
                               const dp_stored_type **type) DP_MUST_CHECK;

/* A zeroed file is allowed. */
void dp_torch_file_done(dp_torch_file *f);

#endif
