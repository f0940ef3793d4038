/* weight_init.h - what a classifier's parameters are before training
 *
 * Every parameter is drawn from a stream of its own, so none depends on another.
 */
#ifndef DP_TRAIN_WEIGHT_INIT_H
#define DP_TRAIN_WEIGHT_INIT_H

#include "base/random.h"

#include <stddef.h>

/* Put n values of N(0, deviation^2) cut at [-limit, limit] into w: the inverse distribution
 * function (base/normal.h) of a uniform number between the limits', rounded to float32. One
 * dp_random_unit each. */
void dp_init_truncated_normal(dp_random *r, float *w, size_t n, double deviation,
                              double limit);

/* The rule of a ConvNeXt classifier, by name and number of dimensions. Names that end in
 * ".bias", and GRN's gamma and beta: 0. Layer scales, which end in ".gamma": layer_scale.
 * Other parameters of one dimension, the weights of norms: 1. Weights of convolutions and
 * linear layers: normal with deviation 0.02, cut at 2. */
void dp_init_convnext(dp_random *r, const char *name, int rank, float *w, size_t n,
                      double layer_scale);

#endif
