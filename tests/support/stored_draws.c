#include "tests/support/stored_draws.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16384 };

static const struct {
    const char *function;
    dp_draw_kind kind;
} functions[] = {
    {"random", DP_DRAW_UNIT},         {"rand", DP_DRAW_UNIT},
    {"torch_rand", DP_DRAW_UNIT_F32}, {"uniform", DP_DRAW_UNIFORM},
    {"randint", DP_DRAW_INTEGER},     {"op_choice", DP_DRAW_INTEGER},
    {"gauss", DP_DRAW_NORMAL},        {"normal_noise", DP_DRAW_NORMAL},
    {"beta", DP_DRAW_BETA},
};

static dp_draw_kind find_kind(const char *function)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(function, functions[i].function) == 0)
            return functions[i].kind;
    ck_abort_msg("an unknown draw: %s", function);
}

static void add(stored_draws *s, dp_draw draw, double value)
{
    ck_assert_uint_lt(s->replay.count, MOST);
    draw.value = value;
    s->draws[s->replay.count++] = draw;
}

/* One number for each of the array's [3][h][w] places. */
static void add_noise(stored_draws *s, const cJSON *shape, const double **noise)
{
    int count = 1;
    for (const cJSON *side = shape->child; side; side = side->next)
        count *= side->valueint;
    for (int i = 0; i < count; i++)
        add(s, (dp_draw){.kind = DP_DRAW_NORMAL, .bounds = {0, 1}}, *(*noise)++);
}

static void add_entry(stored_draws *s, const cJSON *entry, const double **noise,
                      bool exclusive)
{
    const char *function = entry->child->valuestring;
    const cJSON *arguments = entry->child->next;
    const cJSON *value = cJSON_GetArrayItem(entry, cJSON_GetArraySize(entry) - 1);
    dp_draw draw = {.kind = find_kind(function)};
    if (strcmp(function, "normal_noise") == 0) {
        add_noise(s, arguments, noise);
        return;
    }
    if (strcmp(function, "op_choice") == 0)
        draw.bounds[1] = arguments->child->valuedouble - 1;
    else if (draw.kind != DP_DRAW_UNIT && draw.kind != DP_DRAW_UNIT_F32)
        for (int i = 0; i < 2; i++)
            draw.bounds[i] = cJSON_GetArrayItem(arguments, i)->valuedouble;
    if (draw.kind == DP_DRAW_INTEGER && exclusive)
        draw.bounds[1] -= 1;
    if (cJSON_IsArray(value))
        for (const cJSON *one = value->child; one; one = one->next)
            add(s, draw, one->valuedouble);
    else
        add(s, draw, value->valuedouble);
}

void stored_draws_init(stored_draws *s, const cJSON *list, const double **noise,
                       bool exclusive)
{
    *s = (stored_draws){.draws = malloc(MOST * sizeof *s->draws)};
    ck_assert_ptr_nonnull(s->draws);
    s->replay.draws = s->draws;
    for (const cJSON *entry = list->child; entry; entry = entry->next)
        add_entry(s, entry, noise, exclusive);
    dp_random_init_replay(&s->random, &s->replay);
}

void stored_draws_done(stored_draws *s, const char *what)
{
    ck_assert_msg(!s->replay.failed, "%s: draw %zu is not the stored one", what,
                  s->replay.next);
    ck_assert_msg(s->replay.next == s->replay.count, "%s: %zu of %zu draws were used",
                  what, s->replay.next, s->replay.count);
    free(s->draws);
}
