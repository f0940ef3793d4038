/* proposals.h - from the outputs of a region proposal network to proposals
 *
 * The best anchors of each level are decoded, and suppressed level by level.
 *
 *   A   anchors of a cell
 */
#ifndef DP_POSTPROCESS_PROPOSALS_H
#define DP_POSTPROCESS_PROPOSALS_H

#include "core/frame.h"
#include "core/run.h"
#include "postprocess/anchors.h"
#include "postprocess/nms.h"

/* Where objects may be: boxes in pixels of the resized image, by falling score. In the
 * arena; a dry run has the count that is possible at most. */
typedef struct dp_proposals {
    int count;
    dp_box *boxes;
    float *scores;
} dp_proposals;

/* Candidates of all levels, one after the other. */
typedef struct dp_proposal_candidates {
    int count;
    dp_box *boxes;
    float *scores;
    int *levels;
} dp_proposal_candidates;

/* The outputs of a level. */
typedef struct dp_proposal_level {
    int level;
    const dp_anchors *anchors;
    dp_tensor cls; /* (1, H, W, A) logits of objects           */
    dp_tensor reg; /* (1, H, W, 4 A) dx dy dw dh of each anchor */
} dp_proposal_level;

/* Room for so many, in the arena; none is there yet. */
dp_proposals dp_proposals_take(dp_run *r, int most);
dp_proposal_candidates dp_proposal_candidates_take(dp_run *r, int most);

/* Append the best `most` anchors of a level at most, decoded; its cls may be changed. A
 * dry run appends as many as there may be. */
void dp_proposals_add_level(dp_run *r, const dp_detector_rules *rules,
                            dp_proposal_candidates *out, const dp_frame *frame,
                            const dp_proposal_level *from, int most);

/* What is left of the candidates when each level's are suppressed among themselves. */
void dp_proposals_select(dp_run *r, const dp_nms *nms, dp_proposals *out,
                         dp_proposal_candidates from);

#endif
