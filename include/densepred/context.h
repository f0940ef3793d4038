/* densepred/context.h - workers, work space and the last error of one caller
 */
#ifndef DENSEPRED_CONTEXT_H
#define DENSEPRED_CONTEXT_H

#include "densepred/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_context dp_context; /* workers, work space, last error */

/* Called with what is worth knowing and no failure (a tensor of a checkpoint that the
 * model does not use, ...): one line without newline. From the thread of the call. */
typedef void dp_log_fn(void *arg, const char *line);

/* Zero-initialise, then set what you want. */
typedef struct dp_options {
    int threads; /* 1 to 1024; 0: the processors this process may use */

    /* Highest instruction set to use: "ref", "avx2", "avx512"; NULL: what the machine
     * has. */
    const char *cpu;

    /* Engine of GEMMs: "own", "openblas"; NULL: own where there are AVX2 or AVX-512. */
    const char *gemm;

    /* Of models loaded in this context: "float32" (NULL) or "bf16". With bf16 the pointwise
     * layers of ConvNeXt's and Swin's blocks round their weights and inputs, and add in
     * float32. That is faster and less exact. It needs a processor with AVX512_BF16;
     * elsewhere loading a model is DP_EARG. */
    const char *precision;

    dp_log_fn *log; /* NULL: no log */
    void *log_arg;
} dp_options;

/* options NULL: all defaults. On failure *out is NULL; the only causes are DP_ENOMEM,
 * DP_EARG (options) and DP_EIO (threads). Sets OpenBLAS, when it is used, to one thread a
 * call for the whole process. */
DP_API dp_status dp_context_new(dp_context **out, const dp_options *options);
DP_API void dp_context_free(dp_context *ctx);

/* The sentence of the last failure in this context; "" when there was none. */
DP_API const char *dp_context_error(const dp_context *ctx);

#ifdef __cplusplus
}
#endif

#endif
