#include "train/box_loss.h"

#include <math.h>
#include <stdbool.h>

void dp_box_encode(float delta[4], dp_box box, dp_box object, const float std[4])
{
    const float px = (box.x1 + box.x2) * 0.5f, py = (box.y1 + box.y2) * 0.5f;
    const float pw = box.x2 - box.x1, ph = box.y2 - box.y1;
    const float gx = (object.x1 + object.x2) * 0.5f,
                gy = (object.y1 + object.y2) * 0.5f;
    const float gw = object.x2 - object.x1, gh = object.y2 - object.y1;
    delta[0] = (gx - px) / pw / std[0];
    delta[1] = (gy - py) / ph / std[1];
    delta[2] = logf(gw / pw) / std[2];
    delta[3] = logf(gh / ph) / std[3];
}

double dp_loss_l1(float gradient[4], const float delta[4], const float target[4],
                  double beta)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        const double d = (double)delta[i] - (double)target[i], size = fabs(d);
        const bool smooth = size < beta;
        sum += smooth ? d * d / (2 * beta) : size - beta / 2;
        gradient[i] = smooth ? (float)(d / beta) : (float)((d > 0) - (d < 0));
    }
    return sum;
}

/* The derivative of max(a, b) by a; of min it is that of max with the signs turned. */
static double half_at_ties(double a, double b)
{
    return a > b ? 1 : a == b ? 0.5 : 0;
}

/* One axis of two boxes: overlap and hull, with their derivatives by the first one's low and
 * high edge. */
typedef struct span {
    double length; /* of the first one */
    double overlap, hull;
    double overlap_by[2], hull_by[2];
} span;

static span span_of(double low, double high, double other_low, double other_high)
{
    span s = {.length = high - low};
    const double overlap = fmin(high, other_high) - fmax(low, other_low);
    s.overlap = fmax(overlap, 0);
    s.hull = fmax(high, other_high) - fmin(low, other_low);
    if (overlap >= 0) {
        s.overlap_by[0] = -half_at_ties(low, other_low);
        s.overlap_by[1] = half_at_ties(other_high, high);
    }
    s.hull_by[0] = -half_at_ties(other_low, low);
    s.hull_by[1] = half_at_ties(high, other_high);
    return s;
}

/* Values and derivatives by the edges of one axis, the other axis being as it is. */
typedef struct areas {
    double overlap, both, hull; /* both: of the union */
} areas;

static double giou(areas a)
{
    return a.overlap / a.both - (a.hull - a.both) / a.hull;
}

static double giou_change(areas a, areas by)
{
    return by.overlap / a.both - a.overlap * by.both / (a.both * a.both) +
           by.both / a.hull - a.both * by.hull / (a.hull * a.hull);
}

static const double least_area = 1e-6;

double dp_giou(double gradient[4], const double box[4], dp_box object)
{
    const span axes[2] = {
        span_of(box[0], box[2], (double)object.x1, (double)object.x2),
        span_of(box[1], box[3], (double)object.y1, (double)object.y2)};
    const double own = axes[0].length * axes[1].length;
    const double other = ((double)object.x2 - (double)object.x1) *
                         ((double)object.y2 - (double)object.y1);
    areas a = {.overlap = axes[0].overlap * axes[1].overlap,
               .hull = axes[0].hull * axes[1].hull};
    const double both = own + other - a.overlap;
    const bool small = both < least_area, flat = a.hull < least_area;
    a.both = small ? least_area : both;
    a.hull = flat ? least_area : a.hull;
    for (int axis = 0; axis < 2; axis++)
        for (int edge = 0; edge < 2; edge++) {
            const span *s = &axes[axis], *t = &axes[1 - axis];
            areas by = {.overlap = s->overlap_by[edge] * t->overlap,
                        .hull = flat ? 0 : s->hull_by[edge] * t->hull};
            by.both = small ? 0 : (edge ? t->length : -t->length) - by.overlap;
            gradient[2 * edge + axis] = giou_change(a, by);
        }
    return giou(a);
}

/* |ln(16 / 1000)| */
static const double max_log_ratio = 4.135166556742356;

static double clamp(double x)
{
    return fmax(fmin(x, max_log_ratio), -max_log_ratio);
}

double dp_loss_giou(float gradient[4], const float delta[4], dp_box box, dp_box object,
                    const float std[4])
{
    const double side[2] = {(double)box.x2 - (double)box.x1,
                            (double)box.y2 - (double)box.y1};
    const double centre[2] = {((double)box.x1 + (double)box.x2) / 2,
                              ((double)box.y1 + (double)box.y2) / 2};
    double made[4], by[4];
    for (int i = 0; i < 2; i++) {
        const double at = centre[i] + side[i] * (double)delta[i] * (double)std[i];
        const double half =
            side[i] * exp(clamp((double)delta[2 + i] * (double)std[2 + i])) / 2;
        made[i] = at - half;
        made[2 + i] = at + half;
    }
    const double loss = 1 - dp_giou(by, made, object);
    for (int i = 0; i < 2; i++) {
        const double half = (made[2 + i] - made[i]) / 2;
        const double scaled = (double)delta[2 + i] * (double)std[2 + i];
        gradient[i] = (float)(-(by[i] + by[2 + i]) * side[i] * (double)std[i]);
        gradient[2 + i] =
            fabs(scaled) > max_log_ratio
                ? 0
                : (float)(-(by[2 + i] - by[i]) * half * (double)std[2 + i]);
    }
    return loss;
}
