#include "ops/kernels/kernels.h"
#include "ops/kernels/winograd.h"

enum { IN = DP_WINOGRAD_IN, TAPS = 3 };

/* Three taps as a polynomial at the six points, over what the input's side lacks. */
static void evaluate(double out[IN], double w0, double w1, double w2)
{
    static const double a = (double)WINOGRAD_A, b = (double)WINOGRAD_B;
    const double over_a = 1 / (2 * a * a * (a * a - b * b));
    const double over_b = 1 / (2 * b * b * (b * b - a * a));

    out[0] = w0 / (a * a * b * b);
    out[1] = (w0 + w2 * a * a + w1 * a) * over_a;
    out[2] = (w0 + w2 * a * a - w1 * a) * over_a;
    out[3] = (w0 + w2 * b * b + w1 * b) * over_b;
    out[4] = (w0 + w2 * b * b - w1 * b) * over_b;
    out[5] = w2;
}

void dp_winograd_weights(float *u, size_t plane, const float w[9], float scale)
{
    double down[TAPS][IN]; /* column by column */

    for (int x = 0; x < TAPS; x++)
        evaluate(down[x], (double)w[x] * (double)scale,
                 (double)w[TAPS + x] * (double)scale,
                 (double)w[2 * TAPS + x] * (double)scale);
    for (int i = 0; i < IN; i++) {
        double row[IN];

        evaluate(row, down[0][i], down[1][i], down[2][i]);
        for (int j = 0; j < IN; j++, u += plane)
            *u = (float)row[j];
    }
}
