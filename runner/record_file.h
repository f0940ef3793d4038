/* record_file.h - a file that only grows, by a record at a time, whole or not at all
 *
 * For the results of a long run: a process that is killed, or a disk that is full, leaves
 * a torn record at the end at most. It is noticed by length and checksum, and cut off when
 * the file is opened to go on. Bytes are little-endian:
 *
 *   file    "DPREC\0\0\1", key (32 bytes), records
 *   record  "RECD", kind (4), item (8), size (8), payload (size), crc32 (4) of all before
 *           it but "RECD"
 *
 * The key says whose records they are; the file of another key is refused. The disk is not
 * told to sync: a record survives the process, and the machine once the system wrote it.
 */
#ifndef DP_RUNNER_RECORD_FILE_H
#define DP_RUNNER_RECORD_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DP_RECORD_KEY_BYTES = 32 };

typedef struct dp_record {
    uint64_t item;
    uint32_t kind;
    size_t at, size; /* of the payload in the file */
    const unsigned char *payload;
} dp_record;

/* Called for each record, in the order of the file; `payload` is valid during the call. */
typedef dp_status dp_record_visit(dp_error *err, void *arg, const dp_record *record);

/* Visit the whole records of a file's bytes; *whole receives where they end. `name` is for
 * sentences. key NULL: records of any run. DP_EFORMAT: no record file; DP_EARG: the key is another; what visit
 * returned. */
dp_status dp_record_file_scan(dp_error *err, const unsigned char *bytes, size_t size,
                              const char *name, const uint8_t key[DP_RECORD_KEY_BYTES],
                              dp_record_visit *visit, void *arg,
                              size_t *whole) DP_MUST_CHECK;

/* Zero-initialised, it is not open. One thread at a time. */
typedef struct dp_record_file {
    char *path; /* owned; NULL: not open */
    int fd;
    size_t end;            /* of the whole records                        */
    size_t cut;            /* bytes of a torn record that opening cut off */
    unsigned char *buffer; /* owned */
    size_t room;
} dp_record_file;

/* Open a file to append to, made when it is missing; visit the records it has. DP_EIO:
 * the system refuses, or another process has it open to append; and the errors of a
 * scan. f is not open then. */
dp_status dp_record_file_open(dp_error *err, dp_record_file *f, const char *path,
                              const uint8_t key[DP_RECORD_KEY_BYTES],
                              dp_record_visit *visit, void *arg) DP_MUST_CHECK;

/* Whether the file has a record of this kind, of any run, or another process appends to it.
 * DP_EIO: it cannot be read; DP_EFORMAT: it is no record file. */
dp_status dp_record_file_is_used(dp_error *err, bool *used, const char *path,
                                 uint32_t kind) DP_MUST_CHECK;

/* Append a record. DP_EIO (the file ends in its last whole record then), DP_ENOMEM. */
dp_status dp_record_file_append(dp_error *err, dp_record_file *f, uint64_t item,
                                uint32_t kind, const void *payload,
                                size_t size) DP_MUST_CHECK;

/* Allowed on a file that is not open. */
void dp_record_file_close(dp_record_file *f);

#endif
