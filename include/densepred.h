/* densepred.h - dense prediction: objects and segments in images
 *
 * Runs published detectors and segmentors (ConvNeXt with Mask R-CNN, UperNet, ...) from
 * their checkpoints. The one installed header; C11 and C++11.
 *
 *     dp_context *ctx;
 *     dp_model *model;
 *     dp_image *image;
 *     dp_detections *found;
 *
 *     if (dp_context_new(&ctx, NULL) != DP_OK) ...
 *     if (dp_model_load(ctx, &model, "coco/mask_rcnn_convnext_tiny.json",
 *                       "mask_rcnn_convnext_tiny_1k_3x.pth", NULL) != DP_OK)
 *         puts(dp_context_error(ctx));
 *     ...
 *     dp_image_load(ctx, &image, "photo.jpg");
 *     dp_detections_new(ctx, &found);
 *     dp_detect(ctx, model, image, found);
 *     for (size_t i = 0; i < dp_detections_count(found); i++) {
 *         const dp_object o = dp_detections_get(found, i);
 *         printf("%s %.2f\n", dp_model_class_name(model, o.label), o.score);
 *     }
 *
 * Errors. A function that can fail returns a dp_status; the sentence that belongs to it
 * (what was found, what was expected, where) is dp_context_error of the context it was
 * given. Nothing is printed, nothing exits, the environment is not read.
 *
 * Threads. A context is used by one thread at a time; it has its own workers. A model is
 * read-only once loaded: any number of contexts, each in its own thread, may share one.
 * It must outlive their calls. Images, detections and label maps belong to one thread at
 * a time. Results do not depend on the number of threads, bit for bit.
 *
 * Ownership. What a _new, _load or _decode function gives is the caller's, and released
 * by the _free of its type, which takes NULL too. Pointers that other functions return
 * are views, valid until the object they came from is changed or freed.
 *
 * Units. Boxes are continuous pixels of the upright original image: pixel i covers
 * [i, i + 1), x to the right, y down. Class indices (`label`) start at 0.
 */
#ifndef DENSEPRED_H
#define DENSEPRED_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DP_API __attribute__((visibility("default")))
#else
#define DP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a call; few codes, by what a caller can do about it. */
typedef enum dp_status {
    DP_OK = 0,
    DP_ENOMEM,       /* no memory: free some, or take a smaller image              */
    DP_EIO,          /* the system said no: missing file, no permission, disk full */
    DP_EFORMAT,      /* the bytes of a file are wrong                              */
    DP_ECONFIG,      /* a config is wrong: key, value, or parts that do not fit    */
    DP_ESHAPE,       /* tensors, or a checkpoint and a model, do not fit           */
    DP_EUNSUPPORTED, /* valid, but not read by this version                        */
    DP_EARG          /* the caller's mistake                                       */
} dp_status;

typedef struct dp_context dp_context;       /* workers, work space, last error */
typedef struct dp_model dp_model;           /* a config with its weights       */
typedef struct dp_image dp_image;           /* decoded 8-bit pixels            */
typedef struct dp_detections dp_detections; /* what a detector found           */
typedef struct dp_label_map dp_label_map;   /* a class for every pixel         */

/* "0.1.0" */
DP_API const char *dp_version(void);

/* "out of memory", "wrong bytes in a file", ...: a phrase for a code. */
DP_API const char *dp_status_text(dp_status status);

/* ---- context --------------------------------------------------------------------- */

/* Called with what is worth knowing and no failure (a tensor of a checkpoint that the
 * model does not use, ...): one line without newline. From the thread of the call. */
typedef void dp_log_fn(void *arg, const char *line);

/* Zero-initialise, then set what you want. */
typedef struct dp_options {
    int threads;      /* 1 to 1024; 0: the processors this process may use        */
    const char *cpu;  /* highest instruction set to use: "ref", "avx2", "avx512";
                        NULL: what the machine has                               */
    const char *gemm; /* engine of matrix products: "own", "openblas"; NULL: own
                        where there are AVX2 or AVX-512                              */
    const char
        *precision; /* of models loaded in this context: "float32" (NULL) or "bf16":
                         the pointwise layers of ConvNeXt's and Swin's blocks have their
                         weights and inputs rounded to bf16, and sums in float32. Faster
                         and less exact; for processors with AVX512_BF16, elsewhere
                         loading a model is DP_EARG                                    */
    dp_log_fn *log; /* NULL: no log                                             */
    void *log_arg;
} dp_options;

/* options NULL: all defaults. On failure *out is NULL; the only causes are DP_ENOMEM,
 * DP_EARG (options) and DP_EIO (threads). Sets OpenBLAS, when it is used, to one thread a
 * call for the whole process. */
DP_API dp_status dp_context_new(dp_context **out, const dp_options *options);
DP_API void dp_context_free(dp_context *ctx);

/* The sentence of the last failure in this context; "" when there was none. */
DP_API const char *dp_context_error(const dp_context *ctx);

/* ---- images ---------------------------------------------------------------------- */

/* Read a JPEG or PNG file, or decode one from memory (`name` stands for it in sentences).
 * EXIF orientation is applied; grey, palette, CMYK and 16-bit pictures become 8-bit
 * colour; alpha is dropped. DP_EIO, DP_EFORMAT, DP_EUNSUPPORTED, DP_ENOMEM. */
DP_API dp_status dp_image_load(dp_context *ctx, dp_image **out, const char *path);
DP_API dp_status dp_image_decode(dp_context *ctx, dp_image **out, const void *bytes,
                                 size_t size, const char *name);

/* Copy height x width pixels of red, green, blue, one byte each, rows `stride` bytes
 * apart. DP_EARG for a size below 1 or beyond what is supported. */
DP_API dp_status dp_image_from_rgb(dp_context *ctx, dp_image **out, const uint8_t *rgb,
                                   int height, int width, size_t stride);

DP_API int dp_image_height(const dp_image *image);
DP_API int dp_image_width(const dp_image *image);
DP_API void dp_image_free(dp_image *image);

/* ---- models ---------------------------------------------------------------------- */

typedef enum dp_task { DP_TASK_DETECT, DP_TASK_SEGMENT, DP_TASK_CLASSIFY } dp_task;

/* Zero-initialise, then set what you want. */
typedef struct dp_load_options {
    int partial; /* not 0: load although tensors are missing, misshapen or unexpected;
                    each is logged, and what is missing gets random values            */
    uint32_t
        seed; /* of random weights: with no checkpoint, or with partial           */
    const char *test;    /* a section of the config that is laid over its "test":
                            "test_ms_flip" is how a segmentor's multi-scale numbers were
                            published; NULL: none                                     */
    const char *changes; /* a JSON object that is laid over the config after that, such
                            as {"test": {"mode": "whole"}}; NULL: none                */
    int cache; /* not 0: the weights are kept as the kernels read them in a file beside
                  the checkpoint, its name with ".dpcache" added, and read from there by
                  the next load, which is many times faster. The file is as large as the
                  weights in memory (more than the checkpoint where there are 3 x 3
                  convolutions). It is made anew, and written over, when it does not
                  belong to this checkpoint (told by size, time of change and what its
                  ends say), config, processor, precision and version, or is damaged;
                  when it cannot be written that is logged. Not with partial           */
} dp_load_options;

/* Build the model of a JSON config with the weights of a checkpoint (.pth, .pt, .bin,
 * .safetensors); weights NULL: random ones, for measuring speed. options NULL: defaults.
 * Every tensor is accounted for: names that are missing, misshapen or unexpected are all
 * logged and stop the load with DP_ESHAPE. Further DP_EIO, DP_EFORMAT, DP_ECONFIG,
 * DP_EUNSUPPORTED, DP_ENOMEM. The files may go away afterwards. */
DP_API dp_status dp_model_load(dp_context *ctx, dp_model **out, const char *config,
                               const char *weights, const dp_load_options *options);
DP_API void dp_model_free(dp_model *model);

DP_API dp_task dp_model_task(const dp_model *model);

/* Classes, and for an index below their number the name (UTF-8) and the data set's own
 * number (COCO category id, ADE20K label). NULL and -1 for another index. */
DP_API int dp_model_class_count(const dp_model *model);
DP_API const char *dp_model_class_name(const dp_model *model, int label);
DP_API int dp_model_class_id(const dp_model *model, int label);

/* Prepare ctx for images of this original size, so that running one allocates no work
 * space; *bytes (may be NULL) receives how much there is. Done by dp_detect, dp_segment
 * and dp_classify by themselves where needed. DP_ENOMEM, DP_ESHAPE (too small a
 * picture). */
DP_API dp_status dp_model_plan(dp_context *ctx, const dp_model *model, int height,
                               int width, size_t *bytes);

/* ---- detection ------------------------------------------------------------------- */

typedef struct dp_object {
    float x1, y1, x2, y2; /* box; x2 and y2 exclusive   */
    float score;          /* 0 to 1                     */
    int label;            /* class index                */
} dp_object;

/* An empty list. */
DP_API dp_status dp_detections_new(dp_context *ctx, dp_detections **out);
DP_API void dp_detections_free(dp_detections *found);

/* Find the objects of one image. `found` is emptied first and filled in order of falling
 * score; reusing it saves allocations. DP_EARG for a model of another task; DP_ENOMEM,
 * DP_ESHAPE. On failure `found` is empty. */
DP_API dp_status dp_detect(dp_context *ctx, const dp_model *model,
                           const dp_image *image, dp_detections *found);

DP_API size_t dp_detections_count(const dp_detections *found);

/* Object i of count; all zero for another i. */
DP_API dp_object dp_detections_get(const dp_detections *found, size_t i);

/* Write the mask of object i to height x width bytes (of the image), row by row, 0 or 1;
 * all 0 when the model makes no masks. */
DP_API void dp_detections_copy_mask(const dp_detections *found, size_t i,
                                    uint8_t *mask);

/* The mask of object i as COCO's compressed run-length string, zero-terminated, in text of
 * `room` bytes. Returns the bytes needed with the terminator; nothing is written when that
 * is more than room. 0 when there is no mask. */
DP_API size_t dp_detections_format_rle(const dp_detections *found, size_t i, char *text,
                                       size_t room);

/* ---- segmentation ---------------------------------------------------------------- */

/* An empty map. */
DP_API dp_status dp_label_map_new(dp_context *ctx, dp_label_map **out);
DP_API void dp_label_map_free(dp_label_map *map);

/* Give every pixel of one image a class. Reusing `map` saves allocations. DP_EARG for a
 * model of another task; DP_ENOMEM, DP_ESHAPE. */
DP_API dp_status dp_segment(dp_context *ctx, const dp_model *model,
                            const dp_image *image, dp_label_map *map);

DP_API int dp_label_map_height(const dp_label_map *map);
DP_API int dp_label_map_width(const dp_label_map *map);

/* height x width class indices, row by row. */
DP_API const uint8_t *dp_label_map_labels(const dp_label_map *map);

/* ---- classification -------------------------------------------------------------- */

typedef struct dp_class_score {
    int label;   /* class index                                   */
    float score; /* probability, 0 to 1                           */
} dp_class_score;

/* What one image shows, as a whole: the best classes, at most `room`, to `out`, the
 * likeliest first, and how many there are to *count: the config's test.top_k, fewer when
 * the model has fewer classes or `room` is less, none when the weights give no finite
 * numbers. As the published classifiers do, the image is taken as the file stores it:
 * EXIF orientation is undone. DP_EARG for a model of another task; DP_ENOMEM, DP_ESHAPE. */
DP_API dp_status dp_classify(dp_context *ctx, const dp_model *model,
                             const dp_image *image, dp_class_score *out, int room,
                             int *count);

#ifdef __cplusplus
}
#endif

#endif
