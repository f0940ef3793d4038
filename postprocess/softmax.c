#include "postprocess/softmax.h"

#include <math.h>

void dp_softmax_rows(float *y, const float *x, size_t rows, int C)
{
    for (size_t r = 0; r < rows; r++, x += C, y += C) {
        float max = x[0], sum = 0;
        for (int c = 1; c < C; c++)
            max = x[c] > max ? x[c] : max;
        for (int c = 0; c < C; c++) {
            y[c] = expf(x[c] - max);
            sum += y[c];
        }
        for (int c = 0; c < C; c++)
            y[c] /= sum;
    }
}

void dp_sigmoid(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = 1 / (1 + expf(-x[i]));
}
