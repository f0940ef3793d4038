/* frame.h - how an image was fitted to the network
 */
#ifndef DP_CORE_FRAME_H
#define DP_CORE_FRAME_H

#include "core/box.h"

typedef struct dp_frame {
    dp_size original; /* of the upright image                                     */
    dp_size resized;  /* after the resize; what boxes are clipped to                */
    dp_size padded;   /* of the network's input: resized and zeros below and right  */
    float scale_x;    /* resized / original, of the integer sizes, in float32       */
    float scale_y;
} dp_frame;

#endif
