/* sha256.h - the digest that names reference values (FIPS 180-4)
 */
#ifndef DP_TESTS_SUPPORT_SHA256_H
#define DP_TESTS_SUPPORT_SHA256_H

#include <stddef.h>

/* 64 lower-case hexadecimal digits and a NUL. */
void sha256_hex(char out[65], const void *bytes, size_t size);

#endif
