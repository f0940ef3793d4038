/* loader.h - batches of images, read and made ready ahead by threads of their own
 *
 * A loader reads images of a list in the order it is told. Its threads decode an image and
 * hand it to `prepare`. They work up to DP_LOADER_AHEAD batches ahead of the caller, so
 * memory is bounded. What comes out depends on the order alone, not on the threads. An
 * image that fails fails its batch when that is asked for: the first of them by place.
 *
 * Classifiers are trained and run on images as they are stored: EXIF's orientation is undone.
 *
 * One caller at a time.
 */
#ifndef DP_TRAIN_LOADER_H
#define DP_TRAIN_LOADER_H

#include "core/box.h"
#include "core/pixels.h"
#include "core/run.h"
#include "train/image_list.h"

typedef struct dp_loader dp_loader;

enum { DP_LOADER_AHEAD = 3 }; /* batches in memory, with the caller's */

/* The network's input (1, H, W, 3) of image `index` of the list, in r's arena: dry, and then
 * for real. Called by several threads at once. */
typedef dp_tensor dp_prepare_fn(void *arg, dp_run *r, uint32_t epoch, int index,
                                const dp_pixels *image);

typedef struct dp_loader_options {
    const dp_image_list *images; /* borrowed */
    dp_size size;                /* of what is prepared: H, W          */
    int batch;   /* images, 1 or more; the last of an order has what is left */
    int workers; /* threads, 1 to DP_MAX_THREADS       */
    const struct dp_kernels *kernels; /* borrowed */
    dp_prepare_fn *prepare;
    void *arg;
} dp_loader_options;

/* DP_ENOMEM; DP_EIO: a thread cannot start. *out is NULL then. */
dp_status dp_loader_new(dp_error *err, dp_loader **out,
                        const dp_loader_options *options) DP_MUST_CHECK;

/* Ends the threads. NULL is allowed. */
void dp_loader_free(dp_loader *l);

/* Begin to read images order[0 .. count) of the list, which stays in place until the next
 * call or dp_loader_free. What an earlier call began is dropped. */
void dp_loader_start(dp_loader *l, const int *order, size_t count, uint32_t epoch);

typedef struct dp_batch {
    dp_tensor images; /* (N, H, W, 3), may be changed; N = 0: the order is at its end */
    int *labels;      /* N */
} dp_batch;

/* Wait for the next batch, which is valid until the next call. DP_EIO, DP_EFORMAT,
 * DP_EUNSUPPORTED, DP_ESHAPE of an image, by name; DP_ENOMEM. */
dp_status dp_loader_next(dp_error *err, dp_loader *l, dp_batch *batch) DP_MUST_CHECK;

#endif
