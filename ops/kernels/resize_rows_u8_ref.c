#include "ops/kernels/kernels.h"

void dp_resize_rows_u8_ref(uint8_t *out, const int32_t *h0, const int32_t *h1, int b0,
                           int b1, int n)
{
    for (int i = 0; i < n; i++) {
        const int v0 = (b0 * (h0[i] >> 4)) >> 16;
        const int v1 = (b1 * (h1[i] >> 4)) >> 16;
        const int v = (v0 + v1 + 2) >> 2;

        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}
