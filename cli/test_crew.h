/* test_crew.h - the workers of a test: contexts that share one model
 */
#ifndef DP_CLI_TEST_CREW_H
#define DP_CLI_TEST_CREW_H

#include "cli/session.h"
#include "cli/test_desk.h"
#include "cli/test_plan.h"

typedef struct dp_test_crew {
    dp_session session; /* with the first context */
    dp_context *
        *contexts; /* owned but for the first; of one thread each, when several */
    int count;
    uint8_t ids[256]; /* segmentors: the data set's number of each class */
} dp_test_crew;

/* Load the plan's model, and start as many workers as are asked for. Says what is wrong;
 * returns an exit status of cli.h, and c is only open with DP_EXIT_OK. */
int dp_test_crew_open(dp_test_crew *c, const dp_test_plan *plan);
void dp_test_crew_close(dp_test_crew *c);

/* Work until the desk has no more images. A detector's answer is the image's COCO records,
 * a segmentor's a PNG label map. Returns DP_EXIT_OK, also when images failed; or
 * DP_EXIT_MACHINE after saying why, with the desk stopped. */
int dp_test_crew_run(dp_test_crew *c, const dp_test_desk *desk);

#endif
