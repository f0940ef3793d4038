/* densepred.h - dense prediction: objects and segments in images
 *
 * The one installed header.
 */
#ifndef DENSEPRED_H
#define DENSEPRED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a call; few codes, by what a caller can do about it. */
typedef enum dp_status {
    DP_OK = 0,
    DP_ENOMEM,       /* no memory: free some, or take a smaller image             */
    DP_EIO,          /* the system said no: missing file, no permission, disk full */
    DP_EFORMAT,      /* the bytes of a file are wrong                             */
    DP_ECONFIG,      /* a config is wrong: key, value, or parts that do not fit   */
    DP_ESHAPE,       /* tensors, or a checkpoint and a model, do not fit          */
    DP_EUNSUPPORTED, /* valid, but not read by this version                       */
    DP_EARG          /* the caller's mistake                                      */
} dp_status;

#ifdef __cplusplus
}
#endif

#endif
