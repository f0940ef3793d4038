#include "base/json_number.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More significant digits than any double needs to be told from its neighbours; of those
 * beyond, only matters whether one is not zero. */
enum { DIGITS = 800 };

/* A number as read: w * 10^exponent, with more digits after those of w when cut. */
struct decimal {
    uint64_t w;
    int exponent;
    bool cut;
};

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from p on into d; `fraction` says which side of the point. */
static const char *take_digits(const char *p, const char *end, bool fraction,
                               struct decimal *d)
{
    for (; p < end && is_digit(*p); p++) {
        if (d->w <= (INT64_MAX - 9) / 10) {
            d->w = d->w * 10 + (uint64_t)(*p - '0');
            d->exponent -= fraction;
        } else {
            d->cut |= *p != '0';
            d->exponent += !fraction;
        }
        if (d->exponent > INT_MAX / 4 || d->exponent < INT_MIN / 4)
            return NULL; /* half a billion digits */
    }
    return p;
}

/* The exponent from 'e' on; it saturates far outside of what matters. */
static const char *take_exponent(const char *p, const char *end, int *exponent)
{
    bool minus = false;
    int e = 0;
    p++;
    if (p < end && (*p == '+' || *p == '-'))
        minus = *p++ == '-';
    if (p == end || !is_digit(*p))
        return NULL;
    for (; p < end && is_digit(*p); p++)
        if (e < INT_MAX / 20)
            e = e * 10 + (*p - '0');
    *exponent += minus ? -e : e;
    return p;
}

/* Any number, by the C library: the digits without their point, so that no locale
 * matters, in a buffer that holds all that can matter. */
static double convert_slowly(const char *p, const char *end)
{
    char text[DIGITS + 32];
    size_t n = 0;
    int exponent = 0;
    bool fraction = false, more = false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            fraction = true;
        } else if (n < DIGITS) {
            if (n > 0 || *p != '0')
                text[n++] = *p;
            exponent -= fraction;
        } else {
            more |= *p != '0';
            exponent += !fraction;
        }
    }
    if (more) {
        text[n++] = '1';
        exponent--;
    }
    if (n == 0)
        return 0;
    if (p < end)
        take_exponent(p, end, &exponent);
    snprintf(text + n, sizeof text - n, "e%d", exponent);
    return strtod(text, NULL);
}

/* w / 10^n by one division in the 64 bits of an x87 register: both operands are exact
 * there, so rounding its result once more is wrong only if that result lies just in the
 * middle of two doubles. False then, and on other machines. */
static bool divide(uint64_t w, int n, double *value)
{
#if LDBL_MANT_DIG == 64 && (defined(__x86_64__) || defined(__i386__))
    static const long double tens[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                       1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                       1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                       1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    if (n >= (int)(sizeof tens / sizeof *tens))
        return false;
    const long double q = (long double)w / tens[n];
    uint64_t mantissa;
    memcpy(&mantissa, &q, sizeof mantissa);
    *value = (double)q;
    return (mantissa & 0x7ff) != 0x400;
#else
    (void)w;
    (void)n;
    (void)value;
    return false;
#endif
}

static double convert(const struct decimal *d, const char *text, const char *end)
{
    double value;
    if (d->cut)
        return convert_slowly(text, end);
    if (d->w == 0)
        return 0;
    if (d->exponent == 0)
        return (double)d->w;
    if (d->w <= (uint64_t)1 << 53 && d->exponent >= -22 && d->exponent <= 22)
        return d->exponent < 0 ? (double)d->w / powers[-d->exponent]
                               : (double)d->w * powers[d->exponent];
    if (d->exponent < 0 && divide(d->w, -d->exponent, &value))
        return value;
    return convert_slowly(text, end);
}

static const char *take_word(const char *at, const char *end, const char *word)
{
    const size_t size = strlen(word);
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0 ? at + size : NULL;
}

static const char *parse_nonfinite(const char *at, const char *end,
                                   dp_json_number *number)
{
    const bool minus = *at == '-';
    const char *after = take_word(at + minus, end, "Infinity");
    *number = (dp_json_number){.value = minus ? -(double)INFINITY : (double)INFINITY};
    if (!after) {
        number->value = (double)NAN;
        after = take_word(at, end, "NaN");
    }
    return after;
}

const char *dp_json_number_parse(const char *at, const char *end, bool nonfinite,
                                 dp_json_number *number)
{
    struct decimal d = {0};
    const char *p = at;
    const bool minus = p < end && *p == '-';
    p += minus;
    if (p == end || !is_digit(*p))
        return nonfinite && p < end ? parse_nonfinite(at, end, number) : NULL;
    const char *const digits = p;
    p = *p == '0' ? p + 1 : take_digits(p, end, false, &d);
    if (p && p < end && *p == '.') {
        const char *const fraction = ++p;
        p = take_digits(p, end, true, &d);
        if (p == fraction)
            return NULL;
    }
    if (p && p < end && (*p == 'e' || *p == 'E'))
        p = take_exponent(p, end, &d.exponent);
    if (!p || (p < end && is_digit(*p)))
        return NULL; /* a zero in front of other digits */

    const double value = convert(&d, digits, p);
    number->value = minus ? -value : value;
    if (!d.cut && d.exponent == 0) {
        number->integer = minus ? -(int64_t)d.w : (int64_t)d.w;
        number->is_integer = true;
    } else {
        /* Whole all the same, as 1.0 or 1e3? Only where doubles have all integers. */
        number->is_integer = fabs(value) <= 0x1p53 && floor(value) == value;
        number->integer = number->is_integer ? (int64_t)number->value : 0;
    }
    return p;
}
