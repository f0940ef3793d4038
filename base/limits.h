/* limits.h - limits on what the tools of base/ accept; core/limits.h has all others
 *
 * A reader that meets more refuses, and names the limit.
 */
#ifndef DP_BASE_LIMITS_H
#define DP_BASE_LIMITS_H

enum {
    DP_MAX_JSON_DEPTH = 500,
    DP_MAX_JSON_KEYS = 256,         /* in one object of a document that is read whole */
    DP_MAX_JSON_NUMBER = 63,        /* characters; as many as cJSON reads */
    DP_MAX_CONFIG_BYTES = 16 << 20, /* of a document that is read whole */
    DP_MAX_THREADS = 1024
};

#endif
