/* utf8.h - whether bytes are text
 */
#ifndef DP_BASE_UTF8_H
#define DP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text[0..size) is well-formed UTF-8: shortest forms only, no surrogates, at
 * most U+10FFFF (RFC 3629). Zero bytes are well-formed. */
bool dp_utf8_is_valid(const char *text, size_t size);

/* The same without zero bytes and control characters: fit for a name that is printed
 * and stored as a C string. */
bool dp_utf8_is_name(const char *text, size_t size);

#endif
