/* sha256.h - the digest by which a file is known (FIPS 180-4)
 */
#ifndef DP_BASE_SHA256_H
#define DP_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { DP_SHA256_BYTES = 32, DP_SHA256_HEX = 65 };

/* Private: a digest under way. */
typedef struct dp_sha256 {
    uint32_t state[8];
    uint64_t size;     /* bytes so far             */
    uint8_t block[64]; /* the last size % 64 of them */
} dp_sha256;

void dp_sha256_init(dp_sha256 *s);
void dp_sha256_add(dp_sha256 *s, const void *bytes, size_t size);

/* The digest of all that was added; s is used up. */
void dp_sha256_finish(dp_sha256 *s, uint8_t digest[DP_SHA256_BYTES]);

/* 64 lower-case hexadecimal digits and a NUL. */
void dp_sha256_format(char hex[DP_SHA256_HEX], const uint8_t digest[DP_SHA256_BYTES]);

#endif
