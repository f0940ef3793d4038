/* random.h - random numbers that follow from where they are used, or are replayed
 *
 * A dp_random is a stream of draws named by (seed, epoch, index, purpose), where index is
 * the number of an image or of a step. Draw k of a stream is a function of these four
 * numbers and k alone. So it does not depend on threads, workers, or where a run was
 * resumed, and streams of different names are independent.
 *
 * The generator is Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers:
 * As Easy as 1, 2, 3", SC 2011. It passes TestU01's BigCrush. The key is the seed; the
 * counter's four words are the block's number, purpose, epoch and index. A block gives
 * two numbers of 64 bits; each draw takes one, except dp_random_beta. After 2^33 numbers
 * a stream repeats.
 *
 * A stream may instead hand out draws that were stored, in their order (dp_replay), so
 * that code written once is compared with another program. Each stored draw names its
 * kind and bounds; asking for another is remembered as a failure.
 *
 * Nothing here allocates or fails. A stream is for one thread at a time.
 */
#ifndef DP_BASE_RANDOM_H
#define DP_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dp_draw_kind {
    DP_DRAW_UNIT,     /* dp_random_unit, in double     */
    DP_DRAW_UNIT_F32, /* dp_random_unit_f32            */
    DP_DRAW_UNIFORM,  /* bounds low, high              */
    DP_DRAW_INTEGER,  /* bounds first, last, inclusive */
    DP_DRAW_NORMAL,   /* bounds mean, deviation        */
    DP_DRAW_BETA      /* bounds a, b                   */
} dp_draw_kind;

typedef struct dp_draw {
    dp_draw_kind kind;
    double bounds[2]; /* 0, 0 of the two units */
    double value;
} dp_draw;

/* Stored draws and how far they were read. `failed` is set by a draw of another kind or
 * other bounds than asked for, and by one beyond the last: 0 or the lower bound is handed
 * out then. All were used when next == count. */
typedef struct dp_replay {
    const dp_draw *draws; /* of the caller */
    size_t count, next;
    bool failed;
} dp_replay;

/* May be copied: the copy goes on with the same draws. */
typedef struct dp_random {
    uint64_t seed, next; /* next: the number of the next 64 bits */
    uint32_t epoch, index, purpose;
    uint64_t spare; /* number `next`, when it is odd */
    dp_replay *replay;
} dp_random;

void dp_random_init(dp_random *r, uint64_t seed, uint32_t epoch, uint32_t index,
                    uint32_t purpose);

/* Hand out the draws of `replay`, which outlives r. */
void dp_random_init_replay(dp_random *r, dp_replay *replay);

/* Ten rounds of Philox4x32. */
void dp_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* The next 64 bits; not to be asked of a replay. */
uint64_t dp_random_bits(dp_random *r);

/* In [0, 1), a multiple of 2^-53; or in float32 a multiple of 2^-24. */
double dp_random_unit(dp_random *r);
float dp_random_unit_f32(dp_random *r);

/* low + (high - low) * unit, in double. */
double dp_random_uniform(dp_random *r, double low, double high);

/* In [first, last], both included; first <= last, and last - first < 2^31. The upper
 * 32 bits times the range: the probability of a value errs by less than 2^-32. */
int dp_random_between(dp_random *r, int first, int last);

/* In [0, count), count >= 1: the same draw as dp_random_between(0, count - 1). */
int dp_random_below(dp_random *r, int count);

/* Normal by its inverse distribution function (base/normal.h), of (k + 1/2) / 2^52; at
 * most 8.3 deviations from the mean. */
double dp_random_normal(dp_random *r, double mean, double deviation);

/* Beta(a, b) in [0, 1], a, b > 0: x / (x + y) of two gamma variables, kept as logarithms
 * so that tiny a and b do no harm. Marsaglia and Tsang, "A Simple Method for Generating
 * Gamma Variables", 2000. Takes six 64-bit numbers or, one time in twenty or so, more. */
double dp_random_beta(dp_random *r, double a, double b);

/* Put 0 .. count - 1 into out in random order (Fisher and Yates, from the last place
 * down): count - 1 draws of dp_random_below(place + 1). */
void dp_random_permutation(dp_random *r, int *out, int count);

#endif
