#include "train/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static double cosine(const dp_schedule *s, double t)
{
    const double i = t - s->warmup, n = s->length - s->warmup;
    return s->last + 0.5 * (s->base - s->last) * (1 + cos(pi * i / n));
}

static double iteration_cosine(const dp_schedule *s, double t)
{
    if (t >= s->warmup)
        return cosine(s, t);
    return s->warmup > 1 ? t * (s->base / (s->warmup - 1)) : 0;
}

static double epoch_cosine(const dp_schedule *s, double t)
{
    return t < s->warmup ? s->base * t / s->warmup : cosine(s, t);
}

/* The regular value after mmcv's linear warm-up. */
static double warmed_up(const dp_schedule *s, double t, double regular)
{
    if (t >= s->warmup)
        return regular;
    return regular * (1 - (1 - t / s->warmup) * (1 - s->warmup_ratio));
}

static double step(const dp_schedule *s, double t)
{
    int passed = 0;
    while (passed < s->step_count && s->steps[passed] <= t)
        passed++;
    return warmed_up(s, t, s->base * pow(s->factor, passed));
}

static double poly(const dp_schedule *s, double t)
{
    const double left = pow(1 - t / s->length, s->power);
    return warmed_up(s, t, (s->base - s->last) * left + s->last);
}

static double (*const kinds[])(const dp_schedule *s, double t) = {
    [DP_SCHEDULE_COSINE] = iteration_cosine,
    [DP_SCHEDULE_EPOCH_COSINE] = epoch_cosine,
    [DP_SCHEDULE_STEP] = step,
    [DP_SCHEDULE_POLY] = poly,
};

double dp_schedule_at(const dp_schedule *s, double t)
{
    return kinds[s->kind](s, t);
}
