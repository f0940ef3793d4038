/* json_number.h - the numbers of JSON texts, fast and correctly rounded
 */
#ifndef DP_BASE_JSON_NUMBER_H
#define DP_BASE_JSON_NUMBER_H

#include "base/json_stream.h"

/* Read the number at `at`, of any length, and return where it ends; NULL when there is
 * none as RFC 8259 has it. With `nonfinite`, NaN, Infinity and -Infinity are numbers
 * too. The value is the double nearest to what is written (ties to even), whatever the
 * locale. */
const char *dp_json_number_parse(const char *at, const char *end, bool nonfinite,
                                 dp_json_number *number);

#endif
