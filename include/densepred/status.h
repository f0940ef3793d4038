/* densepred/status.h - what a call returns
 */
#ifndef DENSEPRED_STATUS_H
#define DENSEPRED_STATUS_H

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

/* "0.1.0" */
DP_API const char *dp_version(void);

/* "out of memory", "wrong bytes in a file", ...: a phrase for a code. */
DP_API const char *dp_status_text(dp_status status);

#ifdef __cplusplus
}
#endif

#endif
