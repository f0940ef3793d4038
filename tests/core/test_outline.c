#include "core/outline.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A mask from a drawing, rows joined by '/'. */
typedef struct drawing {
    int h, w;
    uint8_t *pixels;
    dp_rle rle;
} drawing;

static void drawing_done(drawing *d)
{
    free(d->pixels);
    free(d->rle.counts);
}

static void encode(drawing *d)
{
    d->rle = (dp_rle){d->h, d->w, 0, malloc(((size_t)d->h * (size_t)d->w + 1) * 4)};
    d->rle.count = dp_rle_encode(d->rle.counts, d->pixels, d->h, d->w);
}

static drawing draw(const char *text)
{
    drawing d = {1, (int)strcspn(text, "/"), malloc(strlen(text)), {0}};
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '/')
            d.h++;
        else
            d.pixels[n++] = *p == '#';
    }
    encode(&d);
    return d;
}

/* Twice the area that a ring goes round, clockwise positive. */
static long area2(const dp_outline *o, const dp_ring *r)
{
    long sum = 0;
    for (size_t i = 0; i < r->count; i++) {
        const dp_point p = o->points[r->first + i];
        const dp_point q = o->points[r->first + (i + 1) % r->count];
        sum += (long)p.x * q.y - (long)q.x * p.y;
    }
    return sum;
}

/* How often the rings of a part (-1: of all) go round the centre of a pixel. */
static int winding(const dp_outline *o, int part, int x, int y)
{
    int turns = 0;
    for (size_t r = 0; r < o->ring_count; r++) {
        const dp_ring *ring = &o->rings[r];
        if (part >= 0 && ring->part != part)
            continue;
        for (size_t i = 0; i < ring->count; i++) {
            const dp_point p = o->points[ring->first + i];
            const dp_point q = o->points[ring->first + (i + 1) % ring->count];
            if (p.x == q.x && p.x > x) /* a vertical edge right of the centre */
                turns += p.y <= y && q.y > y ? 1 : q.y <= y && p.y > y ? -1 : 0;
        }
    }
    return turns;
}

static void check_encloses_exactly(const drawing *d, const dp_outline *o)
{
    for (int y = 0; y < d->h; y++)
        for (int x = 0; x < d->w; x++)
            ck_assert_int_eq(winding(o, -1, x, y), d->pixels[y * d->w + x]);
    for (size_t r = 0; r < o->ring_count; r++) {
        const dp_ring *ring = &o->rings[r];
        ck_assert_uint_ge(ring->count, 4);
        ck_assert((area2(o, ring) > 0) == !ring->hole);
        const bool begins = r == 0 || ring->part != o->rings[r - 1].part;
        ck_assert(ring->hole == !begins);
        ck_assert_int_eq(ring->part, r == 0 ? 0 : o->rings[r - 1].part + begins);
        for (size_t i = 0; i < ring->count; i++) { /* every point is a corner */
            const dp_point a = o->points[ring->first + i];
            const dp_point b = o->points[ring->first + (i + 1) % ring->count];
            const dp_point c = o->points[ring->first + (i + 2) % ring->count];
            ck_assert((a.x == b.x) != (a.y == b.y));
            ck_assert((a.x == b.x) == (b.y == c.y));
        }
    }
}

static const struct {
    const char *what, *text;
    size_t rings, points;
    int holes;
} cases[] = {
    {"nothing", "...", 0, 0, 0},
    {"one pixel", "#", 1, 4, 0},
    {"all of it", "###/###", 1, 4, 0},
    {"an L", "#../#../###", 1, 6, 0},
    {"two parts", "#.#", 2, 8, 0},
    {"corners do not join", "#./.#", 2, 8, 0},
    {"nor do these", ".#/#.", 2, 8, 0},
    {"a ring", "###/#.#/###", 2, 8, 1},
    {"holes that touch are one", "####/#.##/##.#/####", 2, 12, 1},
    {"open at a corner, it is no hole", "###/#.#/##.", 1, 10, 0},
    {"an island in a lake", "#####/#...#/#.#.#/#...#/#####", 3, 12, 1},
    {"two holes", "#####/#.#.#/#####", 3, 12, 2},
    {"a comb", "#.#.#/#####", 1, 12, 0},
    {"parts that part again", "###/#.#", 1, 8, 0},
};

START_TEST(outline_case)
{
    drawing d = draw(cases[_i].text);
    dp_outline o = {0};
    dp_error err = {0};
    int holes = 0;

    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    for (size_t r = 0; r < o.ring_count; r++)
        holes += o.rings[r].hole;
    ck_assert_msg(o.ring_count == cases[_i].rings &&
                      o.point_count == cases[_i].points && holes == cases[_i].holes,
                  "%s: %zu rings, %zu points, %d holes", cases[_i].what, o.ring_count,
                  o.point_count, holes);
    check_encloses_exactly(&d, &o);
    dp_outline_done(&o);
    drawing_done(&d);
}
END_TEST

START_TEST(outline_points_of_a_pixel)
{
    drawing d = draw("..../..#./....");
    dp_outline o = {0};
    dp_error err = {0};
    static const dp_point want[] = {{3, 1}, {3, 2}, {2, 2}, {2, 1}};
    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    ck_assert_mem_eq(o.points, want, sizeof want);
    dp_outline_done(&o);
    drawing_done(&d);
}
END_TEST

/* The hole belongs to the part around it, not to the one inside it. */
START_TEST(outline_holes_follow_their_part)
{
    drawing d = draw("#####/#...#/#.#.#/#...#/#####");
    dp_outline o = {0};
    dp_error err = {0};
    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    ck_assert_int_eq(winding(&o, 0, 2, 2), 0);
    ck_assert_int_eq(winding(&o, 0, 0, 2), 1);
    ck_assert_int_eq(winding(&o, 1, 2, 2), 1);
    dp_outline_done(&o);
    drawing_done(&d);
}
END_TEST

START_TEST(outline_of_noise_encloses_it_exactly)
{
    uint64_t state = (uint64_t)_i + 1;
    dp_outline o = {0};
    dp_error err = {0};
    for (int i = 0; i < 40; i++) {
        drawing d = {1 + random_int(&state, 30), 1 + random_int(&state, 30), NULL, {0}};
        const int dense = 1 + random_int(&state, 9);
        d.pixels = malloc((size_t)(d.h * d.w));
        for (int k = 0; k < d.h * d.w; k++)
            d.pixels[k] = random_int(&state, 10) < dense;
        encode(&d);
        ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
        check_encloses_exactly(&d, &o);
        drawing_done(&d);
    }
    dp_outline_done(&o);
}
END_TEST

/* Three rings as one path: round the first, then out to each other and back again, so
 * that the path goes round every pixel as often as the rings do. */
START_TEST(outline_rings_are_joined_to_one_path)
{
    static const dp_point want[] = {
        {1, 0}, {1, 1}, {0, 1}, {0, 0}, {1, 0}, /* round, back to its start */
        {3, 0}, {3, 1}, {2, 1}, {2, 0}, {3, 0}, {1, 0},
        {5, 0}, {5, 1}, {4, 1}, {4, 0}, {5, 0}};
    drawing d = draw("#.#.#");
    dp_outline o = {0};
    dp_error err = {0};
    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    ck_assert_int_eq(dp_outline_join(&err, &o, 0, 3), DP_OK);
    ck_assert_uint_eq(o.path_count, sizeof want / sizeof *want);
    ck_assert_mem_eq(o.path, want, sizeof want);
    ck_assert_int_eq(dp_outline_join(&err, &o, 1, 1), DP_OK);
    ck_assert_uint_eq(o.path_count, 4);
    ck_assert_mem_eq(o.path, want + 5, 4 * sizeof *want);
    ck_assert_int_eq(dp_outline_join(&err, &o, 0, 0), DP_OK);
    ck_assert_uint_eq(o.path_count, 0);
    dp_outline_done(&o);
    drawing_done(&d);
}
END_TEST

static double to_segment(dp_point p, dp_point a, dp_point b)
{
    const double dx = b.x - a.x, dy = b.y - a.y;
    double t = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy);
    t = fmin(fmax(t, 0), 1);
    return hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

static double to_ring(dp_point p, const dp_outline *o, const dp_ring *r)
{
    double least = HUGE_VAL;
    for (size_t i = 0; i < r->count; i++)
        least = fmin(least, to_segment(p, o->points[r->first + i],
                                       o->points[r->first + (i + 1) % r->count]));
    return least;
}

/* A disc has a point a stair; within a pixel a dozen do. */
START_TEST(outline_of_a_disc_is_simplified_within_a_pixel)
{
    enum { SIDE = 101 };
    drawing d = {SIDE, SIDE, malloc(SIDE * SIDE), {0}};
    dp_outline o = {0}, exact = {0};
    dp_error err = {0};
    for (int i = 0; i < SIDE * SIDE; i++)
        d.pixels[i] = hypot(i % SIDE - 50, i / SIDE - 50) < 48;
    encode(&d);
    ck_assert_int_eq(dp_outline_trace(&err, &exact, &d.rle), DP_OK);
    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    ck_assert_int_eq(dp_outline_simplify(&err, &o, 0), DP_OK);
    ck_assert_uint_eq(o.rings[0].count, exact.rings[0].count);
    ck_assert_int_eq(dp_outline_simplify(&err, &o, 1), DP_OK);
    ck_assert_uint_gt(exact.rings[0].count, 150);
    ck_assert_uint_lt(o.rings[0].count, 40);
    for (size_t i = 0; i < exact.rings[0].count; i++)
        ck_assert(to_ring(exact.points[i], &o, &o.rings[0]) <= 1 + 1e-12);
    dp_outline_done(&o);
    dp_outline_done(&exact);
    drawing_done(&d);
}
END_TEST

/* Of any mask: no ring vanishes or turns round, no point of the outline is farther than
 * the tolerance. */
START_TEST(outline_of_noise_is_simplified_within_the_tolerance)
{
    uint64_t state = (uint64_t)_i + 77;
    dp_outline o = {0}, exact = {0};
    dp_error err = {0};
    for (int i = 0; i < 40; i++) {
        const double tolerance = random_int(&state, 40) / 10.0;
        drawing d = {1 + random_int(&state, 30), 1 + random_int(&state, 30), NULL, {0}};
        d.pixels = malloc((size_t)(d.h * d.w));
        for (int k = 0; k < d.h * d.w; k++)
            d.pixels[k] = random_int(&state, 10) < 8;
        encode(&d);
        ck_assert_int_eq(dp_outline_trace(&err, &exact, &d.rle), DP_OK);
        ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
        ck_assert_int_eq(dp_outline_simplify(&err, &o, tolerance), DP_OK);
        ck_assert_uint_eq(o.ring_count, exact.ring_count);
        for (size_t r = 0; r < o.ring_count; r++) {
            const dp_ring *was = &exact.rings[r];
            ck_assert(o.rings[r].count >= 3 && o.rings[r].count <= was->count);
            for (size_t k = 0; k < was->count; k++)
                ck_assert(to_ring(exact.points[was->first + k], &o, &o.rings[r]) <=
                          tolerance + 1e-9);
        }
        drawing_done(&d);
    }
    dp_outline_done(&o);
    dp_outline_done(&exact);
}
END_TEST

START_TEST(outline_parts_are_joined_one_by_one)
{
    drawing d = draw("###.#/#.#.#/###.#");
    dp_outline o = {0};
    dp_error err = {0};
    size_t at = 0;
    ck_assert_int_eq(dp_outline_trace(&err, &o, &d.rle), DP_OK);
    ck_assert_int_eq(dp_outline_join_part(&err, &o, &at), DP_OK);
    ck_assert_uint_eq(at, 2);
    ck_assert_uint_eq(o.path_count, 10);
    ck_assert_int_eq(dp_outline_join_part(&err, &o, &at), DP_OK);
    ck_assert_uint_eq(at, o.ring_count);
    ck_assert_uint_eq(o.path_count, 4);
    dp_outline_done(&o);
    drawing_done(&d);
}
END_TEST

/* Runs as a file may have them: lengths of 0 between, none at the end. */
START_TEST(outline_of_runs_of_no_length)
{
    uint32_t counts[] = {1, 1, 0, 1, 2, 0, 1};
    const dp_rle mask = {3, 2, sizeof counts / sizeof *counts, counts};
    dp_outline o = {0};
    dp_error err = {0};
    ck_assert_int_eq(dp_outline_trace(&err, &o, &mask), DP_OK);
    ck_assert_uint_eq(o.ring_count, 1);
    ck_assert_uint_eq(o.point_count, 4);
    dp_outline_done(&o);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outline");
    TCase *t = tcase_create("outline");
    tcase_add_loop_test(t, outline_case, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, outline_points_of_a_pixel);
    tcase_add_test(t, outline_holes_follow_their_part);
    tcase_add_loop_test(t, outline_of_noise_encloses_it_exactly, 0, 10);
    tcase_add_test(t, outline_rings_are_joined_to_one_path);
    tcase_add_test(t, outline_of_a_disc_is_simplified_within_a_pixel);
    tcase_add_loop_test(t, outline_of_noise_is_simplified_within_the_tolerance, 0, 5);
    tcase_add_test(t, outline_parts_are_joined_one_by_one);
    tcase_add_test(t, outline_of_runs_of_no_length);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
