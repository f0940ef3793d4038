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

void dp_softmax_run(dp_run *r, dp_tensor x)
{
    if (!r->dry)
        dp_softmax_rows(x.data, x.data, dp_tensor_rows(x), x.C);
}

static void sigmoid_item(void *arg, int item, int worker)
{
    (void)worker;
    const dp_tensor *x = arg;
    const size_t size = dp_tensor_size(*x) / (size_t)x->N;
    float *data = x->data + (size_t)item * size;
    dp_sigmoid(data, data, size);
}

void dp_sigmoid_run(dp_run *r, dp_tensor x)
{
    if (!r->dry)
        dp_parallel(r->pool, x.N, sigmoid_item, &x);
}
