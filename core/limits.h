/* limits.h - every limit on what is read, but those of base/limits.h
 *
 * A reader that meets more refuses, and names the limit.
 */
#ifndef DP_CORE_LIMITS_H
#define DP_CORE_LIMITS_H

/* clang-format off */
enum {
    DP_MAX_IMAGE_SIDE         = 65500,     /* pixels; what JPEG itself can express       */
    DP_MAX_IMAGE_PIXELS       = 268435456, /* 2^28: 768 MB of 8-bit BGR                  */
    DP_MAX_IMAGE_BYTES        = 1 << 30,   /* of a file, encoded                         */
    DP_MAX_FRAME_PIXELS       = 1 << 26,   /* of a stream: 192 MB of 8-bit BGR           */
    DP_MAX_FRAME_BYTES        = 1 << 27,   /* of a stream's JPEG                         */
    DP_MAX_JPEG_SCANS         = 500,       /* progressive files have about ten           */
    DP_MAX_TENSOR_RANK        = 8,
    DP_MAX_TENSOR_NAME        = 1024,      /* bytes                                      */
    DP_MAX_TENSORS            = 1 << 20,   /* in one checkpoint                          */
    DP_MAX_PICKLE_STACK       = 1 << 20,
    DP_MAX_PICKLE_DEPTH       = 200,       /* nested containers                          */
    DP_MAX_PICKLE_VALUES      = 1 << 23,   /* in all pickles of a checkpoint             */
    DP_MAX_PICKLE_ITEMS       = 1 << 25,   /* of all their containers                    */
    DP_MAX_PICKLE_GLOBALS     = 4096,      /* different names that are not read          */
    DP_MAX_ZIP_MEMBERS        = 1 << 20,
    DP_MAX_REPEATED_ELEMENTS  = 1 << 24,   /* of a tensor that repeats its storage       */
    DP_MAX_SAFETENSORS_HEADER = 100000000, /* bytes; the format's own limit              */
    DP_MAX_CONFIG_BASES       = 16,        /* files in a chain of "base"                 */
    DP_MAX_CONFIG_KEY         = 63,        /* bytes of a key in --set                    */
    DP_MAX_OPTION_LIST        = 64,        /* values of an option that may be repeated   */
    DP_MAX_CONFIG_FOLDERS     = 8,         /* inside one another, below configs           */
    DP_MAX_CLASSES            = 65535,     /* of one data set                            */
    DP_MAX_CLASS_NAME         = 255,       /* bytes                                      */
    DP_MAX_PARAM_VALUES       = 64,        /* values of one key                          */
    DP_MAX_POLYGON_COORD      = 100000000, /* pixels, either sign                        */
    DP_MAX_POLYGON_RUNS       = 1 << 24,   /* in one polygon's mask                      */
    DP_MAX_IOU_THRESHOLDS     = 64,        /* one bit each in a word                     */
    DP_MAX_RECORD_BYTES       = 1 << 30,   /* of one image's results in a run directory  */
    DP_MAX_DETECTIONS         = 10000,     /* that a detector is asked for in one image  */
    DP_MAX_LEVELS             = 8          /* maps in a feature pyramid                  */
};
/* clang-format on */

#endif
