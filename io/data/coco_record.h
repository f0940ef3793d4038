/* coco_record.h - one annotation or result of COCO, as its text says it
 *
 * Both kinds of record have the same keys; which of them must be there is decided by the
 * readers of io/data/coco.h, which alone use this.
 */
#ifndef DP_IO_DATA_COCO_RECORD_H
#define DP_IO_DATA_COCO_RECORD_H

#include "base/json_records.h"
#include "io/data/coco.h"

typedef struct dp_coco_record {
    bool has_id, has_image, has_category, has_box, has_area, has_score, has_crowd;
    bool is_finite;  /* box, area and score are                             */
    bool degenerate; /* some polygon encloses nothing by its vertices       */
    int64_t id, image, category;
    double box[4], area, score; /* box: x y w h */
    bool crowd;
    dp_coco_mask mask;       /* `at` counts from the slot's payload                 */
    int mask_h, mask_w;      /* of run lengths: "size"                              */
    double mask_area;        /* of run lengths                                      */
    dp_box mask_box;         /* of run lengths                                      */
    char what[DP_COCO_WHAT]; /* why the record is broken, or ""                      */
} dp_coco_record;

/* Whether the segmentation is kept: never, when there is no box, always. */
typedef enum dp_coco_masks {
    DP_COCO_MASKS_NEVER,
    DP_COCO_MASKS_WITHOUT_BOX,
    DP_COCO_MASKS_ALWAYS
} dp_coco_masks;

/* Read the record at s. The segmentation is appended to the slot's payload. False when
 * the payload has no room for it; the slot is then as before. A value of the wrong kind
 * sets `what`; a text that is not JSON fails s. */
bool dp_coco_record_read(dp_coco_record *r, dp_json_slot *slot, dp_json_stream *s,
                         dp_coco_masks masks);

/* Append the payload of the slot to *payload of *size bytes, with room for *room; it then
 * starts at *base, a multiple of 8. DP_ENOMEM. */
dp_status dp_coco_payload_append(dp_error *err, unsigned char **payload, size_t *size,
                                 size_t *room, size_t *base,
                                 const dp_json_slot *slot) DP_MUST_CHECK;

#endif
