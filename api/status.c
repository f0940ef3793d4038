/* include/densepred/status.h: the version, and a phrase for a status. */
#include "densepred/status.h"

const char *dp_version(void)
{
    return DP_VERSION;
}

const char *dp_status_text(dp_status status)
{
    switch (status) {
    case DP_OK:
        return "all well";
    case DP_ENOMEM:
        return "out of memory";
    case DP_EIO:
        return "input or output failed";
    case DP_EFORMAT:
        return "wrong bytes in a file";
    case DP_ECONFIG:
        return "wrong config";
    case DP_ESHAPE:
        return "parts do not fit";
    case DP_EUNSUPPORTED:
        return "not supported";
    case DP_EARG:
        return "wrong argument";
    }
    return "unknown status";
}
