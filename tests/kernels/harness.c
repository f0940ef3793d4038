#define _DEFAULT_SOURCE
#include "tests/kernels/harness.h"

#include "tests/support/random.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MARGIN = 64, POISON = 0xFF, MAX_BUFFERS = 16 };

/* guard page | margin, data, margin | guard page */
typedef struct buffer {
    unsigned char *pages;
    size_t size; /* of all the pages */
    unsigned char *data;
    size_t bytes;
} buffer;

static buffer buffers[MAX_BUFFERS];
static int n_buffers;
static uint64_t state;
static char case_text[200];
static char failure[400];
static long n_compared;

void harness_begin(uint64_t seed)
{
    state = seed;
    failure[0] = '\0';
    n_compared = 0;
    harness_case("no case");
    harness_case_end();
}

const char *harness_failure(void)
{
    if (failure[0])
        return failure;
    return n_compared == 0 ? "nothing was compared" : NULL;
}

void harness_case(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(case_text, sizeof case_text, format, arguments);
    va_end(arguments);
}

static void record(const char *format, ...) DP_PRINTF(1, 2);

static void record(const char *format, ...)
{
    char text[160];
    va_list arguments;

    if (failure[0])
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(failure, sizeof failure, "%s: %s", case_text, text);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *buffer_of(size_t count, size_t size)
{
    const size_t page = page_size(), bytes = count * size;
    const size_t inner = (bytes + 3 * MARGIN + page - 1) / page * page;
    /* Any alignment of floats; half of the time with the guard page right after. */
    const size_t shift = int_random(2) ? 0 : 4 * (size_t)int_random(MARGIN / 4);
    buffer *b = &buffers[n_buffers++];

    ck_assert_int_le(n_buffers, MAX_BUFFERS);
    b->size = inner + 2 * page;
    b->pages =
        mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(b->pages, MAP_FAILED);
    memset(b->pages, POISON, b->size);
    ck_assert_int_eq(mprotect(b->pages, page, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(b->pages + page + inner, page, PROT_NONE), 0);
    b->bytes = bytes;
    b->data = b->pages + page + inner - MARGIN - shift - bytes;
    return b->data;
}

/* How many bytes from `from` to `to` are not poison. */
static size_t touched(const unsigned char *from, const unsigned char *to)
{
    size_t n = 0;

    for (; from < to; from++)
        n += *from != POISON;
    return n;
}

void harness_case_end(void)
{
    const size_t page = page_size();

    for (int i = 0; i < n_buffers; i++) {
        const buffer *b = &buffers[i];
        const size_t before = touched(b->pages + page, b->data);
        const size_t after = touched(b->data + b->bytes, b->pages + b->size - page);

        if (before)
            record("%zu bytes written before buffer %d", before, i);
        if (after)
            record("%zu bytes written past the end of buffer %d", after, i);
        munmap(b->pages, b->size);
    }
    n_buffers = 0;
}

float *floats_poison(size_t n)
{
    return buffer_of(n, sizeof(float));
}

float *floats_copy(const float *x, size_t n)
{
    float *copy = floats_poison(n);

    if (n > 0)
        memcpy(copy, x, n * sizeof *x);
    return copy;
}

float *floats_random(size_t n, float low, float high)
{
    float *x = floats_poison(n);

    for (size_t i = 0; i < n; i++)
        x[i] = random_float(&state, low, high);
    return x;
}

float *floats_special(size_t n, int rarity)
{
    static const float special[] = {
        NAN,     -NAN,     INFINITY,       -INFINITY,       0,         -0.0f,
        FLT_MIN, -FLT_MIN, FLT_MIN / 1024, -FLT_MIN / 1024, 1,         -1,
        FLT_MAX, -FLT_MAX, 1e30f,          -1e30f,          0x1p-149f, -0x1p-149f,
    };
    float *x = floats_random(n, -8, 8);

    for (size_t i = 0; i < n; i++)
        if (int_random(rarity) == 0)
            x[i] = special[int_random(COUNT(special))];
    return x;
}

int int_random(int below)
{
    return random_int(&state, below);
}

void expect_bits(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool both_nan = isnan(got[i]) && isnan(want[i]);

        if (!both_nan && memcmp(&got[i], &want[i], sizeof *got) != 0)
            record("value %zu is %.9g (%a), expected %.9g (%a)", i, (double)got[i],
                   (double)got[i], (double)want[i], (double)want[i]);
    }
    n_compared += n > 0;
}

void expect_bytes(const void *got, const void *want, size_t n)
{
    const unsigned char *a = got, *b = want;

    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            record("byte %zu is %d, expected %d", i, a[i], b[i]);
    n_compared += n > 0;
}

void expect_int(long got, long want)
{
    if (got != want)
        record("%ld, expected %ld", got, want);
    n_compared++;
}

void expect_near(float got, double want, double bound, size_t index)
{
    if (!(fabs((double)got - want) <= bound))
        record("value %zu is %.9g, expected %.9g within %.3g", index, (double)got, want,
               bound);
    n_compared++;
}
