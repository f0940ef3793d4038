/* stored_draws.h - the random draws that reference data keep, as a replay
 */
#ifndef DP_TESTS_SUPPORT_STORED_DRAWS_H
#define DP_TESTS_SUPPORT_STORED_DRAWS_H

#include "base/random.h"

#include <cjson/cJSON.h>

typedef struct stored_draws {
    dp_draw *draws; /* owned */
    dp_replay replay;
    dp_random random; /* hands out the replay */
} stored_draws;

/* Read a list of [function, arguments, value], or of [function, arguments, {keywords},
 * value], into s, which must not move. A value that is a list becomes so many draws. The
 * values of "normal_noise" are taken in order from *noise, which moves on. Upper bounds of integers are included, unless `exclusive`.
 * Fails the test when it does not know a function. */
void stored_draws_init(stored_draws *s, const cJSON *list, const double **noise,
                       bool exclusive);

/* Fail the test unless exactly these draws were asked for, then release. */
void stored_draws_done(stored_draws *s, const char *what);

#endif
