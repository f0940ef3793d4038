/* pth_writer.h - files of torch.save, written: whole checkpoints, or piece by piece
 *
 * The pieces write what they are told, so that tests can also make files that lie.
 * Everything here needs a POSIX system; memory that runs out ends the program.
 */
#ifndef DP_TESTS_PTH_WRITER_H
#define DP_TESTS_PTH_WRITER_H

#include "core/named_tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- whole checkpoints ---- */

typedef enum pth_layout {
    PTH_BARE,       /* the state dict itself, as torchvision publishes            */
    PTH_MODEL,      /* {"model": state dict}, as FAIR does                        */
    PTH_STATE_DICT, /* {"meta": {...}, "state_dict": state dict}, as OpenMMLab does */
} pth_layout;

typedef struct pth_options {
    pth_layout layout;
    bool legacy;        /* the form before PyTorch 1.6, not the zip form        */
    const char *prefix; /* put in front of every name; NULL for none            */
    const char *const
        *classes;       /* meta.CLASSES, closed by NULL; NULL for none          */
    const char *config; /* meta.config, the text of one; NULL for none      */
    bool later; /* meta's keys as MMEngine has them: cfg, dataset_meta.classes */
} pth_options;

/* Write the tensors of the types that torch has storages for; one storage for each data
 * pointer, so tensors that share it (and their type and reach) share it in the file. False
 * when the system refuses. */
bool pth_write(const char *path, const dp_named_tensor *tensors, size_t count,
               const pth_options *options);

/* ---- memory that is written to ---- */

/* Start and end a stream to memory: the bytes are the caller's to free after closing. */
typedef struct memory_file {
    FILE *stream;
    char *data;
    size_t size;
} memory_file;

void memory_file_open(memory_file *m);
void memory_file_close(memory_file *m);

/* ---- pickles, protocol 2 ---- */

void pickle_begin(FILE *f);
void pickle_end(FILE *f);
void pickle_text(FILE *f, const char *text);
void pickle_int(FILE *f, int64_t value);
void pickle_float(FILE *f, double value);
void pickle_bool(FILE *f, bool value);
void pickle_global(FILE *f, const char *module, const char *name);
void pickle_ordered_dict(FILE *f); /* an empty one */

/* A tuple of numbers. */
void pickle_sizes(FILE *f, int rank, const int64_t *sizes);

typedef struct pth_view {
    const char *storage_class; /* "FloatStorage" */
    const char *key;
    int64_t storage_count, offset;
    int rank;
    const int64_t *shape, *stride;
} pth_view;

/* The storage of the view, without and with the tensor around it. */
void pickle_storage(FILE *f, const pth_view *v, bool legacy);
void pickle_tensor(FILE *f, const pth_view *v, bool legacy);

/* torch's class of storages of that type; NULL when there is none. */
const char *pth_storage_class(dp_dtype type);

/* ---- archives ---- */

typedef struct zip_member {
    char name[256];
    uint64_t header, size;
    uint32_t crc;
    uint16_t flags, method;
} zip_member;

typedef struct zip_writer {
    FILE *file;
    uint64_t at;
    zip_member *members;
    size_t count;
} zip_writer;

/* Start an archive in a stream that stands at its start. */
void zip_begin(zip_writer *z, FILE *file);

/* Add a stored member as torch does: aligned to 64 bytes, sizes behind the content. */
void zip_add(zip_writer *z, const char *name, const void *data, size_t size);

/* The same with `size` zero bytes that take no room on the disk, and a wrong checksum;
 * the stream is a file. */
void zip_add_hole(zip_writer *z, const char *name, uint64_t size);

/* Write the directory with its ZIP64 end records, and release z. */
void zip_end(zip_writer *z);

#endif
