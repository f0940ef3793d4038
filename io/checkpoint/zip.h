/* zip.h - the members of a ZIP archive in memory, stored ones only
 *
 * Of an archive that is memory-mapped, opening reads the central directory at its end
 * and nothing else; a member's local header is read and checked when it is located. So a
 * member that nobody asks for costs no page of the file.
 *
 * Strict, since the archives read here are written by one program. Nothing stands before
 * the first member or between the directory and the end records. There is one disk. No two
 * members share a name or overlap. Local headers repeat the directory. Compressed and
 * encrypted members are listed, and refused when they are located. ZIP64 is read.
 *
 * Source: PKWARE's APPNOTE 6.3.
 */
#ifndef DP_IO_CHECKPOINT_ZIP_H
#define DP_IO_CHECKPOINT_ZIP_H

#include "base/name_index.h"
#include "base/status.h"

#include <stdint.h>

typedef struct dp_zip_member {
    uint64_t header; /* offset of its local header                                */
    uint64_t limit;  /* offset at which it ends at the latest                     */
    uint64_t size;   /* bytes as stored, equal to those of the content            */
    uint64_t content_size;
    uint32_t crc; /* CRC-32 of the content */
    uint16_t flags, method;
} dp_zip_member;

typedef struct dp_zip {
    const char *path; /* of the caller; opens every sentence */
    const unsigned char *data;
    size_t size;
    dp_zip_member *members; /* owned; in the directory's order */
    dp_name *names;         /* owned; point into data          */
    size_t count;
    dp_name_index index;
} dp_zip;

/* Read the directory of the archive at data, which must outlive z, as must path.
 * DP_EFORMAT, DP_EUNSUPPORTED (several disks), DP_ENOMEM: z is empty then. */
dp_status dp_zip_init(dp_error *err, dp_zip *z, const char *path,
                      const unsigned char *data, size_t size) DP_MUST_CHECK;

/* The place of the member of that name, or DP_NAME_NONE. */
ptrdiff_t dp_zip_find(const dp_zip *z, dp_name name);

/* The content of member `place`, in z->data: *bytes and *size. Its local header is
 * checked against the directory. DP_EFORMAT; DP_EUNSUPPORTED (compressed, encrypted).
 * Safe for several threads. */
dp_status dp_zip_locate(dp_error *err, const dp_zip *z, size_t place,
                        const unsigned char **bytes, size_t *size) DP_MUST_CHECK;

/* Compare the content's CRC-32 with the directory's: reads all of the member. */
dp_status dp_zip_verify(dp_error *err, const dp_zip *z, size_t place) DP_MUST_CHECK;

/* A zeroed archive is allowed. */
void dp_zip_done(dp_zip *z);

#endif
