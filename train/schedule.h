/* schedule.h - the learning rate, or the weight decay, at a point of a run
 *
 * Pure functions in double. Time t is the number of the iteration, from 0, whose step the
 * value is for; the epoch-wise cosine takes epochs, with a fraction.
 */
#ifndef DP_TRAIN_SCHEDULE_H
#define DP_TRAIN_SCHEDULE_H

typedef enum dp_schedule_kind {
    /* ConvNeXt's table. t < warmup: base t / (warmup - 1), so the first value is 0 and the
     * last is base; a warm-up of one is 0. Then with i = t - warmup and n = length -
     * warmup: last + (base - last)(1 + cos(pi i / n)) / 2. */
    DP_SCHEDULE_COSINE,
    /* ConvNeXt V2's. t < warmup: base t / warmup; then as above. length, warmup and t are in
     * epochs: t is the epoch plus the part of its batches that went before. */
    DP_SCHEDULE_EPOCH_COSINE,
    /* mmcv's step: base factor^k, where k of the `steps` are <= t. */
    DP_SCHEDULE_STEP,
    /* mmcv's poly: last + (base - last)(1 - t / length)^power. */
    DP_SCHEDULE_POLY
} dp_schedule_kind;

enum { DP_SCHEDULE_STEPS = 8 };

/* For step and poly, values before t = warmup are multiplied by 1 - (1 - t / warmup)(1 -
 * warmup_ratio): mmcv's linear warm-up. */
typedef struct dp_schedule {
    dp_schedule_kind kind;
    double base, last;
    double length; /* of the run, warm-up included */
    double warmup, warmup_ratio;
    double power;                    /* of poly */
    double factor;                   /* of step */
    int step_count;                  /* at most DP_SCHEDULE_STEPS */
    double steps[DP_SCHEDULE_STEPS]; /* ascending                 */
} dp_schedule;

/* The value at t in [0, length). */
double dp_schedule_at(const dp_schedule *s, double t);

#endif
