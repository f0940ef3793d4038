/* checksum.h - a fast sum that tells damaged bytes from whole ones
 *
 * 64 bits over four interleaved lanes, some ten bytes a nanosecond. Every change within
 * one 8-byte word changes it; other damage escapes once in 2^64. Not against forgers: that
 * is base/sha256.h. Of this machine's byte order.
 */
#ifndef DP_BASE_CHECKSUM_H
#define DP_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t dp_checksum(const void *bytes, size_t size);

#endif
