/* winograd.h - the numbers of F(4 x 4, 3 x 3), for its kernels
 *
 * A convolution multiplies polynomials, evaluated at the points 0, A, -A, B, -B and
 * infinity (Lavin and Gray 2016, section 5). The usual points 1 and 2 more than double
 * the error; here A B is near 1, which keeps the transforms small both ways. A and B are
 * short binary fractions, so everything below is exact in float32.
 */
#ifndef DP_OPS_KERNELS_WINOGRAD_H
#define DP_OPS_KERNELS_WINOGRAD_H

#define WINOGRAD_A    0.65625f
#define WINOGRAD_B    1.5f
#define WINOGRAD_A2   (WINOGRAD_A * WINOGRAD_A)
#define WINOGRAD_B2   (WINOGRAD_B * WINOGRAD_B)
#define WINOGRAD_A3   (WINOGRAD_A2 * WINOGRAD_A)
#define WINOGRAD_B3   (WINOGRAD_B2 * WINOGRAD_B)
#define WINOGRAD_SUM  (WINOGRAD_A2 + WINOGRAD_B2)
#define WINOGRAD_A2B2 (WINOGRAD_A2 * WINOGRAD_B2)

#endif
